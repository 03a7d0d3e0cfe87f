# The images of the control plane and the add-ons: one static binary each, under the names that kubeadm and the manifests ask for.
# Build context: the staged folder (see Dockerfile). One target per image.
ARG BASE=debian:bookworm-slim
FROM ${BASE} AS with-iptables
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends iptables nftables ipset iproute2 conntrack kmod \
 && rm -rf /var/lib/apt/lists/*

FROM ${BASE} AS pause-build
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
COPY pause.c /pause.c
RUN gcc -Os -Wall -static -DVERSION=3.10.1 -o /pause /pause.c

FROM scratch AS static
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

FROM static AS pause
COPY --from=pause-build /pause /pause
USER 65535:65535
ENTRYPOINT [ "/pause" ]

FROM static AS kube-apiserver
COPY bin/kube-apiserver /usr/local/bin/kube-apiserver

FROM static AS kube-controller-manager
COPY bin/kube-controller-manager /usr/local/bin/kube-controller-manager

FROM static AS kube-scheduler
COPY bin/kube-scheduler /usr/local/bin/kube-scheduler

FROM with-iptables AS kube-proxy
COPY bin/kube-proxy /usr/local/bin/kube-proxy

FROM ${BASE} AS etcd
COPY bin/server /usr/local/bin/etcd

FROM static AS coredns
COPY bin/coredns /coredns
ENTRYPOINT [ "/coredns" ]

FROM static AS local-path-provisioner
COPY bin/local-path-provisioner /usr/bin/local-path-provisioner
ENTRYPOINT [ "/usr/bin/local-path-provisioner" ]

FROM ${BASE} AS local-path-helper

FROM static AS metrics-server
COPY bin/metrics-server /metrics-server
ENTRYPOINT [ "/metrics-server" ]

FROM with-iptables AS netpol
COPY bin/netpol /usr/local/bin/netpol
ENTRYPOINT [ "/usr/local/bin/netpol" ]
