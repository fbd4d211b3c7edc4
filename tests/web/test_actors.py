"""Each door says who acts: the person who signed in, the token, the command line, the scheduler."""

import re
from html import unescape

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from app.cli import main
from app.domain.access import Role
from app.factory import publisher_of
from app.jobs.post_office import open_post_office
from app.jobs.timetable import Timetable
from app.pulling.http_client import Outbound
from app.register.witnesses import Witnesses
from app.store.act_tables import acts
from app.store.acts import ACTOR, Deed, open_act


@pytest.fixture
def done(store):
    """Return a function that gives (deed, actor) of the newest acts, the latest first."""

    def newest(most=1):
        with store.reading() as connection:
            rows = connection.execute(sa.select(acts).order_by(acts.c.position.desc()).limit(most)).all()
        return [(act.deed, act.actor) for act in (open_act(store, *row) for row in rows)]

    return newest


def fields_of(page):
    return {
        name: unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text)
    }


def test_a_page_says_who_signed_in(sign_in, done):
    admin = sign_in("root@example.org", Role.ADMIN)
    assert done() == [(Deed.TOKEN_REVOKED, "not signed in")]
    form = fields_of(admin.get("/service/users/new"))
    assert (
        admin.post("/service/users", data=form | {"code": "acme", "name": "Acme", "category": "Other"}).status_code
        == 303
    )
    assert done() == [(Deed.USER_ADDED, "admin root@example.org")]


def test_a_program_says_which_token(web, credentials, done):
    _, dcc = credentials
    path = "/api/v1/late-changes?from=2026-11-01&to=2026-11-02&format=csv"
    assert web.test_client().get(path, headers=dcc).status_code == 200
    assert done() == [(Deed.EXPORTED, "token of dcc x")]


def test_the_command_line_says_so(service, environ, done):
    assert CliRunner().invoke(main, ["user", "add", "beta", "Beta"], env=environ).exit_code == 0
    assert done() == [(Deed.USER_ADDED, "command line")]


def test_the_scheduler_says_so(service, clock):
    outbound, seen = Outbound(), []
    office = open_post_office(publisher_of(service.settings), outbound, None)
    Timetable(service.register, clock, outbound, office, Witnesses())._guarded(lambda: seen.append(ACTOR.get()))()
    assert seen == ["scheduler"]
