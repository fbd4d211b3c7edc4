"""The acknowledgement of a PUT in a header: never more of it than a proxy takes."""

import json
from datetime import UTC, datetime

from app.caldav.boards.receipt_line import receipt_line
from app.domain.notice import NoticeContent
from app.domain.party import Names
from app.register.event_counts import counts_of_none
from app.register.receipts import Outcome

AT = datetime(2026, 11, 24, 9, tzinfo=UTC)


def test_the_first_remarks_are_said_as_long_as_they_are_short_together():
    remarks = ("a" * 600, "b" * 400, "c")
    none = counts_of_none(NoticeContent((), ()))
    said = [receipt_line(Outcome(AT, True, Names({}, {}), none, remarks=given)) for given in (remarks, ())]
    assert [json.loads(line)["remarks"] for line in said] == [list(remarks[:2]), []]
