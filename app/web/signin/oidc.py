"""Sign-in by the organisation's own provider: OpenID Connect, code flow with PKCE; who it is are issuer and subject."""

from typing import Any

import structlog
from flask import Blueprint, Flask, redirect, request, session, url_for
from werkzeug.wrappers import Response

from app.domain.access import Action
from app.domain.refusal import AccessRefused, Refusal, StoreUnfit, Unknown
from app.security.security_log import SecurityAction, security_event
from app.store import accounts, identities
from app.store.accounts import Account
from app.store.identities import Identity
from app.store.sessions import Stage
from app.web.browser_session import start_session
from app.web.desk import keep_desk
from app.web.known_device import remember_device
from app.web.principal import signing_in
from app.web.signin.session import after_sign_in
from app.web.site import Provider, site

blueprint = Blueprint("oidc", __name__)

_LOG = structlog.get_logger()
_DESK = "oidc_desk"  # in the session: the desk is to stay signed in for reading
_LINKS = "oidc_links"  # in the session: the person who asks is signed in, and wants the identity linked


class ProviderRefused(Refusal):
    """The provider did not say who somebody is, or said it in a way that does not hold."""

    code = "provider"


class NotLinked(AccessRefused):
    """A good identity that no account here is linked to."""

    code = "not-linked"


def open_provider(app: Flask, issuer: str, client_id: str, client_secret: str) -> Provider:
    """Return the provider of ``issuer``. Nothing is fetched before somebody signs in. Raise ``StoreUnfit``."""
    try:
        from authlib.integrations.flask_client import OAuth  # noqa: PLC0415 - an extra
    except ImportError as problem:
        raise StoreUnfit(
            "Sign-in by OpenID Connect is not installed.", "Install the extra: pip install '.[oidc]'."
        ) from problem
    client = OAuth(app).register(
        "provider",
        client_id=client_id,
        client_secret=client_secret,
        server_metadata_url=f"{issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid email", "code_challenge_method": "S256", "timeout": 10},
    )
    return Provider(issuer, client)


@blueprint.post("/sign-in/provider", action=Action.SIGN_IN)
def begin() -> Response:
    """Send the person to the provider. Who is signed in, or is to set up a sign-in, asks for it to be linked."""
    linking = _linking()
    session[_DESK] = request.form.get("desk") == "yes"
    if linking is None:
        session.pop(_LINKS, None)
    else:
        session[_LINKS] = linking[0].id.hex()
    try:
        found: Response = _client().authorize_redirect(site().base_url + url_for("oidc.come_back"))
    except Exception as problem:
        raise _refused(problem) from problem
    return found


@blueprint.get("/sign-in/provider/back", action=Action.SIGN_IN)
def come_back() -> Response:
    """Take the provider's word and sign in, or link the identity to the account that asked for it."""
    client, provider = _client(), site().provider
    assert provider is not None
    try:
        claims = client.authorize_access_token()["userinfo"]
        identity = Identity(str(claims["iss"]), str(claims["sub"]))
    except Exception as problem:
        raise _refused(problem) from problem
    if identity.issuer != provider.issuer:
        raise _refused(None)
    store, now = site().store, site().now()
    linking = _linking()
    if linking is not None and session.pop(_LINKS, "") == linking[0].id.hex():
        account, stage = linking
        with store.writing() as connection:
            identities.link_identity(store, connection, account.id, identity, now)
        if not stage.is_in(account.role):
            _sign_in(account)  # the provider answers for the second factor that was to be set up (ADR 14)
        return redirect(url_for("account.show"), 303)
    with store.reading() as connection:
        account_id = identities.account_of(store, connection, identity)
        found = None if account_id is None else accounts.account_by_id(store, connection, account_id)
    if found is None or found.closed_at is not None:
        raise NotLinked(
            "Your organisation's sign-in knows you, but no account here is linked to it.",
            f"Ask an admin to link one; your subject there is {identity.subject[:255]}.",
        )
    keeps_desk = session.pop(_DESK, False)
    _sign_in(found)
    if keeps_desk:
        keep_desk(found)
    return redirect(after_sign_in(), 303)


def _linking() -> tuple[Account, Stage] | None:
    """Return who may link an identity: somebody who is in, or is to set up a second factor and not asked for one."""
    found = signing_in()
    return None if found is None or found[1].asks_code else found


def _sign_in(account: Account) -> None:
    security_event(SecurityAction.SIGN_IN, account=account.id, step="provider")
    start_session(account.id, Stage.OPEN)
    remember_device(account)


def _client() -> Any:
    provider = site().provider
    if provider is None:
        raise Unknown("There is nothing at this address.", "Check the address.")
    return provider.client


def _refused(problem: Exception | None) -> ProviderRefused:
    # Whatever goes wrong between us and the provider is one answer; the log has its kind and none of its content.
    security_event(SecurityAction.SIGN_IN, failed=True, step="provider", reason="provider")
    _LOG.warning("the provider's answer was not taken", kind=type(problem).__name__, path_kind=request.endpoint)
    return ProviderRefused(
        "Your organisation's sign-in did not work.", "Try again; if it stays so, sign in by password or ask an admin."
    )
