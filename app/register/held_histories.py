"""Histories that a process holds in memory: those that some week, or a User, was asked for; the least asked go."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence

from app.register.recorded_change import History, places_of
from app.store.week_index import WATCHED

Part = str | bytes
"""What is held whole: the closures that any entry put into an ISO week or what stands in its place; or of a User."""


class HeldHistories:
    """Each is of a part that is held. No thread is safe in it but one that has it for itself."""

    def __init__(self) -> None:
        self._histories: dict[bytes, History] = {}
        self._places: dict[str, set[bytes]] = {}
        self._parts: OrderedDict[Part, None] = OrderedDict()  # the one asked for last is the last

    def __len__(self) -> int:
        """Return how many histories there are."""
        return len(self._histories)

    @property
    def is_empty(self) -> bool:
        """Tell whether no part is held."""
        return not self._parts

    def get(self, closure_id: bytes) -> History | None:
        """Return a history; None for one that is not held."""
        return self._histories.get(closure_id)

    def ask(self, parts: Iterable[Part]) -> list[Part]:
        """Note that parts are asked for, in this order; return those that are not held."""
        missing = []
        for part in parts:
            if part in self._parts:
                self._parts.move_to_end(part)
            else:
                missing.append(part)
        return missing

    def holds_users(self, user_ids: Collection[bytes]) -> bool:
        """Tell whether every closure of Users is held."""
        return all(user_id in self._parts for user_id in user_ids)

    def concerns(self, user_id: bytes, places: Iterable[str]) -> bool:
        """Tell whether a closure of a User, found in these places, is of a part that is held."""
        return user_id in self._parts or any(place in self._parts for place in places)

    def add(self, parts: Iterable[Part], histories: Iterable[History]) -> None:
        """Hold parts from now on: ``histories`` are all of theirs, if need be with others."""
        self._parts.update(dict.fromkeys(parts))
        for history in histories:
            held = self._histories.get(history[0].closure_id)
            if held is None or len(held) < len(history):
                self.put(history)

    def put(self, history: History) -> None:
        """Hold a history, in place of what of it was held before, if it is of a part that is held."""
        closure_id, places = history[0].closure_id, places_of(history)
        if WATCHED not in places:
            self._leave(WATCHED, closure_id)
        if self.concerns(history[0].user_id, places):
            self._histories[closure_id] = history
            for place in places:
                self._places.setdefault(place, set()).add(closure_id)
        elif closure_id in self._histories:
            self._drop(closure_id, places)

    def of_users(self, user_ids: Collection[bytes]) -> list[History]:
        """Return what is held of Users."""
        return [history for history in self._histories.values() if history[0].user_id in user_ids]

    def found_in(self, places: Sequence[str], user_ids: Collection[bytes]) -> list[History]:
        """Return what is held of Users of which any entry was in one of these places."""
        if len(self._places) < len(places):  # a span may be far longer than what is held
            among = set(places)
            places = [place for place in self._places if place in among]
        found: set[bytes] = set()
        for place in places:
            found |= self._places.get(place, set())
        histories = self._histories
        return [history for one in found if (history := histories[one])[0].user_id in user_ids]

    def trim(self, most: int) -> None:
        """Let go of the parts that were asked for least lately until there are ``most`` histories or fewer."""
        while len(self._histories) > most and self._parts:
            part, _ = self._parts.popitem(last=False)
            if isinstance(part, str):
                self._let_go(list(self._places.get(part, ())))
            else:
                self._let_go([one for one, history in self._histories.items() if history[0].user_id == part])

    def _let_go(self, closure_ids: Iterable[bytes]) -> None:
        """Drop those that are of no part that is held."""
        for closure_id in closure_ids:
            history = self._histories[closure_id]
            places = places_of(history)
            if not self.concerns(history[0].user_id, places):
                self._drop(closure_id, places)

    def _drop(self, closure_id: bytes, places: Iterable[str]) -> None:
        del self._histories[closure_id]
        for place in places:
            self._leave(place, closure_id)

    def _leave(self, place: str, closure_id: bytes) -> None:
        found = self._places.get(place, set())
        found.discard(closure_id)
        if not found:
            self._places.pop(place, None)
