"""A receipt as evidence, away from the service: by the program of docs/evidence.md, and by others' checkers."""

import base64
import copy
import json
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from app.jobs.sweep import sweep
from app.jobs.witness import ask_witness
from app.pulling.http_client import Outbound
from app.register.evidence import evidence_of, keys_of
from app.register.key_rotation import rotate_root
from app.register.witnesses import cosigned_checkpoint, open_witnesses, standing_of

PAGE = Path(__file__).parents[2] / "docs" / "evidence.md"
# These two ask for a newer Python than they need; what they depend on is named here, so that pip does not look.
C2SP = ("aics-tlog==0.2.1", "aics-witness==0.1.0", "cryptography>=50.0.2", "cffi>=2", "pycparser>=2.22")
AS_THEY_ARE = ("--no-deps", "--ignore-requires-python")
CHECK = """
import json, sys
from aics_tlog import parse_checkpoint, parse_note, parse_vkey, verify_checkpoint, verify_consistency, verify_inclusion
facts = json.load(sys.stdin)
note, witnesses = parse_note(facts["note"]), [parse_vkey(one) for one in facts["witnesses"]]
head, receipt = parse_checkpoint(note.text), facts["receipt"]
inclusion, consistency = ([bytes.fromhex(one) for one in facts[name]] for name in ("inclusion", "consistency"))
leaf, root, size = bytes.fromhex(receipt["leaf"]), bytes.fromhex(receipt["root"]), receipt["tree_size"]
print(json.dumps([
    verify_checkpoint(note, parse_vkey(facts["vkey"]), witnesses, quorum=len(witnesses)).ok,
    verify_inclusion(leaf, receipt["leaf_index"], head.size, inclusion, head.root),
    verify_consistency(size, head.size, root, head.root, consistency),
    head.size,
]))
"""


@pytest.fixture
def check(tmp_path):
    """Return a function that runs the program of the page over a file of evidence and the keys."""
    program = PAGE.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    assert len(program.splitlines()) <= 40
    (tmp_path / "check.py").write_text(program, encoding="utf-8")

    def run(evidence, keys):
        for name, facts in (("evidence", evidence), ("keys", keys)):
            (tmp_path / f"{name}.json").write_text(json.dumps(facts), encoding="utf-8")
        words = [sys.executable, "-P", "check.py", "evidence.json", "keys.json"]
        return subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def other(value):
    """The same kind of value, another one."""
    if isinstance(value, int):
        return value + 1
    at = len(value) // 2
    return value[:at] + ("1" if value[at] != "1" else "2") + value[at + 1 :]


def alterations(evidence):
    """Every part of the evidence altered by itself, with its name."""
    for name, value in evidence["receipt"].items():
        altered = copy.deepcopy(evidence)
        altered["receipt"][name] = other(value)
        yield f"receipt {name}", altered
    for at, value in enumerate(evidence["inclusion_proof"]):
        altered = copy.deepcopy(evidence)
        altered["inclusion_proof"][at] = other(value)
        yield f"proof {at}", altered
    yield "proof cut", evidence | {"inclusion_proof": evidence["inclusion_proof"][:-1]}
    yield "proof longer", evidence | {"inclusion_proof": [*evidence["inclusion_proof"], "00" * 32]}
    for at, line in enumerate(lines := evidence["checkpoint"].split("\n")):
        if line:
            changed = [*lines[:at], other(line), *lines[at + 1 :]]
            yield f"checkpoint line {at}", evidence | {"checkpoint": "\n".join(changed)}


def test_the_program_of_the_page_believes_a_real_file_and_none_that_was_altered(visitor, check):
    own = visitor.run("token", "add", "--role", "dcc", "--label", "a checker")
    ask = partial(visitor.ask, user=own["username"], password=own["token"])
    until = time.monotonic() + 60
    while visitor.ask("/checkpoint")[1].split(b"\n")[1] == b"0" and time.monotonic() < until:
        time.sleep(0.2)
    span = f"from={datetime.now(UTC):%Y-%m-%d}"
    (reference, *_) = [one["reference"] for one in json.loads(ask(f"/api/v1/closures?{span}")[1])["closures"]]
    status, octets, _ = ask(f"/api/v1/closures/{reference}/evidence?revision=1")
    assert status == 200, octets
    evidence, keys = json.loads(octets), json.loads(visitor.ask("/checkpoint/keys")[1])
    assert visitor.run("record", "evidence", reference, "1")["receipt"] == evidence["receipt"]
    assert visitor.run("record", "key") == keys
    found = check(evidence, keys)
    assert (found.returncode, found.stdout) == (
        0, f"{reference} revision 1 was received at {evidence['receipt']['received_at']}: it holds\n",
    ), found.stderr  # fmt: skip
    assert [name for name, altered in alterations(evidence) if check(altered, keys).returncode == 0] == []


def test_keys_of_somebody_else_are_of_no_use(register, alpha, announce, give, dcc, clock, check):
    from app.security.signing import SigningKey, key_id, public_key_pem

    (given,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    sweep(register, clock())
    evidence, ours = evidence_of(register, dcc, given.closure.reference, 1), keys_of(register)["keys"][0]
    stranger = SigningKey(bytes(32)).public
    strange = {"id": key_id(stranger), "pem": public_key_pem(stranger)}
    assert check(evidence, {"keys": [ours]}).returncode == 0
    assert check(evidence, {"keys": [strange, ours]}).returncode == 0
    assert check(evidence, {"keys": [strange]}).returncode == 1
    assert check(evidence, {"keys": [strange | {"id": ours["id"]}]}).returncode == 1


def test_files_of_before_a_rotation_of_the_root_hold_and_those_of_after_are_signed_anew(
    register, alpha, announce, give, dcc, clock, check
):
    (given,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    sweep(register, clock())
    before, (old,) = evidence_of(register, dcc, given.closure.reference, 1), keys_of(register)["keys"]
    rotate_root(register.store, None, clock())
    sweep(register, clock.forward(hours=2))
    keys = keys_of(register)
    new, listed = keys["keys"]
    after = evidence_of(register, dcc, given.closure.reference, 1)
    assert (listed, before["receipt"]["key"], after["receipt"]["key"]) == (old, old["id"], new["id"])
    assert [check(one, keys).returncode for one in (before, after)] == [0, 0]
    assert [check(one, {"keys": [new]}).returncode for one in (before, after)] == [1, 0]
    assert [name for name, altered in alterations(after) if check(altered, keys).returncode == 0] == []


@pytest.fixture
def with_tlog(environment_of):
    """Return a function that has the C2SP package from PyPI check facts; it gives what that found."""
    python = environment_of(*C2SP, *AS_THEY_ARE) / "python"

    def run(**facts):
        words = [python, "-c", CHECK]
        done = subprocess.run(words, input=json.dumps(facts), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture
def witness(environment_of, register, tmp_path):
    """A C2SP witness from PyPI on loopback that knows our log; gives its verifier key and its address."""
    programs = environment_of(*C2SP, *AS_THEY_ARE)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    config = ("-c", str(tmp_path / "witness.json"))

    def run(*words):
        done = subprocess.run([programs / "aics-witness", *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    said = run("init", *config, "--name", "witness.example.org/w1", "--listen", address)
    vkey = next(word for word in said.split() if word.startswith("witness.example.org/w1+"))
    run("add-log", *config, "--origin", register.origin, "--vkey", keys_of(register)["keys"][0]["vkey"])
    log = (tmp_path / "witness.log").open("w")
    process = subprocess.Popen([programs / "aics-witness", "serve", *config], stdout=log, stderr=subprocess.STDOUT)
    host, port = address.split(":")
    until = time.monotonic() + 30
    while True:
        assert process.poll() is None, (tmp_path / "witness.log").read_text()
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
            break
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.1)
    yield vkey, f"http://{address}"
    process.terminate()
    process.wait(20)
    log.close()


@pytest.mark.slow
def test_others_checkers_and_a_real_witness_take_what_we_publish(
    register, web, alpha, announce, give, dcc, clock, with_tlog, witness
):
    witnesses = open_witnesses([witness], 1)
    client, vkey = web.test_client(), keys_of(register)["keys"][0]["vkey"]

    def ask():
        ask_witness(register, Outbound(allow_private=True), witnesses.each[0], clock)
        standing = standing_of(register, witnesses)
        assert (standing.cosigned, standing.troubles) == (1, ())

    def checked(witnesses, **changed):
        """What others' code makes of the evidence for the first receipt: note, inclusion, growth, size."""
        evidence = evidence_of(register, dcc, first, 1)
        receipt = evidence["receipt"]
        grown = client.get(f"/checkpoint/consistency?first={receipt['tree_size']}").json["proof"]
        facts = {"note": evidence["checkpoint"], "receipt": receipt, "inclusion": evidence["inclusion_proof"]}
        return with_tlog(**{"vkey": vkey, "witnesses": witnesses, "consistency": grown, **facts, **changed})

    def published_size():
        return int(cosigned_checkpoint(register).split("\n")[1])

    first = give(alpha, announce("u1", "2027-02-07T02:00")).accepted[0].closure.reference
    sweep(register, clock())
    assert checked([]) == [True, True, True, published_size()]
    assert checked([witness[0]]) == [False, True, True, published_size()]  # nobody cosigned it yet
    ask()
    assert checked([witness[0]]) == [True, True, True, published_size()]

    for number in range(8, 28):
        give(alpha, announce(f"u{number}", f"2027-02-{number:02}T02:00"))
    sweep(register, clock.forward(hours=1))
    ask()
    with register.store.writing() as connection:  # what we know of the witness is lost: it answers 409, and we go on
        connection.exec_driver_sql("DELETE FROM cosignatures")
    give(alpha, announce("u28", "2027-02-28T02:00"))
    sweep(register, clock.forward(hours=1))
    ask()
    assert published_size() > 60
    assert checked([witness[0]]) == [True, True, True, published_size()]

    # The same, with one thing altered each.
    note = cosigned_checkpoint(register)
    receipt = evidence_of(register, dcc, first, 1)["receipt"]
    ours, theirs = (line for line in note.split("\n") if line.startswith("—"))
    assert checked([witness[0]], note=note.replace(theirs, altered_line(theirs)))[0] is False
    assert checked([witness[0]], note=note.replace(ours, altered_line(ours)))[0] is False
    assert checked([], receipt=receipt | {"leaf": other(receipt["leaf"])})[1] is False
    assert checked([], receipt=receipt | {"root": other(receipt["root"])})[2] is False


def altered_line(line):
    """A signature line with one bit of its signature flipped."""
    head, _, encoded = line.rpartition(" ")
    octets = bytearray(base64.b64decode(encoded))
    octets[-40] ^= 1
    return f"{head} {base64.b64encode(octets).decode()}"
