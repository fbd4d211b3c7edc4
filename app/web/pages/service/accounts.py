"""Service, accounts: invite somebody, change what an account may do, help one back in, close one."""

from collections.abc import Callable, Mapping
from datetime import datetime

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.domain.access import Action, Role
from app.domain.refusal import AccessRefused, Refusal
from app.register.messages.link_letters import LinkLetter, mail_link
from app.register.people import accounts, desks, enrolment
from app.register.register import Register
from app.store import accounts as stored_accounts
from app.store import identities, sessions
from app.store.accounts import Account
from app.store.engine import Store
from app.store.listing import altered_ids
from app.web import form_once
from app.web.principal import require_account
from app.web.signin.set_up import proofs_of
from app.web.site import site

blueprint = Blueprint("service_accounts", __name__)


class OwnAccount(AccessRefused):
    """An admin about to shut themselves out."""

    code = "own-account"


@blueprint.get("/service/accounts", action=Action.KEEP_ACCOUNTS)
def show_all() -> Response:
    """List the accounts with how each signs in."""
    found = accounts.list_accounts(site().store)
    return make_response(
        render_template(
            "service/accounts.html",
            accounts=[(account, proofs_of(account)) for account in found],
            altered=altered_ids(site().store, stored_accounts.list_accounts),
        )
    )


@blueprint.get("/service/accounts/new", action=Action.KEEP_ACCOUNTS)
def new() -> Response:
    """Ask whom to invite, and as what."""
    return _form({}, [], form_once.new_form_id())


@blueprint.post("/service/accounts", action=Action.KEEP_ACCOUNTS)
def invite() -> AnyResponse:
    """Open an account; its one-time link goes by mail, or is shown once."""
    form = request.form
    by_mail = site().sends_mail and form.get("by_mail") == "yes"

    def work(register: Register) -> dict[str, object]:
        email, role = form.get("email", ""), _role()
        if by_mail:
            made = enrolment.add_account(register.store, email, role, _users(role), site().now())
            mail_link(register.store, made, LinkLetter.INVITATION, site().now())
            return {"kind": "mailed", "email": made.email}
        return _link_of(email, enrolment.open_account(register.store, email, role, _users(role), site().now()))

    try:
        form_id = form_once.carry_out(require_account(), lambda: work)
    except Refusal as refusal:
        return _form(form.to_dict(), form.getlist("users"), form.get("form_id", ""), refusal)
    if by_mail:
        flash("An invitation is on its way by e-mail. Messages shows what became of it.")
        return redirect(url_for("service_accounts.show_all"), 303)
    return redirect(url_for("form_once.show", form_id=form_id), 303)


@blueprint.get("/service/accounts/<account_id>", action=Action.KEEP_ACCOUNTS)
def show(account_id: str) -> Response:
    """Show one account: its rights, how it signs in, where it is signed in."""
    return _account_page(accounts.find_account(site().store, account_id))


@blueprint.post("/service/accounts/<account_id>/rights", action=Action.KEEP_ACCOUNTS)
def change_rights(account_id: str) -> AnyResponse:
    """Change the role and the Users; the account signs in anew."""
    account, role = accounts.find_account(site().store, account_id), _role()
    try:
        if account.id == require_account().id and role is not Role.ADMIN:
            raise OwnAccount("You cannot take the role admin from yourself.", "Ask another admin.")
        accounts.change_rights(site().store, account, role, _users(role), site().now())
    except Refusal as refusal:
        return _account_page(account, refusal)
    flash("The rights are as you chose. The account signs in anew.")
    return _back(account)


@blueprint.post("/service/accounts/<account_id>/link", action=Action.KEEP_ACCOUNTS)
def make_link(account_id: str) -> AnyResponse:
    """Make a one-time link, which stands for the password."""
    return _shown_link(account_id, enrolment.issue_sign_in)


@blueprint.post("/service/accounts/<account_id>/mail-link", action=Action.KEEP_ACCOUNTS)
def send_link(account_id: str) -> AnyResponse:
    """Send a one-time link to the account's address: an invitation until it has a password."""
    account = accounts.find_account(site().store, account_id)
    if account.closed_at is not None or not site().sends_mail:
        raise enrolment.AccountRefused("No link is sent to that account.", "Open it again, or make a link yourself.")

    def work(register: Register) -> dict[str, object]:
        letter = LinkLetter.WAY_BACK if proofs_of(account).password else LinkLetter.INVITATION
        mail_link(register.store, account, letter, site().now())
        return {"kind": "mailed", "email": account.email}

    form_once.carry_out(require_account(), lambda: work)
    flash("A link is on its way by e-mail. Messages shows what became of it.")
    return _back(account)


@blueprint.post("/service/accounts/<account_id>/afresh", action=Action.KEEP_ACCOUNTS)
def start_afresh(account_id: str) -> AnyResponse:
    """Forget password and second factor, and make a one-time link: for somebody who lost the second factor."""
    return _shown_link(account_id, accounts.start_afresh)


@blueprint.post("/service/accounts/<account_id>/end-sessions", action=Action.KEEP_ACCOUNTS)
def end_sessions(account_id: str) -> AnyResponse:
    """End every session of an account."""
    account = accounts.find_account(site().store, account_id)
    with site().store.writing() as connection:
        sessions.end_sessions_of(site().store, connection, account.id, site().now())
    flash("The account is signed out everywhere.")
    return _back(account)


@blueprint.post("/service/accounts/<account_id>/close", action=Action.KEEP_ACCOUNTS)
def close(account_id: str) -> AnyResponse:
    """Close an account."""
    account = accounts.find_account(site().store, account_id)
    if account.id == require_account().id:
        raise OwnAccount("You cannot close your own account.", "Ask another admin.")
    accounts.close_account(site().store, account, site().now())
    flash("The account is closed; its sessions, feeds and app passwords have ended.")
    return _back(account)


@blueprint.post("/service/accounts/<account_id>/open-again", action=Action.KEEP_ACCOUNTS)
def open_again(account_id: str) -> AnyResponse:
    """Open a closed account again."""
    account = accounts.find_account(site().store, account_id)
    accounts.open_again(site().store, account)
    flash("The account is open again.")
    return _back(account)


@blueprint.post("/service/accounts/<account_id>/identity", action=Action.KEEP_ACCOUNTS)
def link_identity(account_id: str) -> AnyResponse:
    """Link the account to its subject at the organisation's own sign-in, or forget every link."""
    account, provider = accounts.find_account(site().store, account_id), site().provider
    if request.form.get("unlink") == "yes":
        with site().store.writing() as connection:
            identities.unlink_identities(site().store, connection, account.id)
    elif provider is not None:
        try:
            subject = request.form.get("subject", "")
            accounts.link_subject(site().store, account, provider.issuer, subject, site().now())
        except Refusal as refusal:
            return _account_page(account, refusal)
    return _back(account)


def _shown_link(account_id: str, issue: Callable[[Store, str, datetime], str]) -> AnyResponse:
    """Have a token issued for an account, once however often the form comes, and show its link once."""
    email = accounts.find_account(site().store, account_id).email

    def work(register: Register) -> dict[str, object]:
        return _link_of(email, issue(register.store, email, site().now()))

    form_id = form_once.carry_out(require_account(), lambda: work)
    return redirect(url_for("form_once.show", form_id=form_id), 303)


def _back(account: Account) -> AnyResponse:
    if account.id == require_account().id:
        return redirect(url_for("service_accounts.show_all"), 303)
    return redirect(url_for("service_accounts.show", account_id=account.id.hex()), 303)


def _link_of(email: str, token: str) -> dict[str, object]:
    lasts = site().now() + enrolment.SIGN_IN_LASTS
    address = f"{site().base_url}/sign-in/{token}"
    return {"kind": "link", "email": email.strip().lower(), "url": address, "expires": lasts.isoformat()}


def _role() -> Role:
    stated = request.form.get("role", "")
    if stated not in set(Role):
        raise enrolment.AccountRefused("That is not a role.", f"Choose one of {', '.join(Role)}.")
    return Role(stated)


def _users(role: Role) -> list[str]:
    """Return the Users that were ticked; the other roles act for none, whatever was ticked before."""
    return request.form.getlist("users") if role is Role.USER else []


def _form(stated: Mapping[str, str], users: list[str], form_id: str, fault: Refusal | None = None) -> Response:
    page = render_template(
        "service/new_account.html",
        everyone=enrolment.list_users(site().store),
        stated=stated,
        chosen=users,
        form_id=form_id,
        sends_mail=site().sends_mail,
        fault=fault,
    )
    return make_response(page, 422 if fault else 200)


def _account_page(account: Account, fault: Refusal | None = None) -> Response:
    store = site().store
    with store.reading() as connection:
        found = sessions.sessions_of(store, connection, account.id, site().now())
        linked = identities.identities_of(store, connection, account.id)
    page = render_template(
        "service/account.html",
        one=account,
        held=proofs_of(account),
        sessions=found,
        desks=desks.living_desks(store, site().now(), account.id),
        linked=linked,
        everyone=enrolment.list_users(store),
        form_ids=[form_once.new_form_id() for _ in range(3)],
        sends_mail=site().sends_mail,
        fault=fault,
    )
    return make_response(page, 422 if fault else 200)
