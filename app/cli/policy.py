"""``closures policy``: dated rules on notice, holidays, retention, thresholds, desk sessions; each version kept."""

from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

import click

from app.cli.opening import opened
from app.cli.output import examples, json_option, say, table
from app.cli.param_types import CUT_OFF, DAY
from app.domain.desk import DeskPolicy
from app.domain.london import london_date, utc_text
from app.domain.notice_policy import COUNTING, NoticePolicy, policy_in_force
from app.domain.retention import RetentionPolicy
from app.domain.thresholds import Thresholds
from app.domain.working_days import REGIONS
from app.factory import Service, utc_now
from app.register.rulebook import (
    add_extra_days,
    desk_history,
    extra_days,
    policy_history,
    remove_extra_days,
    retention_history,
    set_desk_policy,
    set_notice_policy,
    set_retention,
    set_thresholds,
    threshold_history,
)

_DETAILS = _KEEP, _DROP = ("keep", "drop")
_DESKS = _ALLOWED, _FORBIDDEN = ("allowed", "forbidden")


@click.group()
def policy() -> None:
    """Show or set the rules: recommended notice, holidays, retention, thresholds, desk sessions."""


@policy.command(epilog=examples("closures policy show", "closures policy show --json"))
@json_option
def show() -> None:
    """Show the rules in force, and every version of the notice policy."""
    with opened() as service:
        _say_rules(service, utc_now())


@policy.command(
    "set",
    epilog=examples(
        "closures policy set --recommended-days 15 --valid-from 2027-04-01",
        "closures policy set --cut-off 16:30 --valid-from 2027-04-01",
        "closures policy set --extra-day 2027-05-10",
        "closures policy set --no-extra-day 2027-05-10",
        "closures policy set --details-days 60",
        "closures policy set --details drop",
        "closures policy set --closed-threshold 8 --reopening-threshold 4",
        "closures policy set --desk-sessions allowed",
    ),
)
@click.option("--recommended-days", type=int, metavar="N", help="Working Days' notice that are recommended.")
@click.option("--region", type=click.Choice(REGIONS), help="Whose bank holidays are no Working Days.")
@click.option(
    "--cut-off",
    type=CUT_OFF,
    metavar="HH:MM",
    help="The hour in London after which a notice counts as given on the next Working Day.",
)
@click.option("--no-cut-off", is_flag=True, help="A notice counts as given on its day, at whatever hour it comes.")
@click.option(
    "--valid-from", type=DAY, metavar="D", help="From which day of receipt the above applies; today, if not given."
)
@click.option(
    "--details-days", type=int, metavar="N", help="Days after the window for which a sender's words are kept."
)
@click.option(
    "--facts-days", type=int, metavar="N", help="Days after the window for which a closure's own facts are kept."
)
@click.option(
    "--details",
    type=click.Choice(_DETAILS),
    help="Whether a sender's words beyond date, time, gateway and reference are kept at all, from now on.",
)
@click.option("--withdrawn-days", type=int, metavar="N", help="Days for which a withdrawn closure stays in feeds.")
@click.option(
    "--closed-threshold", "closed", type=int, metavar="N", help="Gateways closed at once, above which to warn."
)
@click.option(
    "--reopening-threshold",
    "reopening",
    type=int,
    metavar="N",
    help="Gateways re-opening in an hour, above which to warn.",
)
@click.option("--release-days", type=int, metavar="N", help="Days on either side of a SEC Release that are near it.")
@click.option(
    "--desk-sessions",
    "desks",
    type=click.Choice(_DESKS),
    help="Whether the machine of a service desk may stay signed in for reading; forbidding ends those that are.",
)
@click.option(
    "--extra-day", "added", type=DAY, metavar="D", multiple=True, help="A holiday proclaimed; may be repeated."
)
@click.option(
    "--no-extra-day", "removed", type=DAY, metavar="D", multiple=True, help="An extra day taken out; may be repeated."
)
@json_option
def set_(
    recommended_days: int | None,
    region: str | None,
    cut_off: time | None,
    no_cut_off: bool,
    valid_from: date | None,
    details_days: int | None,
    details: str | None,
    facts_days: int | None,
    withdrawn_days: int | None,
    closed: int | None,
    reopening: int | None,
    release_days: int | None,
    desks: str | None,
    added: tuple[date, ...],
    removed: tuple[date, ...],
) -> None:
    """Set rules; what is not named stays. Earlier notices keep the rule that they were counted by."""
    if no_cut_off and cut_off is not None:
        raise click.UsageError("Give one of --cut-off and --no-cut-off.")
    notice = _stated({"recommended_days": recommended_days, "holiday_region": region, "cut_off": cut_off})
    if no_cut_off:
        notice["cut_off"] = None
    kept = _stated({"details_days": details_days, "facts_days": facts_days, "withdrawn_days": withdrawn_days})
    if details is not None:
        kept["keeps_details"] = details == _KEEP
    limits = _stated({"closed": closed, "reopening": reopening, "release_days": release_days})
    if valid_from is not None and not notice:
        raise click.UsageError("--valid-from goes with --recommended-days, --region or a cut-off.")
    if not (notice or kept or limits or desks or added or removed):
        raise click.UsageError("Nothing to set; give at least one option.")
    now = utc_now()
    with opened() as service:
        rulebook = service.register.rulebook()
        # Made before anything is written, so that one value out of range leaves every rule as it was.
        retention = replace(rulebook.retention, **kept)
        thresholds = replace(rulebook.thresholds, **limits)
        if notice:
            _set_notice(service, notice, valid_from or london_date(now), now)
        if kept:
            set_retention(service.store, retention, now)
        if limits:
            set_thresholds(service.store, thresholds, now)
        if desks:
            set_desk_policy(service.store, allowed=desks == _ALLOWED, now=now)
        _set_extra_days(service, added, removed, now)
        _say_rules(service, now)


def _set_extra_days(service: Service, added: tuple[date, ...], removed: tuple[date, ...], now: datetime) -> None:
    if added:
        add_extra_days(service.store, added, now)
    if removed:
        remove_extra_days(service.store, removed, now)


def _stated(values: dict[str, Any]) -> dict[str, Any]:
    """Return those of the values that were given."""
    return {name: value for name, value in values.items() if value is not None}


def _set_notice(service: Service, said: dict[str, Any], begins: date, now: datetime) -> None:
    until_now = policy_in_force(service.register.rulebook().policies, begins)
    names = ("recommended_days", "holiday_region", "cut_off")
    rule = {name: getattr(until_now, name) for name in names} | said
    set_notice_policy(service.store, **rule, valid_from=begins, now=now)


def _say_rules(service: Service, now: datetime) -> None:
    rulebook, history = service.register.rulebook(), policy_history(service.store)
    in_force = rulebook.policy_for(now)
    limits = rulebook.thresholds
    retention, working_days = rulebook.retention, rulebook.calendar_for(in_force)
    extra = extra_days(service.store)
    facts: dict[str, Any] = {
        "in_force": _policy_facts(in_force),
        "versions": [{**_policy_facts(entry), "set_at": utc_text(set_at)} for entry, set_at in history],
        "retention": {
            **_retention_facts(retention),
            "versions": [
                {**_retention_facts(retention_policy), "set_at": utc_text(set_at)}
                for retention_policy, set_at in retention_history(service.store)
            ],
        },
        "thresholds": {
            **_threshold_facts(rulebook.thresholds),
            "versions": [
                {**_threshold_facts(thresholds), "set_at": utc_text(set_at)}
                for thresholds, set_at in threshold_history(service.store)
            ],
        },
        "desk_sessions": {
            **_desk_facts(rulebook.desk),
            "versions": [
                {**_desk_facts(desk), "set_at": utc_text(set_at)} for desk, set_at in desk_history(service.store)
            ],
        },
        "holiday_table": {
            "version": working_days.version,
            "confirmed_through": working_days.confirmed_through.isoformat(),
            "extra_days": [day.isoformat() for day in extra],
        },
    }
    headings = ("version", "recommended_days", "region", "cut_off", "valid_from", "set_at")
    say(
        facts,
        f"In force: {in_force.recommended_days} Working Days are recommended; holidays of {in_force.holiday_region}"
        f"{_worded_cut_off(in_force)}.",
        f"Holiday table: {working_days.version}, confirmed through {working_days.confirmed_through}.",
        f"Kept: {_worded_details(retention)}, facts {retention.facts_days} days; "
        f"withdrawn closures stay {retention.withdrawn_days} days in feeds.",
        f"Alert thresholds: more than {limits.closed} gateways closed at once, more than {limits.reopening} "
        f"re-opening in one hour; closures within {limits.release_days} days of a SEC Release.",
        f"Extra days: {', '.join(str(day) for day in extra) or 'none'}.",
        f"Desk sessions: {facts['desk_sessions']['state']}.",
        "",
        *table(headings, [[version[name] for name in headings] for version in facts["versions"]], empty=""),
    )


def _worded_cut_off(one: NoticePolicy) -> str:
    return "" if one.cut_off is None else f"; after {one.cut_off:%H:%M} a notice counts from the next Working Day"


def _retention_facts(one: RetentionPolicy) -> dict[str, Any]:
    return {
        "version": one.version,
        "details": _KEEP if one.keeps_details else _DROP,
        "details_days": one.details_days,
        "facts_days": one.facts_days,
        "withdrawn_days": one.withdrawn_days,
    }


def _worded_details(one: RetentionPolicy) -> str:
    if one.keeps_details:
        return f"a sender's words {one.details_days} days after the window"
    return f"of a sender's words only date, time, gateway and reference, {one.details_days} days after the window"


def _threshold_facts(one: Thresholds) -> dict[str, int]:
    return {
        "version": one.version,
        "closed": one.closed,
        "reopening": one.reopening,
        "release_days": one.release_days,
    }


def _desk_facts(one: DeskPolicy) -> dict[str, Any]:
    return {"version": one.version, "state": _ALLOWED if one.allowed else _FORBIDDEN}


def _policy_facts(one: NoticePolicy) -> dict[str, Any]:
    return {
        "version": one.version,
        "recommended_days": one.recommended_days,
        "region": one.holiday_region,
        "counting": COUNTING,
        "cut_off": None if one.cut_off is None else f"{one.cut_off:%H:%M}",
        "valid_from": one.valid_from.isoformat(),
    }
