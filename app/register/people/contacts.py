"""Whom a User names to call about its closures: the User's own words, shown to itself and to whoever triages."""

from dataclasses import replace

from app.domain.party import User
from app.domain.refusal import Refusal
from app.store import parties
from app.store.engine import Store

LONGEST_CONTACT = 120


class ContactRefused(Refusal):
    """A contact that is too long, or holds what cannot be printed."""

    code = "contact"


def find_contact(store: Store, code: str) -> User:
    """Return the User with its contact as it stands. Raise ``Unknown``."""
    with store.reading() as connection:
        return parties.find_user(store, connection, code)


def name_contact(store: Store, code: str, text: str) -> User:
    """Let a User name whom to call, or nobody by an empty text; an act tells of it. Raise ``ContactRefused``."""
    contact = text.strip()
    if len(contact) > LONGEST_CONTACT or not contact.isprintable():
        raise ContactRefused(
            "That is too long, or not on one line.",
            f"Give at most {LONGEST_CONTACT} characters, such as: Duty desk +44 20 7946 0000.",
        )
    with store.writing() as connection:
        user = parties.find_user(store, connection, code)
        if user.contact != contact:
            user = replace(user, contact=contact)
            parties.name_contact(store, connection, user)
    return user
