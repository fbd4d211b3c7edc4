"""The silences of an Alertmanager, by version 2 of its API: those of ours are read, made, changed and ended."""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from app.domain.london import utc_text
from app.domain.refusal import Refusal
from app.domain.window import ClosureWindow
from app.pulling.fetch_failure import SourceUnread
from app.pulling.http_client import HttpAnswer, Outbound, Visit
from app.register.messages.silences import Matcher, Silence, signature_of
from app.store.recipients import Recipient

_SECONDS = 3.0  # of one request: the next attempt is soon
_MADE_BY = "closure notices"
_OVER = "expired"
_TAKEN = 200


class OutOfStep(Refusal):
    """An Alertmanager that could not be brought in step: ``text`` says why, for whoever looks after the service."""

    code = "out-of-step"


class Unreached(OutOfStep):
    """An Alertmanager that did not answer: nothing more is asked of it for now."""

    code = "unreached"


class NotTaken(OutOfStep):
    """An Alertmanager that says what it holds, and did not take all that was asked."""

    code = "not-taken"


@dataclass(frozen=True, slots=True)
class HeldSilence:
    """A silence of ours in an Alertmanager, by its id there; ``has_begun`` by its clock."""

    id: str
    silence: Silence
    has_begun: bool


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """One Alertmanager, as a recipient names it. ``outbound`` says how far requests may go."""

    outbound: Outbound
    recipient: Recipient

    def silences(self) -> list[HeldSilence]:
        """Return the silences that it holds for this recipient and that are not over. Raise ``OutOfStep``."""
        answer = self._ask("GET", "silences")
        try:
            found = [_read(one) for one in json.loads(answer.body) if self._is_ours(one)]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, Refusal) as problem:
            raise OutOfStep("its list of silences could not be read") from problem
        return found

    def put(self, silence: Silence, held_id: str) -> None:
        """Make a silence, or change the one with this id. Raise ``OutOfStep``."""
        stated = {
            "matchers": [
                {"name": one.name, "value": one.value, "isRegex": one.is_regex, "isEqual": one.is_equal}
                for one in sorted(silence.matchers)
            ],
            "startsAt": utc_text(silence.window.starts),
            "endsAt": utc_text(silence.window.ends),
            "createdBy": _MADE_BY,
            "comment": silence.comment,
        }
        self._ask("POST", "silences", json.dumps({**stated, "id": held_id} if held_id else stated).encode())

    def end(self, held_id: str) -> None:
        """End a silence now. Raise ``OutOfStep``."""
        self._ask("DELETE", f"silence/{held_id}")

    def _is_ours(self, one: Mapping[str, Any]) -> bool:
        has_signature = str(one["comment"]).endswith(signature_of(self.recipient))
        return bool(has_signature and one["createdBy"] == _MADE_BY and one["status"]["state"] != _OVER)

    def _ask(self, method: str, path: str, body: bytes = b"") -> HttpAnswer:
        url = f"{self.recipient.address}/api/v2/{path}"
        headers = {"Content-Type": "application/json", **self._signing_in()}
        try:
            answer = Visit(self.outbound, url, seconds=_SECONDS).ask_once(method, url, headers, body)
        except SourceUnread as problem:
            # One text for all: an address must not become a means to look around from here.
            raise Unreached("it could not be reached") from problem
        if answer.status != _TAKEN:
            raise OutOfStep(f"it answered {answer.status}")
        return answer

    def _signing_in(self) -> dict[str, str]:
        sign_in = self.recipient.silencing.sign_in if self.recipient.silencing else ""
        name, colon, password = map(unquote, sign_in.partition(":"))
        if not sign_in:
            return {}
        if not colon:
            return {"Authorization": f"Bearer {name}"}
        return {"Authorization": f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"}


def _read(one: Mapping[str, Any]) -> HeldSilence:
    matchers = frozenset(
        Matcher(str(stated["name"]), str(stated["value"]), bool(stated["isRegex"]), bool(stated.get("isEqual", True)))
        for stated in one["matchers"]
    )
    starts, ends = (datetime.fromisoformat(one[name]).astimezone(UTC) for name in ("startsAt", "endsAt"))
    silence = Silence(matchers, ClosureWindow(starts, ends), one["comment"])
    return HeldSilence(str(one["id"]), silence, one["status"]["state"] == "active")
