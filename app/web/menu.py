"""Which pages a person finds in the menu: those whose route is open to the role."""

from flask import g

from app.domain import access
from app.web.routes import action_of


def may(endpoint: str) -> bool:
    """Tell whether the page's account may open a route; nobody may where none is signed in."""
    account = g.get("account")
    return account is not None and access.may(account.role, action_of(endpoint))
