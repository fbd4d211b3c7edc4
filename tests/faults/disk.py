"""A disk that loses its power: what a recorder of system calls wrote down, and what of it may be left after a cut.

The rules are those of POSIX and of no particular file system. What was written and synced is there. Of what was written
and not synced, each sector of 512 octets is there or is not, in any combination; a change of length too. A name that was
made, replaced or removed is there once its folder was synced; before that, the names of a folder follow in their order.
"""

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
_CALLS = "mkdir,mkdirat,openat,pwrite64,write,writev,pwritev,ftruncate,truncate,fallocate,fsync,fdatasync,rename,unlink"
_LINE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+)")
_PATH = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_OPEN_FILE = re.compile(r"\d+<((?:\\x[0-9a-f]{2})*)>")
_OPENED_IN = re.compile(r"<((?:\\x[0-9a-f]{2})*)>, ")


@dataclass(frozen=True, slots=True)
class Call:
    """One call that changes or syncs something: ``place`` is an offset or a length."""

    kind: str
    path: str
    octets: bytes = b""
    place: int = 0
    other: str = ""


def record(command, folder, log, **options):
    """Run a command to its end under strace; return the calls that touched what is below a folder, in order."""
    traced = ["strace", "-f", "-qq", "-y", "-xx", "-s", "100000000", "-e", f"trace={_CALLS}", "-o", str(log)]
    subprocess.run([*traced, *command], check=True, **options)
    return list(read_log(log, str(folder)))


def read_log(log, folder):
    """Yield the calls of a log of strace that succeeded and touched what is below a folder."""
    begun, made = {}, set()
    for raw in log.read_text("ascii").splitlines():
        line = raw
        process, _, rest = line.partition(" ")
        if rest.rstrip().endswith("<unfinished ...>"):
            begun[process] = line.rpartition(" <unfinished ...>")[0]
            continue
        if "<... " in rest:
            line = begun.pop(process) + line.partition(" resumed>")[2]
        found = _LINE.match(line)
        if found is None or int(found[4]) < 0:
            continue
        for call in _read(found[2], found[3], int(found[4])):
            if not f"{call.path}/".startswith(folder + "/"):
                continue
            if call.kind == "create":
                if call.path in made:
                    continue
                made.add(call.path)
            if call.kind in {"rename", "unlink"}:
                made.discard(call.path)
                made.add(call.other)
            yield call


def _text(hexadecimal):
    return bytes.fromhex(hexadecimal.replace("\\x", ""))


def _read(name, arguments, result):
    """Yield what one call did. A call that this disk does not know fails the run rather than going unseen."""
    if name == "openat":
        path = _PATH.search(arguments)
        inside = _OPENED_IN.search(arguments)
        if "O_CREAT" in arguments:
            yield Call("create", str(Path(_text(inside[1]).decode()) / _text(path[1]).decode()))
        return
    if name in {"mkdir", "unlink", "rename"}:
        paths = [str(Path(_text(one).decode()).absolute()) for one in _PATH.findall(arguments)]
        yield Call(name, paths[0], other=paths[-1] if name == "rename" else "")
        return
    opened = _OPEN_FILE.match(arguments)
    path = _text(opened[1]).decode(errors="replace") if opened else ""
    if name == "pwrite64":
        yield Call("write", path, _text(_PATH.search(arguments)[1])[:result], int(arguments.rpartition(", ")[2]))
    elif name == "write":
        yield Call("append", path, _text(_PATH.search(arguments)[1])[:result])
    elif name == "ftruncate":
        yield Call("truncate", path, place=int(arguments.rpartition(", ")[2]))
    elif name in {"fsync", "fdatasync"}:
        yield Call("sync", path)
    else:
        yield Call(name, path)


@dataclass(slots=True)
class File:
    """What is surely on the disk, what was asked for since, and how long the file seems to those who run."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list = field(default_factory=list)
    length: int = 0


def _put(content, call):
    if call.kind == "truncate":
        del content[call.place :]
        content.extend(bytes(call.place - len(content)))
    else:
        content.extend(bytes(max(0, call.place - len(content))))
        content[call.place : call.place + len(call.octets)] = call.octets


class Disk:
    """The files below one folder, as calls are played on it one after the other."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.seen, self.durable = {}, {}  # path -> File; a folder has none
        self.names = {}  # folder -> the calls on its names that were not synced

    def play(self, call):
        match call.kind:
            case "create" | "mkdir":
                self.seen[call.path] = File() if call.kind == "create" else None
                self._name(call.path, ("put", call.path, self.seen[call.path]))
            case "unlink":
                self.seen.pop(call.path)
                self._name(call.path, ("drop", call.path, None))
            case "rename":
                self.seen[call.other] = self.seen.pop(call.path)
                self._name(call.path, ("move", call.other, call.path, self.seen[call.other]))
            case "append":
                file = self.seen[call.path]
                self._change(file, Call("write", call.path, call.octets, file.length))
            case "write" | "truncate":
                self._change(self.seen[call.path], call)
            case "sync" if call.path in self.seen and self.seen[call.path] is not None:
                file = self.seen[call.path]
                for one in file.pending:
                    _put(file.durable, one)
                file.pending.clear()
            case "sync":
                for change in self.names.pop(call.path, []):
                    self._settle(self.durable, change)
            case _:
                raise AssertionError(f"{call.kind} is not known to this disk")

    def _name(self, path, change):
        self.names.setdefault(str(Path(path).parent), []).append(change)

    @staticmethod
    def _change(file, call):
        end = call.place + len(call.octets)
        file.length = end if call.kind == "truncate" else max(file.length, end)
        file.pending.append(call)

    @staticmethod
    def _settle(names, change):
        match change:
            case ("put", path, file):
                names[path] = file
            case ("drop", path, _):
                names.pop(path, None)
            case ("move", path, before, file):
                names.pop(before, None)
                names[path] = file

    def cut(self, target, survives, chance):
        """Write into ``target`` what is left: each unsynced sector survives with the probability ``survives``."""
        names = dict(self.durable)
        for changes in self.names.values():
            for change in changes[
                : round(survives * len(changes)) if survives in {0, 1} else chance.randint(0, len(changes))
            ]:
                self._settle(names, change)
        target.mkdir()
        for path in sorted(names):
            if all(str(parent) in names for parent in self._parents(path)):
                place = target / path.removeprefix(self.folder + "/")
                if names[path] is None:
                    place.mkdir(mode=0o700)
                else:
                    place.write_bytes(self._left(names[path], survives, chance))
                    place.chmod(0o600)

    def _parents(self, path):
        return [one for one in Path(path).parents if str(one).startswith(self.folder + "/")]

    @staticmethod
    def _left(file, survives, chance):
        content = bytearray(file.durable)
        for call in file.pending:
            if call.kind == "truncate":
                if chance.random() < survives:
                    _put(content, call)
                continue
            for first in range(0, len(call.octets), SECTOR):
                if chance.random() < survives:
                    _put(content, Call("write", "", call.octets[first : first + SECTOR], call.place + first))
        return content
