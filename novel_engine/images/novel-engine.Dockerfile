# Flows in: app/, backup/ and requirements.txt (pinned by hash). Flows out: the reference Novel Engine, run as uid 1000 with a read-only root.
# docker build --network host [--secret id=ca,src=<CA bundle of this machine>] -f images/novel-engine.Dockerfile -t novel-engine:drill novel_engine
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS packages
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates python3 python3-venv
COPY requirements.txt /requirements.txt
RUN --mount=type=secret,id=ca \
    if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi \
 && python3 -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: -r /requirements.txt

FROM ${BASE}
# sqlite3 and tar: the runbook runs both in this container.
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 sqlite3 tar \
 && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /app/data /app/logs && chown -R 1000:1000 /app
COPY --from=packages /opt/venv /opt/venv
COPY __init__.py /srv/novel_engine/__init__.py
COPY app /srv/novel_engine/app
COPY backup /srv/novel_engine/backup
RUN /opt/venv/bin/python -m compileall -q /srv
ENV PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONPATH=/srv PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 1000:1000
WORKDIR /app
EXPOSE 8000
CMD ["python", "-m", "novel_engine.app"]
