"""The ring of a key folder moved to where every machine reads it, once; after that the folder holds no copy of it.

A file that stayed would hold the data keys of a User that is shredded later.
"""

from collections.abc import Sequence

from app.domain.refusal import StoreUnfit
from app.security.held_ring import SERVICE_OWNER, HeldRing, read_held
from app.security.high_water import MARK_FILE
from app.security.key_folder import KeyFolder
from app.security.ring_place import RING_FILE, RingFile, RingPlace


def move_ring(folder: KeyFolder, place: RingPlace, given: Sequence[bytes]) -> None:
    """See to it that ``place`` holds the ring, and the locked folder none. Raise ``StoreUnfit``, removing nothing.

    ``given`` are the KEKs of the environment. A ring that is handed on is one that opens; a file is removed where all
    that it holds is in the ring that stands, or where it was made for a first start that another machine won.
    """
    file = RingFile(folder)
    if not place.holds():
        if not file.holds():
            raise StoreUnfit(
                "The key ring is missing from the database.",
                f"Put its newest copy (`closures keys export`) into {folder.path} as {RING_FILE}, with mode 0600.",
            )
        read_held(folder, file.read(), given, None)
        place.write(file.read()[1], None)  # else another machine was first
    if file.holds():
        standing = read_held(folder, place.read(), given, None)
        try:
            own = read_held(folder, file.read(), given, None)
        except StoreUnfit as problem:
            raise _in_the_way(folder) from problem
        is_of_a_first_start = own.owners.keys() <= {SERVICE_OWNER} and not folder.holds(MARK_FILE)
        if not (is_of_a_first_start or _is_within(own, standing)):
            raise _in_the_way(folder)
        folder.remove(RING_FILE)


def _is_within(own: HeldRing, standing: HeldRing) -> bool:
    """Tell whether a ring is of the same data as the one that stands, and no later: nothing is lost with it."""
    roots = own.epochs.derived["index"]
    if standing.epochs.derived["index"][: len(roots)] != roots:
        return False
    return all(
        owner in standing.owners
        and (not standing.owners[owner].keys or keys.keys.keys() <= standing.owners[owner].keys.keys())
        for owner, keys in own.owners.items()
    )


def _in_the_way(folder: KeyFolder) -> StoreUnfit:
    return StoreUnfit(
        f"The key folder {folder.path} holds a {RING_FILE} that is not an older copy of the key ring in the database.",
        "If the database is the right one and was not put back to an earlier state, remove that file. Else see "
        "docs/operating.md, Keys of many machines.",
    )
