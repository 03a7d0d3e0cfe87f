"""Programs that operations texts run. Flows in: a command's name. Flows out: whether it is one of them.

A block often shows what was printed beside what is run. Rules that look at any word of a command look at
these alone.
"""

from __future__ import annotations

PROGRAMS: frozenset[str] = frozenset(
    """
    kubectl oc helm kustomize velero restic rclone istioctl argocd flux cilium kubeadm kind minikube k3s
    crictl ctr docker podman docker-compose skopeo nerdctl trivy grype cosign aws gcloud gsutil bq az doctl
    terraform tofu terragrunt pulumi ansible ansible-playbook vault consul nomad curl wget ssh scp sftp rsync
    nc nmap dig nslookup host ping openssl psql pg_dump pg_dumpall pg_restore pg_basebackup createdb dropdb
    mysql mysqldump mariadb xtrabackup sqlite3 mongo mongosh mongodump mongorestore redis-cli etcdctl etcdutl
    cqlsh nodetool rabbitmqctl ceph rados rbd s3cmd mc systemctl service journalctl sysctl iptables nft ip
    mount umount mkfs.ext4 fsck lsblk crontab apt apt-get yum dnf apk dpkg rpm snap brew pip pip3 npm yarn gem
    bundle make cp mv rm ln mkdir touch chmod chown tar gzip gunzip zcat unzip zip dd find xargs ls cat tee
    sed awk grep kill pkill killall sudo su bash sh python python3 node ruby rake rails java date sleep export
    source gpg echo printf cd test [ set exit read wait true false promtool amtool logcli thanos etcd
    vtctldclient knife chef-client gitlab-ctl gitlab-rails patronictl wal-g
    """.split()  # noqa: SIM905 - a list to read, not one to count quotes in
)


def is_program(name: str) -> bool:
    """True for a program that operations texts run."""
    return name in PROGRAMS or name.endswith(".sh")
