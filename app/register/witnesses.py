"""Witnesses: others' servers that cosign our checkpoints, so that nobody can be shown another record than the rest."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.domain.refusal import StoreUnfit
from app.register.published import published_checkpoint
from app.register.register import Register
from app.security.notes import Checkpoint, CheckpointBroken, WitnessKey, open_checkpoint, read_witness_key
from app.store.cosignatures import HeldCosignature, all_cosignatures, put_cosignature

_LONG = timedelta(hours=3)  # without a quorum; a checkpoint is published each hour


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness: the key by which its cosignatures are known, and the address that it takes checkpoints at."""

    key: WitnessKey
    url: str


@dataclass(frozen=True, slots=True)
class Witnesses:
    """All that are configured, and how many of them make a quorum."""

    each: tuple[Witness, ...] = ()
    quorum: int = 0


@dataclass(frozen=True, slots=True)
class WitnessStanding:
    """How it stands with the witnesses.

    ``cosigned`` of them have cosigned the published checkpoint. ``quorum_at`` is the instant since which a quorum of
    them has cosigned one; None: never. ``troubles`` are pairs of a name and what went wrong, of those that are behind.
    """

    cosigned: int
    of: int
    quorum: int
    quorum_at: datetime | None
    troubles: tuple[tuple[str, str], ...]

    def is_overdue(self, now: datetime) -> bool:
        """Tell whether a quorum has been missing for long."""
        return self.of > 0 and (self.quorum_at is None or now - self.quorum_at > _LONG)


def open_witnesses(stated: Sequence[tuple[str, str]], quorum: int) -> Witnesses:
    """Return the witnesses that the settings state as (verifier key, address). Raise ``WitnessKeyBroken``."""
    return Witnesses(tuple(Witness(read_witness_key(key), url) for key, url in stated), quorum)


def shown_checkpoint(register: Register) -> tuple[str, Checkpoint]:
    """Return the published checkpoint as text and as what it says. Raise ``StoreUnfit`` if it is not one of ours."""
    text = published_checkpoint(register)
    try:
        return text, open_checkpoint(text, register.public_keys)
    except CheckpointBroken as problem:
        raise StoreUnfit(
            "The published checkpoint is damaged.", "Run `closures record verify`; restore a backup."
        ) from problem


def cosigned_checkpoint(register: Register) -> str:
    """Return the published checkpoint with the lines of all who cosigned it."""
    text, shown = shown_checkpoint(register)
    with register.store.reading() as connection:
        held = all_cosignatures(connection)
    return text + "".join(f"{one.line}\n" for one in held.values() if _is_over(one, shown))


def held_of(register: Register, witness: Witness) -> HeldCosignature:
    """Return what is kept of a witness."""
    with register.store.reading() as connection:
        return all_cosignatures(connection).get(witness.key.name, HeldCosignature(witness.key.name))


def keep(register: Register, held: HeldCosignature) -> None:
    """Keep what a witness cosigned."""
    with register.store.writing() as connection:
        put_cosignature(connection, held)


def keep_trouble(register: Register, held: HeldCosignature, trouble: str) -> None:
    """Keep why a witness gave no newer cosignature; nothing is written where that is known."""
    if held.trouble != trouble:
        keep(register, replace(held, trouble=trouble))


def standing_of(register: Register, witnesses: Witnesses) -> WitnessStanding:
    """Return how it stands with the configured witnesses."""
    _, shown = shown_checkpoint(register)
    with register.store.reading() as connection:
        found = all_cosignatures(connection)
    held = [found.get(one.key.name, HeldCosignature(one.key.name)) for one in witnesses.each]
    times = sorted((one.cosigned_at for one in held if one.cosigned_at is not None), reverse=True)
    return WitnessStanding(
        cosigned=sum(_is_over(one, shown) for one in held),
        of=len(held),
        quorum=witnesses.quorum,
        quorum_at=times[witnesses.quorum - 1] if 0 < witnesses.quorum <= len(times) else None,
        troubles=tuple((one.witness, one.trouble) for one in held if one.trouble),
    )


def _is_over(held: HeldCosignature, shown: Checkpoint) -> bool:
    return bool(held.line) and (held.size, held.root) == (shown.size, shown.root)
