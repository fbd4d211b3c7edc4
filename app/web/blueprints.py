"""Every group of routes that the doors over HTTP have, CalDAV's apart."""

from app.web import evidence, form_once, resumed_forms, status
from app.web.api import facts, notices_and_closures, openapi, questions
from app.web.feeds import addresses
from app.web.pages import (
    account,
    closure,
    closures,
    contact,
    horizon,
    insights,
    leaving,
    now_page,
    planned,
    told_facts,
    wall,
)
from app.web.pages.connect import app_passwords, sources, subscriptions
from app.web.pages.notice import form, own_notices, receipts, upload
from app.web.pages.record import check, entries, late_changes, receipt_check
from app.web.pages.service import (
    accounts,
    checklist,
    desks,
    health,
    holidays,
    keys,
    maintenance,
    messages,
    parties,
    policy,
)
from app.web.signin import oidc, session, set_up

BLUEPRINTS = (
    *(sources.connect, sources.service),
    *(
        module.blueprint
        for module in (
            *(status, evidence, notices_and_closures, facts, openapi, questions, addresses),
            *(now_page, planned, wall, horizon, insights, closures, closure, told_facts),
            *(account, contact, leaving, form_once, resumed_forms),
            *(upload, form, receipts, own_notices, app_passwords, subscriptions),
            *(entries, late_changes, check, receipt_check),
            *(accounts, checklist, desks, health, holidays, keys, maintenance, messages, parties, policy),
            *(session, set_up, oidc),
        )
    ),
)
