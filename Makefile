# For maintainers. Nobody needs make to run or to test the service: README's two commands do that.
bin := .venv/bin

.PHONY: test replay coverage postgres long slow load hunt lint types imports format lock sbom crash leaders failover powercut ioerr bombs fuzz outbox silences mailbox canary lost bitrot rotate drill restore tamper ssrf peers publisher matrix clock bruteforce opinions api readers doors races http neighbour bench image ci

test:
	$(bin)/pytest

# What no test reaches, file by file; .ci/run asks it of app/domain and feeds alone, which their own tests cover whole.
coverage:
	$(bin)/pytest --cov --cov-report=term-missing

postgres:
	$(bin)/pytest --database=postgresql

# The tests that take minutes rather than seconds.
long:
	$(bin)/pytest --slow -m slow

# N idle connections, then N half-sent heads, then N slow bodies behind each shipped proxy file, and how long others
# wait meanwhile: make slow N=10000. It takes about 2 N open files (ulimit -n).
slow:
	CLOSURES_SLOW_CLIENTS=$(or $(N),10000) $(bin)/pytest -n 0 -q -s --slow tests/faults/test_slow_clients.py

# 200 subscribers and 20 writers for N minutes: errors, percentiles, and whether all that was acknowledged is in the
# feed: make load N=10
load:
	$(bin)/python tests/bench/load.py $(or $(N),10)

# The properties with many more examples each, at random: what it finds becomes a test of its own.
hunt:
	$(bin)/pytest --hypothesis-profile=hunt tests/domain tests/feeds tests/intake

lint:
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/deptry .
	$(bin)/vulture
	$(bin)/hadolint Dockerfile

types:
	$(bin)/mypy

imports:
	$(bin)/lint-imports

format:
	$(bin)/ruff check --fix .
	$(bin)/ruff format .

# Plain pinned files: constraints.txt for all, and with the hashes of what the image downloads, deploy/*requirements.txt.
# The lock formats that hold addresses of registries are not committed.
compile := uv pip compile --no-annotate --no-header --python-version 3.11
for_image := $(compile) --python-platform x86_64-manylinux_2_28 --generate-hashes --constraint constraints.txt
lock:
	$(compile) --universal --all-extras pyproject.toml -o constraints.txt
	$(for_image) --extra postgres --extra oidc pyproject.toml -o deploy/requirements.txt
	printf 'hatchling\nsetuptools\n' | $(for_image) - -o deploy/build-requirements.txt

# What the image holds, as a bill of materials (CycloneDX) with licences and dependencies: make sbom > sbom.json
# It is read from an environment made as the image makes it, so that a wrong hash shows here too.
sbom:
	@set -e; image=$$(mktemp -d); trap 'rm -rf "$$image"' EXIT; python3 -m venv "$$image"; \
	"$$image/bin/pip" install --quiet --require-hashes --only-binary :all: -r deploy/build-requirements.txt; \
	"$$image/bin/pip" wheel --quiet --require-hashes --only-binary :all: --no-binary dkimpy --no-deps \
		--no-build-isolation --wheel-dir "$$image/needed" -r deploy/requirements.txt; \
	python3 -m venv --clear "$$image/env"; \
	"$$image/env/bin/pip" install --quiet --no-deps --no-index "$$image"/needed/*.whl; \
	"$$image/env/bin/pip" install --quiet --no-deps .; \
	$(bin)/pip install --quiet --constraint constraints.txt -e '.[sbom]'; \
	$(bin)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --validate "$$image/env/bin/python"

# kill -9 of the running server under writes, N times: make crash N=1000
replay:
	CLOSURES_REPLAY=$(or $(N),4052) $(bin)/pytest -n 0 -q tests/jobs/test_replay_of_facts.py

crash:
	CLOSURES_CRASH_ROUNDS=$(or $(N),200) $(bin)/pytest --slow tests/faults/test_crash.py

# Two schedulers, and PostgreSQL restarted, cut off, away; the leader frozen and killed; N rounds: make leaders N=50
leaders:
	CLOSURES_LEADER_ROUNDS=$(or $(N),5) $(bin)/pytest -n 0 -s --slow tests/faults/test_leaders.py

# A pair of PostgreSQL servers under Patroni is switched over N times under writes, and then its primary killed; as root:
# apt-get install patroni etcd-server python3-etcd postgresql-15; make failover N=5
failover:
	CLOSURES_SWITCH_OVERS=$(or $(N),5) $(bin)/pytest -n 0 -q -rP tests/faults/failover.py

# The power fails N times over recorded writes and syncs of the real application: make powercut N=10000
powercut:
	CLOSURES_POWER_CUTS=$(or $(N),1000) $(bin)/pytest -q -rP --slow tests/faults/test_powercut.py

# Every write of every use case meets an I/O error, then a full disk.
ioerr:
	CLOSURES_IO_EVERY=1 $(bin)/pytest -q -rP tests/faults/test_io_errors.py tests/faults/test_full_disk.py

# Files and requests made to hang, swell or crash the service.
bombs:
	$(bin)/pytest tests/intake/test_bombs.py tests/web/test_bombs.py

# Made and mutilated requests through the whole application, N of them: make fuzz N=1000000
fuzz:
	CLOSURES_FUZZ=$(or $(N),100000) $(bin)/pytest -q -rP tests/faults/test_fuzz.py

# kill -9 of the process that sends, N times: make outbox N=100
outbox:
	CLOSURES_OUTBOX_ROUNDS=$(or $(N),100) $(bin)/pytest -n 0 -s --slow tests/faults/test_outbox_crash.py

# N random changes with Alertmanager stopped, killed and robbed of its memory in between: make silences N=1000
silences:
	CLOSURES_SILENCES=$(or $(N),1000) $(bin)/pytest -n 0 -q -s tests/faults/test_silences.py

# kill -9 of the scheduler while it takes mails and answers them, N times: make mailbox N=100
mailbox:
	CLOSURES_MAILBOX_ROUNDS=$(or $(N),100) $(bin)/pytest -n 0 -s --slow tests/faults/test_mailbox_crash.py

canary:
	$(bin)/pytest --slow tests/faults/test_canary.py

# The database moved, replaced, put back or without its write-ahead log, while the service runs and before it starts.
lost:
	$(bin)/pytest -n 0 --slow tests/faults/test_lost_database.py

# Single bits of stored values turned over, N of each column, or every one there is: make bitrot N=20, make bitrot N=all
bitrot:
	CLOSURES_BITROT=$(or $(N),20) $(bin)/pytest -n 0 -s --slow tests/faults/test_bitrot.py

# KEK, data keys and root secret rotated N times under load, the scheduler killed each time: make rotate N=10
rotate:
	CLOSURES_ROTATIONS=$(or $(N),10) $(bin)/pytest -n 0 -q -rP --slow tests/faults/test_rotate.py

# A register of N notices is backed up under writes, restored elsewhere and verified: make drill N=100000
drill:
	CLOSURES_DRILL=$(or $(N),10000) $(bin)/pytest -n 0 -s tests/faults/test_backup_drill.py

# The image, built by buildah over a base made by debootstrap, started and asked; as root: apt-get install buildah debootstrap
image:
	tests/image.sh

# kill -9 of `closures restore`, N times on each kind of database, then once more to its end: make restore N=20
restore:
	CLOSURES_RESTORE_KILLS=$(or $(N),20) $(bin)/pytest -n 0 -q -rP --slow tests/store/test_restore_kills.py
	CLOSURES_RESTORE_KILLS=$(or $(N),20) $(bin)/pytest -n 0 -q -rP --slow --database=postgresql tests/store/test_restore_kills.py

tamper:
	$(bin)/pytest tests/register/test_verification.py tests/register/test_tampering.py

# 40 spellings of addresses inside, by three ways: no connection is made.
ssrf:
	$(bin)/pytest -n 0 tests/intake/test_outbound.py tests/intake/test_addresses.py

# Radicale and Xandikos as sources, from environments of their own under ~/.cache/closure-notices (or CLOSURES_PEERS).
peers:
	$(bin)/pytest -n 0 tests/sources/test_peers.py

# A publisher that names its events anew at every look, N looks: make publisher N=1000
publisher:
	CLOSURES_PUBLISHER_LOOKS=$(or $(N),1000) $(bin)/pytest -n 0 tests/sources/test_renaming_publisher.py

# Every route, method and role against tests/golden/access-matrix.txt; and N pairs of worlds that differ only in what
# another User did look alike to ALPHA: make matrix N=10000
matrix:
	$(bin)/pytest -n 0 --slow tests/web/test_access_matrix.py
	CLOSURES_MATRIX_ROUNDS=$(or $(N),500) $(bin)/pytest -q --slow tests/web/test_non_interference.py

# The clock jumps, N times over: make clock N=1000
clock:
	CLOSURES_CLOCK_ROUNDS=$(or $(N),200) $(bin)/pytest -q tests/jobs/test_clock.py

# Known and unknown accounts cost alike, and ten tries a minute get through: make bruteforce N=2000
bruteforce:
	$(bin)/pytest tests/web/signin/test_password_sign_in.py
	CLOSURES_SIGN_IN_ROUNDS=$(or $(N),2000) $(bin)/python tests/bench/sign_in.py

# The answers of a second, obvious implementation, on 200 N random registers and at 100 N past instants: make opinions N=5
opinions:
	CLOSURES_OPINIONS=$(or $(N),5) $(bin)/pytest --slow tests/questions/test_second_opinion.py

# Questions of all sorts to every route of the API, N each: make api N=200
api:
	CLOSURES_API_EXAMPLES=$(or $(N),200) $(bin)/pytest --slow tests/web/api/test_openapi.py

# Generated calendar files with contradictions: what three other readers make of each, and we: make readers N=5000
readers:
	CLOSURES_FILES=$(or $(N),5000) $(bin)/pytest -n 0 --slow tests/intake/test_three_readers.py

# Random sequences of acts through every door, N of them; each door then reads alike: make doors N=50
doors:
	CLOSURES_SEQUENCES=$(or $(N),20) $(bin)/pytest -n 0 --slow tests/one_answer/test_every_door.py

# PUT, MOVE and DELETE of one member at once, N times: make races N=500
races:
	CLOSURES_RACES=$(or $(N),500) $(bin)/pytest -n 0 tests/one_answer/test_races.py

# PUT, MOVE and COPY by absolute and relative addresses through HTTP, N of them: make http N=500
http:
	CLOSURES_HTTP_ACTS=$(or $(N),500) $(bin)/pytest -n 0 tests/one_answer/test_over_http.py

# What a noisy User costs its neighbour, on an idle machine: make neighbour N=60 (seconds alone, and as many beside it)
neighbour:
	$(bin)/python tests/bench/neighbour.py $(or $(N),30)

# Ratios within one run, on an idle machine. No test depends on them.
bench:
	for bench in $(filter-out tests/bench/load.py,$(wildcard tests/bench/*.py)); do $(bin)/python $$bench || exit 1; done

ci:
	bash .ci/run
