#!/usr/bin/env bash
# Builds the image of the Dockerfile over a Debian base that is made here, and starts it: make image, as root.
# It needs buildah and debootstrap, and neither a container engine nor a registry of images; IMAGE_BASE may name a
# folder with a base that is there already. Prints what the service says of itself, and ends with 1 where it is not well.
set -euo pipefail
cd "$(dirname "$0")/.."

for program in buildah debootstrap; do
    command -v "$program" >/dev/null || { echo "NOT RUN: $program is missing (apt-get install buildah debootstrap)"; exit 1; }
done
folder=$(mktemp -d)
of() { buildah --root "$folder/images" --runroot "$folder/run" --storage-driver vfs "$@"; }
inside() { of run --isolation chroot --network host "$container" "$@"; }
parent=""
trap '[ -z "$parent" ] || kill "$parent" 2>/dev/null || true; rm -rf "$folder"' EXIT

base=${IMAGE_BASE:-$folder/base}
if [ ! -d "$base" ]; then
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$base" >"$folder/log" 2>&1 || { tail -5 "$folder/log"; exit 1; }
fi
ln -sf ../../bin/python3 "$base/usr/local/bin/python"
container=$(of from scratch)
of add -q "$container" "$base" / >/dev/null
of config --env PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin "$container"
of commit -q "$container" localhost/python:3.11-slim-bookworm >/dev/null
of rm "$container" >/dev/null

# pip trusts what this machine trusts.
printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' >"$folder/pip.conf"
of build -q --isolation chroot --network host --volume /etc/ssl/certs:/etc/ssl/certs:ro \
    --volume "$folder/pip.conf:/etc/pip.conf:ro" --tag closures . >"$folder/log" 2>&1 || { tail -20 "$folder/log"; exit 1; }
container=$(of from closures)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
of config --env CLOSURES_PORT="$port" --env CLOSURES_HOST=127.0.0.1 "$container"

inside sh -c 'echo $$ >/data/pid; exec closures up' >"$folder/log" 2>&1 &
answers() { python3 -c 'import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=4).read().decode())' "http://127.0.0.1:$port$1"; }
for _ in $(seq 100); do
    if answers /healthz >"$folder/health" 2>/dev/null; then break; fi
    sleep 0.2
done
parent=$(inside cat /data/pid)
cat "$folder/health"
grep -q '"status": "ok"' "$folder/health" || { cat "$folder/log"; exit 1; }

echo "as $(inside id -un), in $(inside sh -c 'du -sh /opt/closures | cut -f1'):"
inside closures user add ALPHA 'Alpha Energy'
inside closures gateway add ALPHA GW-1
printf '{"closures": [{"gateway": "GW-1", "starts": "2030-02-07T02:00Z", "ends": "2030-02-07T06:00Z"}]}' >"$folder/notice.json"
of copy -q "$container" "$folder/notice.json" /tmp/notice.json >/dev/null
inside closures notice import /tmp/notice.json --user ALPHA
kill -TERM "$parent"
wait %1 && echo "stopped cleanly" || { echo "it ended with status $?"; exit 1; }
parent=""
