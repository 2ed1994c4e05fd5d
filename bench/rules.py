"""How many events a second a set of rules judges on one core, by kind of event: ``python -m bench.rules FILE...``."""

import argparse
import resource
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.support.events import RUNTIME, event, process

from hullguard.detect.rules.reading import RuleFile
from hullguard.detect.rules.ruleset import RuleSet
from hullguard.model.event import Endpoint, Event, EventKind, OpenFile, Socket

ROUNDS = 7
EVENTS = 20_000
WEB = process(pid=300, comm="nginx", exe="/usr/sbin/nginx", args=("nginx", "-g", "daemon off;"), uid=33, cwd="/srv")
SHELL = process(pid=400, ppid=300, comm="sh", args=("sh", "-c", "ls -l /tmp"), cwd="/srv")


def opened(path: str, raw_path: str | None = None, *, writes: bool = False) -> Event:
    return event(
        EventKind.FILE_OPEN,
        lineage=(RUNTIME, WEB),
        path=path,
        raw_path=raw_path or path,
        reads=not writes,
        writes=writes,
        result=7,
        call="openat",
        file=OpenFile(inode=5, flags=int(writes)),
    )


SAMPLES = {
    "open, nothing to see": opened("/usr/lib/x86_64-linux-gnu/libc.so.6"),
    "open by another name": opened("/usr/lib/x86_64-linux-gnu/libc.so.6", "/lib/x86_64-linux-gnu/libc.so.6"),
    "open for writing": opened("/var/cache/nginx/0/1", writes=True),
    "open of /etc/passwd": opened("/etc/passwd"),
    "open that fires": opened("/etc/shadow"),
    "exec, nothing to see": event(lineage=(RUNTIME, process(comm="ls", exe="/bin/ls", args=("ls", "-l")))),
    "exec of a shell": event(lineage=(RUNTIME, process(comm="entry"), SHELL)),
    "exec that fires": event(lineage=(RUNTIME, WEB, SHELL)),
    "connect": event(
        EventKind.CONNECT,
        path=None,
        socket=Socket("ipv4", "stream", 6, Endpoint("10.0.0.2", 40000), Endpoint("93.184.216.34", 443)),
    ),
    "a call that no rule names": event(EventKind.FILE_RENAME, path="/a", target="/b"),
}


def seconds(work: Callable[[], object]) -> float:
    """Of the processor, the best of some rounds: what else the machine does only adds."""
    taken = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def judge(rules: RuleSet, sample: Event) -> None:
    for _ in range(EVENTS):
        rules.judge(sample)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    files = [RuleFile(str(path), path.read_bytes()) for path in parser.parse_args().files]

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    loaded = RuleSet.load(files)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    load = seconds(lambda: RuleSet.load(files))
    print(f"{len(loaded.rules)} rules, loaded in {load * 1000:.0f} ms, {(after - before) / 1024:.1f} MB")
    rates = []
    for name, sample in SAMPLES.items():
        rate = EVENTS / seconds(partial(judge, loaded, sample))
        rates.append(rate)
        print(f"{name:28} {rate:12,.0f} events/s  {1e6 / rate:7.2f} us  {len(loaded.judge(sample))} fire")
    print(f"{'harmonic mean':28} {statistics.harmonic_mean(rates):12,.0f} events/s")


if __name__ == "__main__":
    main()
