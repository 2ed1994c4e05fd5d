"""The spool: what is durable, what goes first when space runs out, what a full disk does."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.support.agents import ROOT

from hullguard.agent.spool import Keep, Priority, Spool

HIGH, NORMAL, LOW = Priority
MANY = 1 << 30


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Spool]]:
    opened: list[Spool] = []

    def spool(boot: str = "boot-1", **options: int) -> Spool:
        for each in opened:
            each.close()
        opened[:] = [Spool(tmp_path / "spool.db", boot, **{"min_free": 0, **options})]
        return opened[0]

    yield spool
    for each in opened:
        each.close()


def taken(spool: Spool, messages: int = 1000, size: int = MANY) -> list[bytes]:
    return [record.payload for record in spool.take(messages, size)]


class TestOrder:
    def test_the_urgent_overtakes_what_waits(self, make):
        spool = make()
        for number, priority in enumerate((LOW, NORMAL, HIGH, LOW, HIGH)):
            spool.put(priority, b"%d" % number, str(number))
        assert taken(spool) == [b"2", b"4", b"1", b"0", b"3"]

    def test_numbers_are_given_when_sent_and_have_no_gaps(self, make):
        spool = make()
        for number in range(5):
            spool.put(NORMAL, b"x", str(number))
        first = spool.take(3, MANY)
        spool.put(HIGH, b"y", "late")
        second = spool.take(10, MANY)
        assert [record.sequence for record in first + second] == [1, 2, 3, 4, 5, 6]
        assert second[0].payload == b"y"

    def test_a_batch_is_bounded_in_messages_and_bytes_but_never_empty(self, make):
        spool = make()
        for number in range(4):
            spool.put(NORMAL, b"x" * 100, str(number))
        assert len(spool.take(10, 250)) == 2
        assert len(spool.take(1, MANY)) == 1
        assert len(spool.take(10, 10)) == 1

    def test_what_was_sent_is_sent_again_in_order_until_acknowledged(self, make):
        spool = make()
        for number in range(4):
            spool.put(NORMAL, b"%d" % number, str(number))
        spool.take(4, MANY)
        spool.acknowledge(2)
        assert [(record.sequence, record.payload) for record in spool.sent(0, 10, MANY)] == [(3, b"2"), (4, b"3")]
        assert [record.sequence for record in spool.sent(3, 10, MANY)] == [4]
        assert spool.waiting == 2


class TestKeys:
    def test_the_same_thing_again_is_one_record(self, make):
        spool = make()
        assert spool.put(HIGH, b"first", "incident-1")
        assert spool.put(HIGH, b"again", "incident-1")
        assert taken(spool) == [b"first"]
        assert spool.put(HIGH, b"again", "incident-1")
        assert taken(spool) == []

    def test_the_newest_replaces_what_was_not_sent(self, make):
        spool = make()
        spool.put(LOW, b"10 %", "progress", Keep.NEWEST)
        assert taken(spool) == [b"10 %"]
        spool.put(LOW, b"20 %", "progress", Keep.NEWEST)
        spool.put(LOW, b"30 %", "progress", Keep.NEWEST)
        assert taken(spool) == [b"30 %"]

    def test_what_was_withdrawn_is_not_sent(self, make):
        spool = make()
        spool.put(LOW, b"10 %", "progress", Keep.NEWEST)
        spool.withdraw("progress")
        assert taken(spool) == []
        assert spool.waiting == 0


class TestRestart:
    def test_a_new_process_goes_on_where_the_last_one_was(self, make):
        spool = make()
        spool.put(HIGH, b"a", "a")
        spool.put(HIGH, b"b", "b")
        stream = spool.boot
        spool.take(1, MANY)
        spool = make()
        assert spool.boot == stream
        assert [record.payload for record in spool.sent(0, 10, MANY)] == [b"a"]
        assert [(record.sequence, record.payload) for record in spool.take(10, MANY)] == [(2, b"b")]

    def test_numbers_are_not_used_twice_after_everything_was_acknowledged(self, make):
        spool = make()
        spool.put(HIGH, b"a", "a")
        spool.take(1, MANY)
        spool.acknowledge(1)
        spool = make()
        spool.put(HIGH, b"b", "b")
        assert spool.take(1, MANY)[0].sequence == 2

    def test_after_a_boot_of_the_machine_the_stream_is_another_and_nothing_is_lost(self, make):
        spool = make()
        spool.put(HIGH, b"a", "a")
        spool.put(HIGH, b"b", "b")
        spool.take(1, MANY)
        stream = spool.boot
        spool = make("boot-2")
        assert spool.boot != stream
        assert [(record.sequence, record.payload) for record in spool.take(10, MANY)] == [(1, b"a"), (2, b"b")]

    def test_a_spool_older_than_the_server_begins_a_new_stream(self, make):
        spool = make()
        spool.put(HIGH, b"a", "a")
        spool.take(1, MANY)
        stream = spool.boot
        assert not spool.resume(7)
        assert spool.boot != stream
        assert spool.take(1, MANY)[0].sequence == 1
        assert spool.resume(1)
        assert spool.waiting == 0

    def test_a_record_the_server_never_takes_is_given_up_and_counted(self, make):
        spool = make()
        for name in ("poison", "good"):
            spool.put(HIGH, name.encode(), name)
        spool.take(2, MANY)
        assert spool.drop_first() == 1
        assert [record.payload for record in spool.sent(0, 10, MANY)] == [b"good"]
        assert spool.dropped["high"] == 1

    def test_a_damaged_file_is_set_aside_and_said(self, make, tmp_path):
        spool = make()
        spool.put(HIGH, b"a", "a")
        spool.close()
        (tmp_path / "spool.db-wal").unlink(missing_ok=True)
        (tmp_path / "spool.db").write_bytes(b"this is no database" * 1000)
        spool = make()
        assert [reason.code for reason in spool.reasons] == ["spool.damaged"]
        assert spool.put(HIGH, b"b", "b")
        assert len(list(tmp_path.glob("spool.db.damaged-*"))) == 1

    def test_kill_9_loses_nothing_that_was_put(self, tmp_path):
        script = (
            "import sys\nfrom pathlib import Path\nfrom hullguard.agent.spool import *\n"
            "spool = Spool(Path(sys.argv[1]), 'boot-1')\nnumber = 0\n"
            "while True:\n    spool.put(Priority.HIGH, b'%d' % number, str(number))\n"
            "    spool.take(1, 1 << 20)\n    print(number, flush=True)\n    number += 1\n"
        )
        path = tmp_path / "spool.db"
        child = subprocess.Popen(
            [sys.executable, "-c", script, str(path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        )
        assert child.stdout is not None
        for line in child.stdout:
            if int(line) == 100:
                break
        child.send_signal(signal.SIGKILL)
        said = 100 + len(child.stdout.read().splitlines())
        child.wait()
        child.stdout.close()
        spool = Spool(path, "boot-1")
        records = spool.sent(0, 100_000, MANY) + spool.take(100_000, MANY)
        assert [record.payload for record in records][: said + 1] == [b"%d" % number for number in range(said + 1)]
        assert [record.sequence for record in records] == list(range(1, len(records) + 1))
        spool.close()


class TestBounds:
    def test_the_oldest_of_the_lowest_priority_goes_first(self, make):
        spool = make(max_bytes=5 * 1096)
        for number, priority in enumerate((LOW, NORMAL, LOW, HIGH, NORMAL)):
            assert spool.put(priority, bytes([number]) * 1000, str(number))
        assert spool.put(HIGH, b"5" * 1000, "5")
        assert spool.put(NORMAL, b"6" * 1000, "6")
        assert spool.put(HIGH, b"7" * 1000, "7")
        assert spool.dropped == {"high": 0, "normal": 1, "low": 2}
        assert [payload[0] for payload in taken(spool)] == [3, ord("5"), ord("7"), 4, ord("6")]

    def test_a_newcomer_never_evicts_what_matters_more(self, make):
        spool = make(max_bytes=2 * 1096)
        for number in range(2):
            spool.put(HIGH, b"x" * 1000, str(number))
        assert not spool.put(LOW, b"y" * 1000, "low")
        assert spool.dropped == {"high": 0, "normal": 0, "low": 1}
        assert len(taken(spool)) == 2

    def test_what_is_under_way_is_never_dropped(self, make):
        spool = make(max_bytes=2 * 1096)
        for number in range(2):
            spool.put(LOW, b"x" * 1000, str(number))
        spool.take(2, MANY)
        assert not spool.put(HIGH, b"y" * 1000, "high")
        assert len(spool.sent(0, 10, MANY)) == 2

    def test_one_record_larger_than_everything_evicts_nothing(self, make):
        spool = make(max_bytes=4096)
        spool.put(LOW, b"x", "small")
        assert not spool.put(HIGH, b"y" * 8192, "giant")
        assert taken(spool) == [b"x"]
        assert spool.dropped == {"high": 1, "normal": 0, "low": 0}

    def test_drops_are_remembered(self, make):
        spool = make(max_bytes=1096)
        spool.put(LOW, b"x" * 1000, "a")
        spool.put(LOW, b"x" * 1000, "b")
        assert make().dropped == {"high": 0, "normal": 0, "low": 1}

    def test_drops_are_told_until_a_day_has_passed_without_one(self, make, monkeypatch):
        now = 1_700_000_000.0
        monkeypatch.setattr("hullguard.agent.spool.time.time", lambda: now)
        spool = make(max_bytes=1096)
        assert spool.lately_dropped() == {}
        spool.put(LOW, b"x" * 1000, "a")
        spool.put(LOW, b"x" * 1000, "b")
        now += 86_000
        assert make().lately_dropped() == {"low": 1}
        now += 1_000
        assert make().lately_dropped() == {}
        assert make().dropped["low"] == 1

    def test_space_that_others_need_is_left_to_them(self, make):
        spool = make(min_free=1 << 60)
        assert not spool.put(NORMAL, b"x", "normal")
        assert spool.put(HIGH, b"x", "high")

    def test_the_file_gives_space_back(self, make, tmp_path):
        spool = make()
        for number in range(32):
            spool.put(NORMAL, bytes(1 << 18), str(number))
        spool.close()
        large = (tmp_path / "spool.db").stat().st_size
        spool = make()
        for _ in range(32):
            spool.acknowledge(spool.take(1, MANY)[0].sequence)
        spool.close()
        assert (tmp_path / "spool.db").stat().st_size < large / 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"mounting a tmpfs needs root: {mounted.stderr.decode()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path) -> None:
    file = os.open(disk / "filler", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with contextlib.suppress(OSError):
        while True:
            os.write(file, bytes(4096))
    os.close(file)


class TestFullDisk:
    def test_incidents_are_still_kept_and_older_progress_goes(self, small_disk):
        spool = Spool(small_disk / "spool.db", "boot-1", min_free=0)
        for number in range(200):
            spool.put(LOW, bytes(4000), f"low-{number}")
        fill(small_disk)
        kept = sum(spool.put(HIGH, bytes(2000), f"high-{number}") for number in range(200))
        assert kept == 200
        assert spool.dropped["high"] == 0
        assert len(spool.take(200, MANY)) == 200
        spool.acknowledge(200)
        spool.close()

    def test_what_cannot_be_kept_is_counted_and_nothing_raises(self, small_disk):
        spool = Spool(small_disk / "spool.db", "boot-1", min_free=0)
        fill(small_disk)
        outcomes = [spool.put(HIGH, bytes(64 * 1024), str(number)) for number in range(400)]
        assert outcomes[0]
        assert spool.dropped["high"] + sum(outcomes) >= 400
        assert spool.dropped["high"] > 0
        (small_disk / "filler").unlink()
        assert spool.put(HIGH, b"after", "after")
        spool.close()

    def test_an_agent_starts_on_a_full_disk(self, small_disk):
        spool = Spool(small_disk / "spool.db", "boot-1", min_free=0)
        spool.put(HIGH, b"before", "before")
        spool.close()
        fill(small_disk)
        spool = Spool(small_disk / "spool.db", "boot-1", min_free=0)
        assert not spool.reasons
        assert spool.put(HIGH, b"after", "after")
        assert taken(spool) == [b"before", b"after"]
        spool.close()

    def test_without_any_disk_the_spool_lives_in_memory_and_says_so(self, small_disk):
        fill(small_disk)
        spool = Spool(small_disk / "spool.db", "boot-1")
        assert [reason.code for reason in spool.reasons] == ["spool.in-memory"]
        assert spool.put(HIGH, b"x", "x")
        assert taken(spool) == [b"x"]
        spool.close()


class Model(RuleBasedStateMachine):
    """Against a plain list: whatever happens, nothing is lost uncounted, sent twice under two numbers or reordered."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.directory = tempfile.TemporaryDirectory()
        self.path = Path(self.directory.name) / "spool.db"
        self.spool = Spool(self.path, "boot-1", max_bytes=20_000, min_free=0)
        self.put_count = 0
        self.numbered: dict[int, bytes] = {}
        self.acknowledged = 0

    @initialize()
    def start(self) -> None:
        assert self.spool.waiting == 0

    @rule(priority=st.sampled_from(Priority), size=st.integers(1, 3000))
    def put(self, priority: Priority, size: int) -> None:
        self.put_count += 1
        self.spool.put(priority, self.put_count.to_bytes(4, "big") + bytes(size), str(self.put_count))

    @rule(messages=st.integers(1, 10))
    def take(self, messages: int) -> None:
        for record in self.spool.take(messages, 8000):
            assert record.sequence == len(self.numbered) + 1
            assert record.payload not in self.numbered.values()
            self.numbered[record.sequence] = record.payload

    @rule(part=st.floats(0, 1))
    def acknowledge(self, part: float) -> None:
        self.acknowledged += int((len(self.numbered) - self.acknowledged) * part)
        self.spool.acknowledge(self.acknowledged)

    @rule()
    def restart(self) -> None:
        self.spool.close()
        self.spool = Spool(self.path, "boot-1", max_bytes=20_000, min_free=0)

    @invariant()
    def what_is_under_way_can_be_sent_again(self) -> None:
        again = {record.sequence: record.payload for record in self.spool.sent(self.acknowledged, 10_000, MANY)}
        assert again == {number: self.numbered[number] for number in self.numbered if number > self.acknowledged}

    @invariant()
    def everything_is_accounted_for(self) -> None:
        dropped = sum(self.spool.dropped.values())
        assert self.put_count == self.acknowledged + self.spool.waiting + dropped
        assert self.spool.used <= 20_000

    def teardown(self) -> None:
        self.spool.close()
        self.directory.cleanup()


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=8, stateful_step_count=20, deadline=None)


def test_the_file_is_for_root_alone(make, tmp_path):
    make().put(HIGH, b"x", "x")
    assert (tmp_path / "spool.db").stat().st_mode & 0o077 == 0


def test_an_error_of_ours_is_not_taken_for_a_full_disk(make):
    spool = make()
    spool._db.execute("DROP TABLE records")
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        spool.put(HIGH, b"x", "x")
    spool._db.execute("CREATE TABLE records (id, priority, key, size, sequence, payload)")
