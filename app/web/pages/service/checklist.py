"""Service, set-up: what a new service needs before it is of use, each with whether it is there and where to add it."""

from dataclasses import dataclass

from flask import Blueprint, render_template, url_for

from app.domain.access import Action, Role
from app.register.people import accounts, enrolment
from app.store.runs import BACKUP, read_run
from app.web.site import site

blueprint = Blueprint("service_checklist", __name__)


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to set up: what it is, whether it is there, why, where it is done, and what is typed for it."""

    title: str
    done: bool
    why: str
    address: str
    link: str
    typed: str = ""


@blueprint.get("/service/set-up", action=Action.KEEP_ACCOUNTS)
def show() -> str:
    """List the steps, done and to do, as the database has it now."""
    return render_template("service/checklist.html", steps=_steps())


def _steps() -> list[Task]:
    store, now = site().store, site().now()
    admins = [one for one in accounts.list_accounts(store) if one.role is Role.ADMIN and one.closed_at is None]
    feeds = [one for one in enrolment.list_subscriptions(store) if one.subscription.is_live(now)]
    with store.reading() as connection:
        backup = read_run(connection, BACKUP)
    return [
        Task("The first User", bool(enrolment.list_users(store)),
             "An organisation that tells us when it closes its gateways.",
             url_for("service_parties.new_user"), "Add a User"),
        Task("Its gateway", bool(enrolment.list_gateways(store)),
             "A notice names the gateway that is closed.", url_for("service_parties.new_gateway"), "Add a gateway"),
        Task("A feed", bool(feeds),
             "So that planned closures stand in a calendar program.",
             url_for("connect_subscriptions.new"), "Make a feed"),
        Task("A second admin", len(admins) > 1,
             "So that somebody can help the first one back in.", url_for("service_accounts.new"), "Invite somebody"),
        Task("Mail", site().sends_mail,
             "For notifications, invitations and one-time links. The setting that names the mail server:",
             url_for("service_messages.show"), "Messages", "CLOSURES_SMTP_URL"),
        Task("A backup", backup is not None,
             "Every day, with the key folder kept apart: by the scheduler (CLOSURES_BACKUP_DIR), or by the command:",
             url_for("service_health.show"), "Health", "closures backup FILE"),
    ]  # fmt: skip
