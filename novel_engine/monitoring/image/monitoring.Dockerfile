# Flows in: Debian's own packages. Flows out: one image for Prometheus, Alertmanager and the edge in front of them; what runs is said by the manifests.
ARG BASE=debian:bookworm-slim
FROM ${BASE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends prometheus prometheus-alertmanager nginx-light openssl \
 && rm -rf /var/lib/apt/lists/* /var/log/nginx/* /etc/prometheus/prometheus.yml /etc/prometheus/alertmanager.yml
USER 1000:1000
CMD ["prometheus", "--version"]
