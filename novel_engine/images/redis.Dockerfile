# Flows in: Debian's own package. Flows out: Redis 7.0 with an append-only file in /data, run as uid 1000 with a read-only root.
ARG BASE=debian:bookworm-slim
FROM ${BASE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends redis-server redis-tools \
 && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /data && chown 1000:1000 /data
USER 1000:1000
WORKDIR /data
EXPOSE 6379
CMD ["redis-server", "--bind", "*", "-::*", "--protected-mode", "no", "--dir", "/data", "--appendonly", "yes"]
