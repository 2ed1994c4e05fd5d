"""An hour of ordinary container life under the default policy: what is an incident then, and what the agent takes.

Images are built of packages, a web server, a database, a cache and a cron daemon run with health checks, are asked by
a client, are looked at by an operator, and short jobs come and go. None of it is an attack, so each incident is a
mistake of a rule. The platform and its Docker daemon are this run's own. Building needs a Debian mirror.
"""

import argparse
import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.docker import docker, start_dockerd
from tests.support.platform import Client, running_platform

NET = "soak"
BASE = "hullguard-soak/base"
BUILD_SECONDS, JOB_SECONDS, VISIT_SECONDS, SAMPLE_SECONDS = 600, 30, 120, 60
_INSTALL = "RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends"
DOCKERFILES = {
    "web": f"""FROM {BASE}
{_INSTALL} nginx-light curl && rm -rf /var/lib/apt/lists/*
RUN echo '<p>hello</p>' > /var/www/html/index.html
HEALTHCHECK --interval=5s CMD curl -fsS http://127.0.0.1/ > /dev/null || exit 1
CMD ["nginx", "-g", "daemon off;"]
""",
    "database": f"""FROM {BASE}
{_INSTALL} mariadb-server && rm -rf /var/lib/apt/lists/* && mkdir -p /run/mysqld && chown mysql /run/mysqld
HEALTHCHECK --interval=5s CMD mariadb-admin ping
CMD ["sh", "-c", "mariadbd --user=mysql --bind-address=0.0.0.0 --init-file=/etc/soak.sql"]
RUN echo "CREATE DATABASE IF NOT EXISTS soak; CREATE USER IF NOT EXISTS soak@'%' IDENTIFIED BY 'soak'; \
GRANT ALL ON soak.* TO soak@'%'; CREATE TABLE IF NOT EXISTS soak.t (n INT);" > /etc/soak.sql
""",
    "cache": f"""FROM {BASE}
{_INSTALL} redis-server && rm -rf /var/lib/apt/lists/*
HEALTHCHECK --interval=5s CMD redis-cli ping
CMD ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", "60", "1"]
""",
    "cron": f"""FROM {BASE}
{_INSTALL} cron logrotate && rm -rf /var/lib/apt/lists/*
RUN echo '* * * * * root date >> /var/log/ticks; find /tmp -mtime +1; logrotate /etc/logrotate.conf' > /etc/cron.d/soak
HEALTHCHECK --interval=30s CMD pidof cron
CMD ["cron", "-f"]
""",
    "client": f"""FROM {BASE}
{_INSTALL} curl mariadb-client redis-tools && rm -rf /var/lib/apt/lists/*
CMD ["sh", "-c", "while sleep 1; do curl -sS http://web/ > /dev/null; redis-cli -h cache incr n; \
mariadb -h database -u soak -psoak soak -e 'insert into t values (1); select count(*) from t'; done"]
""",
}
"""In the order in which they are built and started; the last asks the others."""
UPGRADE = f"""FROM {BASE}
{_INSTALL} python3-minimal git openssh-client sudo ca-certificates adduser
RUN useradd -m app && echo 'app:secret' | chpasswd && chown -R app /home/app && su app -c 'git init /home/app/source'
RUN apt-get remove -y git && apt-get autoremove -y && apt-get clean
USER app
RUN python3 -c 'print(1)'
"""
"""Built again and again: packages with accounts, keys, setuid programs and services."""
VISIT = (
    ("web", "nginx -t; tail -n 2 /var/log/nginx/access.log; nginx -s reload; ls -la /etc/nginx; cat /proc/1/status"),
    (
        "database",
        "mariadb -e 'show processlist'; du -sh /var/lib/mysql; mariadb-dump soak > /tmp/soak.sql; rm /tmp/soak.sql",
    ),
    ("cache", "redis-cli info > /tmp/info; redis-cli bgsave; ls -la /tmp; env; id"),
    ("cron", "tail -n 1 /var/log/ticks; crontab -l; ps; df -h; hostname"),
)
"""What an operator does without a terminal."""


class Sample(NamedTuple):
    """The agent with all its processes."""

    minutes: float
    cpu_seconds: float
    resident_mb: float
    incidents: int


def main() -> None:
    given = _arguments()
    with contextlib.ExitStack() as stack:
        work = Path(given.work or stack.enter_context(tempfile.TemporaryDirectory(prefix="hgsoak")))
        host = stack.enter_context(start_dockerd(networks=True))
        data = stack.enter_context(tempfile.TemporaryDirectory(prefix="hgsoak"))
        _import_base(host, work)
        platform = stack.enter_context(running_platform(Path(data) / "data", environ={"DOCKER_HOST": host}))
        client = platform.client()
        client.wait("/nodes", lambda page: [node["state"] for node in page["items"]] == ["protected"])
        print(f"{given.minutes:g} minutes of ordinary life under the default policy", flush=True)
        made = stack.enter_context(_noted(host))
        samples = _live(host, client, given.minutes, lambda: platform.pid("agent"))
        time.sleep(5)
        _report(client, samples, set(made.read_text().split()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--work", help="directory that keeps the Debian for the next run")
    return parser.parse_args()


def _import_base(host: str, work: Path) -> None:
    """A Debian with the mirrors of this machine, as mmdebstrap makes it."""
    base = work / "soak-base.tar"
    if not base.exists():
        fresh = base.with_suffix(".new.tar")
        subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "bookworm", str(fresh)], check=True)
        fresh.rename(base)
    docker(host, "import", str(base), BASE)


@contextlib.contextmanager
def _noted(host: str) -> Iterator[Path]:
    """A file of the ids of all containers that the daemon makes: others of this machine are others' affair."""
    with tempfile.TemporaryDirectory(prefix="hgsoak") as directory:
        ids = Path(directory) / "ids"
        asked = ("--filter", "type=container", "--filter", "event=create", "--format", "{{.ID}}")
        with ids.open("wb") as file:
            events = subprocess.Popen(["docker", "-H", host, "events", *asked], stdout=file)
        try:
            yield ids
        finally:
            events.terminate()
            events.wait()


def _live(host: str, client: Client, minutes: float, agent: Callable[[], int]) -> list[Sample]:
    started = time.monotonic()
    docker(host, "network", "create", NET)
    samples = []

    def sample() -> None:
        cpu, resident = _taken(agent())
        found = client.get("/incidents?limit=1")["total"]
        samples.append(Sample((time.monotonic() - started) / 60, cpu, resident, found))
        print(f"{samples[-1].minutes:6.1f} min  {cpu:7.1f} s  {resident:6.1f} MB  {found} incidents", flush=True)

    sample()
    for name, text in DOCKERFILES.items():
        _build(host, name, text)
        docker(host, "run", "-d", "--name", name, "--network", NET, "--restart", "always", f"hullguard-soak/{name}")
        sample()
    due = [
        (BUILD_SECONDS, lambda: _build(host, "upgrade", UPGRADE)),
        (JOB_SECONDS, lambda: _job(host)),
        (VISIT_SECONDS, lambda: _visit(host)),
        (SAMPLE_SECONDS, sample),
    ]
    last = [-every + started for every, _ in due]
    while time.monotonic() < started + minutes * 60:
        for place, (every, do) in enumerate(due):
            if time.monotonic() >= last[place] + every:
                last[place] = time.monotonic()
                with _unhurried():
                    do()
        time.sleep(1)
    sample()
    return samples


@contextlib.contextmanager
def _unhurried() -> Iterator[None]:
    """A machine that is too busy for an order within two minutes goes on living without it, and says so."""
    try:
        yield
    except subprocess.TimeoutExpired as late:
        print(f"  took too long: {' '.join(map(str, late.cmd))[:100]}", flush=True)


def _build(host: str, name: str, text: str) -> None:
    """With the engine's own builder, whose containers can be seen."""
    with tempfile.TemporaryDirectory(prefix="hgsoak") as context:
        (Path(context) / "Dockerfile").write_text(text, encoding="utf-8")
        done = subprocess.run(
            [
                "docker",
                "-H",
                host,
                "build",
                "-q",
                "--no-cache",
                "--network",
                NET,
                "-t",
                f"hullguard-soak/{name}",
                context,
            ],
            env={**os.environ, "DOCKER_BUILDKIT": "0"},
            capture_output=True,
            check=False,
            text=True,
        )
    if done.returncode:
        raise SystemExit(f"the image {name} cannot be built: {done.stdout[-2000:]}{done.stderr[-2000:]}")


def _job(host: str) -> None:
    """Something that comes, works and goes, and a service that is started anew."""
    work = "seq 1 20000 | sort -R | sha256sum; tar -czf /tmp/doc.tar.gz /usr/share/doc; rm /tmp/doc.tar.gz"
    docker(host, "run", "--rm", "--network", "none", BASE, "sh", "-c", work)
    docker(host, "restart", "-t", "2", "cron")


def _visit(host: str) -> None:
    for name, script in VISIT:
        docker(host, "exec", name, "sh", "-c", script, check=False)


def _taken(agent: int) -> tuple[float, float]:
    """Seconds of processor time and MB of memory of a process and all below it."""
    ticks, pages = 0, 0
    for pid in _family(agent):
        with contextlib.suppress(OSError, IndexError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12]) + (int(fields[13]) + int(fields[14]) if pid == agent else 0)
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _family(pid: int) -> Iterator[int]:
    yield pid
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield from _family(int(child))


def _told(incident: dict[str, Any]) -> str:
    lineage = " < ".join(" ".join(each.get("args", [each["comm"]]))[:120] for each in reversed(incident["lineage"]))
    return f"{incident['details']} by {lineage}"


def _report(client: Client, samples: list[Sample], made: set[str]) -> None:
    incidents = [each for one in sorted(made) for each in client.get(f"/incidents?container={one}&limit=500")["items"]]
    for incident in incidents:
        image = incident["image"] and incident["image"]["name"]
        print(f"{incident['at']} {incident['rule']} in {image}: {_told(incident)}")
    first, last = samples[0], samples[-1]
    seconds = (last.minutes - first.minutes) * 60
    share = 100 * (last.cpu_seconds - first.cpu_seconds) / seconds if seconds else 0.0
    most = max(sample.resident_mb for sample in samples)
    others = last.incidents - len(incidents)
    print(f"{len(incidents)} incidents of {len(made)} containers in {last.minutes:.0f} minutes")
    if others > 0:
        print(f"{others} incidents of other containers of this machine, which are not counted")
    print(f"agent: {share:.2f} % of a core, {last.resident_mb:.0f} MB at the end, {most:.0f} MB at most")


if __name__ == "__main__":
    main()
