# The tag is pinned and the digest is not: a digest would have to be looked up in an image registry, and the place where
# this file was written reaches none. Pin it where you build: FROM python:3.11-slim-bookworm@sha256:...
FROM python:3.11-slim-bookworm AS build
WORKDIR /build
# What is downloaded is what deploy/*requirements.txt state, to the octet; what tests need is not among it. Of dkimpy
# there is no wheel: one is built here, by the setuptools stated there.
COPY deploy/build-requirements.txt deploy/requirements.txt ./
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r build-requirements.txt \
    && /opt/build/bin/pip wheel --no-cache-dir --require-hashes --only-binary :all: --no-binary dkimpy \
        --no-deps --no-build-isolation --wheel-dir needed -r requirements.txt \
    && python -m venv /opt/closures \
    && /opt/closures/bin/pip install --no-cache-dir --no-deps --no-index needed/*.whl
COPY pyproject.toml README.md LICENSE ./
COPY app app
COPY feeds feeds
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir wheels . \
    && /opt/closures/bin/pip install --no-cache-dir --no-deps --no-index wheels/*.whl

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin closures \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data /data/database /data/keys
COPY --from=build /opt/closures /opt/closures
# One volume, two folders. Back up /data/database and /data/keys to different places: together they open everything.
# Better still, give the key as a secret file (CLOSURES_KEK_FILE) and leave /data/keys without one.
ENV PATH=/opt/closures/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    CLOSURES_DATA_DIR=/data/database \
    CLOSURES_KEY_DIR=/data/keys \
    CLOSURES_HOST=0.0.0.0 \
    CLOSURES_PORT=8000 \
    CLOSURES_LOG=json
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8000
# /healthz answers 200 only while the database answers and the scheduler has run; anything else raises here.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['CLOSURES_PORT'] + '/healthz', timeout=4)"]
CMD ["closures", "up"]
