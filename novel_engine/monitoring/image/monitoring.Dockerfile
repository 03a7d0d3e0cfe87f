# Flows in: Debian's own packages, discover.py. Flows out: one image for Prometheus with its discovery, Alertmanager, and the edge; what runs is said by the manifests.
ARG BASE=debian:bookworm-slim
FROM ${BASE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends prometheus prometheus-alertmanager nginx-light openssl python3 \
 && rm -rf /var/lib/apt/lists/* /var/log/nginx/* /etc/prometheus/prometheus.yml /etc/prometheus/alertmanager.yml
COPY discover.py /srv/discover.py
USER 1000:1000
CMD ["prometheus", "--version"]
