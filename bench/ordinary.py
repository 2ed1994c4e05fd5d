"""What ordinary container life is, for ``bench.soak``: images and how they are built, services, jobs, visits.

It is meant to be what teams do every day and what no rule may object to. Three things that teams also do are not in it,
since the default policy reports them on purpose: a shell with a terminal in a running container
(``container.terminal-shell``), programs that a running container downloaded or compiled itself and then ran
(``container.drop-and-execute``: runners of such jobs are excepted by their image), and a copy of all of /etc, which
holds the password hashes (``file.read-sensitive``).
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

PREFIX = "hullguard-soak"
BASE = f"{PREFIX}/base"
_INSTALL = "RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends"
_CLEAN = "rm -rf /var/lib/apt/lists/*"


class Service(NamedTuple):
    """An image, and how its container is started."""

    name: str
    dockerfile: str
    options: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    """Directories of what this machine fetched, which the build copies."""


SERVICES = (
    Service(
        "web",
        f"""FROM {BASE}
{_INSTALL} nginx-light curl logrotate procps && {_CLEAN}
RUN echo '<p>hello</p>' > /var/www/html/index.html && sed -i 's/# gzip_vary/gzip_vary/' /etc/nginx/nginx.conf
HEALTHCHECK --interval=5s CMD curl -fsS http://127.0.0.1/ > /dev/null || exit 1
CMD ["nginx", "-g", "daemon off;"]
""",
        ("-v", "soak-www:/var/www/html"),
    ),
    Service(
        "database",
        f"""FROM {BASE}
{_INSTALL} mariadb-server && {_CLEAN} && mkdir -p /run/mysqld && chown mysql /run/mysqld
RUN echo "CREATE DATABASE IF NOT EXISTS soak; CREATE USER IF NOT EXISTS soak@'%' IDENTIFIED BY 'soak'; \
GRANT ALL ON soak.* TO soak@'%'; CREATE TABLE IF NOT EXISTS soak.t (n INT);" > /etc/soak.sql
HEALTHCHECK --interval=5s CMD mariadb-admin ping
CMD ["sh", "-c", "mariadbd --user=mysql --bind-address=0.0.0.0 --init-file=/etc/soak.sql"]
""",
        ("-v", "soak-mariadb:/var/lib/mysql"),
    ),
    Service(
        "records",
        f"""FROM {BASE}
{_INSTALL} postgresql && {_CLEAN}
RUN echo "listen_addresses = '*'" >> /etc/postgresql/15/main/postgresql.conf && \
echo 'host all all 0.0.0.0/0 scram-sha-256' >> /etc/postgresql/15/main/pg_hba.conf
HEALTHCHECK --interval=5s CMD pg_isready -q
CMD ["sh", "-c", "pg_ctlcluster 15 main start && tail -F /var/log/postgresql/postgresql-15-main.log"]
""",
        ("-v", "soak-postgres:/var/lib/postgresql"),
    ),
    Service(
        "cache",
        f"""FROM {BASE}
{_INSTALL} redis-server && {_CLEAN}
HEALTHCHECK --interval=5s CMD redis-cli ping
CMD ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", "60", "1"]
""",
    ),
    Service(
        "cron",
        f"""FROM {BASE}
{_INSTALL} cron logrotate && {_CLEAN}
RUN echo '* * * * * root date >> /var/log/ticks; find /tmp -mtime +1; logrotate /etc/logrotate.conf' > /etc/cron.d/soak
RUN echo '/var/log/ticks {{ size 1\\n rotate 3\\n compress\\n }}' > /etc/logrotate.d/ticks && \
echo '*/5 * * * * date > /tmp/five' | crontab - && printf '#!/bin/sh\\ndate\\n' > /etc/cron.daily/soak && \
chmod 755 /etc/cron.daily/soak
HEALTHCHECK --interval=30s CMD pidof cron
CMD ["cron", "-f"]
""",
    ),
    Service(
        "python",
        f"""FROM {BASE}
{_INSTALL} python3-venv curl && {_CLEAN}
RUN adduser --system --group --home /srv/app app
COPY wheels /wheels
RUN python3 -m venv /srv/venv && /srv/venv/bin/pip install --no-index --find-links /wheels flask gunicorn && \
rm -r /wheels
RUN printf 'from flask import Flask\\napp = Flask(__name__)\\n\\n@app.get("/")\\ndef index():\\n    return "hello"\\n' \
> /srv/app/shop.py
USER app
WORKDIR /srv/app
HEALTHCHECK --interval=10s CMD curl -fsS http://127.0.0.1:8000/ > /dev/null
CMD ["/srv/venv/bin/gunicorn", "--workers", "2", "--bind", "0.0.0.0:8000", "shop:app"]
""",
        files=("wheels",),
    ),
    Service(
        "node",
        f"""FROM {BASE}
{_INSTALL} nodejs && {_CLEAN} && useradd --create-home app
COPY node_modules /srv/node_modules
RUN printf "require('express')().get('/', (_, answer) => answer.send('hello')).listen(3000)\\n" > /srv/server.js
USER app
HEALTHCHECK --interval=10s CMD node -e "fetch('http://127.0.0.1:3000/').then(a => process.exit(a.ok ? 0 : 1))"
CMD ["node", "/srv/server.js"]
""",
        files=("node_modules",),
    ),
    Service(
        "git",
        f"""FROM {BASE}
{_INSTALL} git openssh-server && {_CLEAN} && adduser --disabled-password --gecos '' git
RUN mkdir -p /home/git/.ssh /run/sshd && ssh-keygen -q -t ed25519 -N '' -f /home/git/.ssh/id_ed25519 && \
cat /home/git/.ssh/id_ed25519.pub >> /home/git/.ssh/authorized_keys && chmod 600 /home/git/.ssh/* && \
chown -R git:git /home/git/.ssh && sed -i 's/^session.*pam_loginuid.so/# &/' /etc/pam.d/sshd
RUN mkdir -p /srv/project/src && cd /srv/project && \
printf '#include <stdio.h>\\nint main(void) {{ puts("hello"); }}\\n' > src/main.c && \
printf 'hello: src/main.o\\n\\t$(CC) -o $@ $^\\ninstall: hello\\n\\tinstall -D hello $(DESTDIR)/bin/hello\\n' \
> Makefile && git init -q && git add . && git -c user.name=a -c user.email=a@b.example commit -qm first
CMD ["sh", "-c", "/usr/sbin/sshd; exec git daemon --export-all --base-path=/srv"]
""",
    ),
    Service(
        "client",
        f"""FROM {BASE}
{_INSTALL} curl mariadb-client redis-tools postgresql-client && {_CLEAN}
CMD ["sh", "-c", "while sleep 1; do curl -sS http://web/ http://python:8000/ http://node:3000/ > /dev/null; \
redis-cli -h cache incr n; \
mariadb -h database -u soak -psoak soak -e 'insert into t values (1); select count(*) from t'; \
pg_isready -q -h records; done"]
""",
    ),
)
"""In the order in which they are built and started; the last asks the others."""
TOOLS = f"""FROM {BASE}
{_INSTALL} git make gcc libc6-dev python3 && {_CLEAN}
RUN useradd --create-home --uid 1000 ci
"""
"""Where the jobs of a pipeline run."""
BUILDS = {
    "accounts": f"""FROM {BASE}
{_INSTALL} python3-minimal git openssh-client sudo ca-certificates adduser cron procps
RUN useradd -m app && echo 'app:secret' | chpasswd && echo 'app ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/app
RUN su app -c 'mkdir -m 700 ~/.ssh; ssh-keygen -q -t ed25519 -N "" -f ~/.ssh/id_ed25519' && \
su app -c 'cp ~/.ssh/id_ed25519.pub ~/.ssh/authorized_keys'
RUN echo '0 3 * * * root true' > /etc/cron.d/nightly && \
printf '#!/bin/sh\\n' > /etc/init.d/app && chmod 755 /etc/init.d/app
RUN echo 'export PATH=$PATH:/opt/bin' >> /home/app/.bashrc && echo 'umask 027' > /etc/profile.d/umask.sh
RUN mkdir -p /etc/systemd/system && echo '[Service]' > /etc/systemd/system/app.service
RUN apt-get remove -y git && apt-get autoremove -y && apt-get clean && rm -rf /root/.bash_history /var/log/*.log
USER app
RUN python3 -c 'print(1)'
""",
    "source": f"""FROM {PREFIX}/tools
RUN printf '#include <stdio.h>\\nint main(void) {{ puts("hello"); }}\\n' > /tmp/hello.c && \
gcc -O2 -o /usr/bin/hello /tmp/hello.c && hello && rm /tmp/hello.c
RUN apt-get purge -y gcc make && apt-get autoremove -y
""",
    "upgraded": f"""FROM {BASE}
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get upgrade -y && {_CLEAN}
{_INSTALL} python3-pip && {_CLEAN}
COPY wheels /wheels
RUN pip install --break-system-packages --no-index --find-links /wheels flask && rm -r /wheels
""",
}
"""Built again and again: accounts, keys, services and tasks, programs from source, packages of Debian and of PyPI."""
VISITS = (
    (
        "web",
        "nginx -t; tail -n 2 /var/log/nginx/access.log; nginx -s reload; ls -la /etc/nginx; cat /proc/1/status; ps aux",
    ),
    ("web", "logrotate -f /etc/logrotate.d/nginx; ls -la /var/log/nginx"),
    ("database", "mariadb -e 'show processlist'; du -sh /var/lib/mysql; mariadb-dump soak > /tmp/a.sql; rm /tmp/a.sql"),
    ("records", "su postgres -c 'psql -c \"select * from pg_stat_activity\"; vacuumdb -q --all'; pg_lsclusters"),
    ("cache", "redis-cli info > /tmp/info; redis-cli bgsave; ls -la /tmp; env; id"),
    ("cron", "tail -n 1 /var/log/ticks; crontab -l; ps; df -h; hostname; cat /etc/os-release"),
    ("python", "ls -la /srv/app; python3 -V; cat /etc/hosts; curl -sS http://node:3000/"),
    ("git", "git -C /srv/project log --oneline; git -C /srv/project fsck; cat /etc/ssh/sshd_config; id git"),
)
"""What an operator does without a terminal."""
UPGRADES = (
    (
        "web",
        "apt-get update && DEBIAN_FRONTEND=noninteractive apt-get upgrade -y && apt-get install -y less && less -V",
    ),
    ("cron", "apt-get update && apt-get install -y --reinstall tzdata file && file /bin/ls"),
)
"""An operator brings packages of running containers up to date, and a tool along."""
_BATCH = """set -e
seq 1 20000 | sort -R | sha256sum
tar -czf /tmp/doc.tar.gz /usr/share/doc
rm /tmp/doc.tar.gz
"""
_BACKUP = """set -e
now=$(date +%s)
mariadb-dump -h database -u soak -psoak soak | gzip > /backup/$now.sql.gz
redis-cli -h cache --rdb /backup/$now.rdb
tar -czf /backup/$now.tar.gz -C /www .
find /backup -type f -mmin +20 -delete
ls -l /backup
"""
_PIPELINE = """set -e
git clone -q git://git/project
cd project
make
make install DESTDIR=/tmp/out
tar -czf /tmp/out.tar.gz -C /tmp/out .
sha256sum /tmp/out.tar.gz
printf 'import unittest\\nclass T(unittest.TestCase):\\n    def test(self): pass\\n' > test_it.py
python3 -m unittest
"""
JOBS = (
    (("--network", "none"), BASE, _BATCH),
    (("-v", "soak-backup:/backup", "-v", "soak-www:/www:ro", "--network", "soak"), f"{PREFIX}/client", _BACKUP),
    (("-u", "1000", "-e", "HOME=/tmp/home", "-w", "/tmp", "--network", "soak"), f"{PREFIX}/tools", _PIPELINE),
)
"""Containers that come, work and go: options, image and script."""


def fetch(into: Path) -> None:
    """What containers get from PyPI and npm, by this machine's own clients: theirs may know no mirror."""
    for name, command in (
        ("wheels", [sys.executable, "-m", "pip", "download", "-q", "-d", "wheels", "flask", "gunicorn"]),
        ("node_modules", ["npm", "install", "--silent", "express"]),
    ):
        if not (into / name).is_dir():
            try:
                subprocess.run(command, cwd=into, check=True)
            except BaseException:
                shutil.rmtree(into / name, ignore_errors=True)
                raise
