# Flows in: Debian's own package. Flows out: nginx that ends TLS for novel-engine.com; its configuration and certificate are mounted.
ARG BASE=debian:bookworm-slim
FROM ${BASE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends nginx-light openssl \
 && rm -rf /var/lib/apt/lists/* /var/log/nginx/*
USER 1000:1000
EXPOSE 8443
CMD ["nginx", "-c", "/etc/edge/nginx.conf", "-e", "stderr", "-g", "daemon off;"]
