"""The stores that have a life cycle, each driven in any order beside a plain model of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.support.database import Bench, walked
from tests.support.records import enrolled

from hullguard.model.command import Command, CommandKind, CommandState
from hullguard.model.errors import Conflict, HullguardError, Invalid, NotFound, QuotaExhausted, Stale
from hullguard.model.policy import Binding, Policy, PolicySpec, policies_hash
from hullguard.storage.stores import CommandFilter, Commands, Job, Jobs, NodeFilter, Nodes, Policies, Quotas

BOUNDED = settings(
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
SECOND = timedelta(seconds=1)


class Machine(RuleBasedStateMachine):
    """Works in a transaction that is thrown away at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench()
        self.tx = self.bench.tx
        self.do = self.bench.run

    def teardown(self) -> None:
        self.bench.close()

    def forward(self, seconds: float) -> None:
        self.tx.now += timedelta(seconds=seconds)


@contextmanager
def refused(error: type[HullguardError] | None) -> Iterator[None]:
    """The block raises ``error``, or nothing at all."""
    if error is None:
        yield
        return
    with pytest.raises(error):
        yield


class CommandLife(Machine):
    """A command moves to the right only, and ends once."""

    ORDER = (CommandState.QUEUED, CommandState.SENT, CommandState.ACKNOWLEDGED, CommandState.RUNNING)

    @initialize()
    def begin(self) -> None:
        self.model: dict[str, tuple[CommandState, int, datetime, str]] = {}
        self.order: list[str] = []
        self.store = Commands(self.tx)
        for node in ("a", "b"):
            self.do(enrolled(self.tx, node, protection=False))

    def pick(self, number: int) -> str:
        return self.order[number % len(self.order)]

    def advance(self, made: str, least: CommandState, *, attempts: int = 0) -> bool:
        """What the model says of a message from the agent."""
        state, tried, deadline, node = self.model[made]
        if state.final:
            return False
        further = least if self.ORDER.index(least) > self.ORDER.index(state) else state
        self.model[made] = (further, tried + attempts, deadline, node)
        return True

    def end(self, made: str, state: CommandState) -> bool:
        before, attempts, deadline, node = self.model[made]
        if before.final:
            return False
        self.model[made] = (state, attempts, deadline, node)
        return True

    @rule(node=st.sampled_from("ab"), kind=st.sampled_from(CommandKind), seconds=st.integers(0, 60))
    def create(self, node: str, kind: CommandKind, seconds: int) -> None:
        deadline = self.tx.now + seconds * SECOND
        made = self.do(self.store.create(node, kind, {"说": ["%", ""], "n": 2**63}, "user:a", deadline))
        assert self.do(self.store.get(made.id)) == made
        self.model[made.id] = (CommandState.QUEUED, 0, deadline, node)
        self.order.append(made.id)

    @precondition(lambda self: self.order)
    @rule(number=st.integers(0, 50), percent=st.integers(-5, 2**70))
    def messages(self, number: int, percent: int) -> None:
        made, least = self.pick(number), self.ORDER[1 + number % 3]
        if least is CommandState.SENT:
            assert self.do(self.store.sent(made)) == self.advance(made, least, attempts=1)
        elif least is CommandState.ACKNOWLEDGED:
            assert self.do(self.store.acknowledged(made)) == self.advance(made, least)
        else:
            assert self.do(self.store.progress(made, percent, "%")) == self.advance(made, least)

    @precondition(lambda self: self.order)
    @rule(number=st.integers(0, 50), state=st.sampled_from(CommandState))
    def finish(self, number: int, state: CommandState) -> None:
        made = self.pick(number)
        with refused(None if state.final else Invalid):
            assert self.do(self.store.finish(made, state, {"code": state.value})) == self.end(made, state)

    @precondition(lambda self: self.order)
    @rule(number=st.integers(0, 50))
    def cancel(self, number: int) -> None:
        made = self.pick(number)
        with refused(Conflict if self.model[made][0].final else None):
            assert self.do(self.store.cancel(made)).state is CommandState.CANCELLED
        self.end(made, CommandState.CANCELLED)

    @rule(seconds=st.sampled_from([0, 1, 59, 60]))
    def expire(self, seconds: int) -> None:
        self.forward(seconds)
        late = {
            made for made, (state, _, deadline, _) in self.model.items() if not state.final and deadline <= self.tx.now
        }
        assert {each.id for each in self.do(self.store.expire())} == late
        for made in late:
            self.end(made, CommandState.EXPIRED)

    @rule(node=st.sampled_from("ab"))
    def the_node_goes(self, node: str) -> None:
        self.do(self.store.cancel_for_node(node))
        for made, (_, _, _, at) in tuple(self.model.items()):
            if at == node:
                self.end(made, CommandState.CANCELLED)

    @invariant()
    def every_list_says_the_same(self) -> None:
        found = self.do(walked(lambda step: self.store.page(CommandFilter(), step), 4))
        assert {each.id: (each.state, each.attempts, each.deadline, each.node) for each in found} == self.model
        for each in found:
            assert (each.finished is not None) == each.state.final
            assert 0 <= each.progress <= 100
        for node in ("a", "b"):
            waiting = [
                made
                for made, (state, _, deadline, at) in self.model.items()
                if at == node and not state.final and deadline > self.tx.now
            ]
            assert {each.id for each in self.do(self.store.for_node(node))} == set(waiting)
        some = frozenset({CommandState.QUEUED, CommandState.CANCELLED})
        by_state = self.do(walked(lambda step: self.store.page(CommandFilter("a", some), step), 2, sort="created"))
        assert [each.id for each in by_state] == [
            each.id for each in sorted(found, key=_age) if each.node == "a" and each.state in some
        ]


def _age(each: Command) -> tuple[datetime, str]:
    return each.created, each.id


class PolicyLife(Machine):
    """Versions grow by one, the revision with every change, and each node knows what it should run."""

    NAMES = ("one", "two", "三号 (x)")
    BINDINGS = (
        Binding(["*"]),
        Binding(["a"]),
        Binding(["b", "*"]),
        Binding([""]),
        Binding([], ["nginx:*"]),
        Binding(["a"], ["*"]),
        Binding(),
        Binding(["nobody", "a", "a"]),
    )

    @initialize()
    def begin(self) -> None:
        self.store = Policies(self.tx)
        self.kept: dict[str, list[Policy]] = {}
        self.gone: dict[str, list[Policy]] = {}
        self.revision = 0
        self.protection = {"a": True, "b": True, "c": False}
        for node, on in self.protection.items():
            self.do(enrolled(self.tx, node, protection=on))

    def taken(self, name: str, except_for: str = "") -> bool:
        return any(found[-1].spec.name == name for each, found in self.kept.items() if each != except_for)

    @rule(
        name=st.sampled_from(NAMES),
        binding=st.sampled_from(BINDINGS),
        enabled=st.booleans(),
        built_in=st.booleans(),
    )
    def create(self, name: str, binding: Binding, enabled: bool, built_in: bool) -> None:
        spec = PolicySpec(name, "", enabled, binding=binding)
        with refused(Conflict if self.taken(name) else None):
            made = self.do(self.store.create(spec, "user:a", "因为 %", built_in=built_in))
            self.revision += 1
            assert (made.version, made.revision, made.spec) == (1, self.revision, spec)
            self.kept[made.id] = [made]

    @precondition(lambda self: self.kept)
    @rule(
        number=st.integers(0, 9),
        name=st.sampled_from(NAMES),
        binding=st.sampled_from(BINDINGS),
        enabled=st.booleans(),
        behind=st.sampled_from([0, 0, 0, 1, -1]),
    )
    def update(self, number: int, name: str, binding: Binding, enabled: bool, behind: int) -> None:
        policy = list(self.kept)[number % len(self.kept)]
        before = self.kept[policy][-1]
        spec = PolicySpec(name, "", enabled, binding=binding)
        with refused(Stale if behind else Conflict if self.taken(name, policy) else None):
            after = self.do(self.store.update(policy, spec, "user:b", expected_version=before.version - behind))
            self.revision += 1
            assert (after.version, after.revision) == (before.version + 1, self.revision)
            assert (after.built_in, after.spec) == (before.built_in, spec)
            self.kept[policy].append(after)

    @precondition(lambda self: self.kept)
    @rule(number=st.integers(0, 9), behind=st.sampled_from([None, 0, 1]))
    def delete(self, number: int, behind: int | None) -> None:
        policy = list(self.kept)[number % len(self.kept)]
        before = self.kept[policy][-1]
        with refused(Stale if behind else Conflict if before.built_in else None):
            self.do(self.store.delete(policy, None if behind is None else before.version - behind))
            self.revision += 1
            self.gone[policy] = self.kept.pop(policy)

    @rule(node=st.sampled_from("abc"), on=st.booleans())
    def protect(self, node: str, on: bool) -> None:
        self.do(Nodes(self.tx).protect(node, on=on))
        self.protection[node] = on

    def expected(self, node: str) -> list[Policy]:
        """By image, by name, by ``*``; the younger first. The model keeps them in the order of their birth."""
        if not self.protection[node]:
            return []
        found = [versions[-1] for versions in reversed(self.kept.values()) if versions[-1].spec.enabled]
        by_image = [each for each in found if each.spec.binding.images]
        by_name = [each for each in found if each not in by_image and node in each.spec.binding.nodes]
        by_star = [each for each in found if each not in by_image + by_name and "*" in each.spec.binding.nodes]
        return by_image + by_name + by_star

    @invariant()
    def each_node_knows_what_it_should_run(self) -> None:
        for node in self.protection:
            wanted, kept = self.do(self.store.for_node(node)), self.do(Nodes(self.tx).get(node)).wanted
            assert [each.id for each in wanted.policies] == [each.id for each in self.expected(node)]
            assert list(wanted.policies) == self.expected(node)
            assert wanted.hash == policies_hash(self.expected(node))
            assert kept is not None
            assert (kept.hash, kept.revision) == (wanted.hash, self.revision)

    @invariant()
    def every_version_stays_as_it_was(self) -> None:
        for policy, versions in [*self.kept.items(), *self.gone.items()]:
            found = self.do(walked(lambda step, policy=policy: self.store.versions(policy, step), 2))
            assert found == versions[::-1]
            with refused(NotFound):
                self.do(self.store.version(policy, len(versions) + 1))
        assert self.do(walked(self.store.page, 2, sort="-revision")) == sorted(
            (versions[-1] for versions in self.kept.values()), key=lambda each: -each.revision
        )


class QueueLife(Machine):
    """A job is held by one worker at a time, and waits at most once per key."""

    KEYS = ("", "钥匙 %_\\", "k" * 255)

    @initialize()
    def begin(self) -> None:
        self.store = Jobs(self.tx)
        self.waiting: dict[tuple[str, str], datetime] = {}
        self.held: list[tuple[Job, datetime]] = []
        self.schedules: dict[str, tuple[int, datetime]] = {}

    @rule(kind=st.sampled_from("xy"), key=st.sampled_from(KEYS), later=st.sampled_from([0, 0, 5]))
    def enqueue(self, kind: str, key: str, later: int) -> None:
        at = self.tx.now + later * SECOND
        assert self.do(self.store.enqueue(kind, key, key.encode(), at=at)) == ((kind, key) not in self.waiting)
        self.waiting.setdefault((kind, key), at)

    @rule(kinds=st.sampled_from(["x", "y", "xy", ""]), lease=st.integers(1, 20))
    def take(self, kinds: str, lease: int) -> None:
        ready = {("waits", *each): at for each, at in self.waiting.items() if each[0] in kinds and at <= self.tx.now}
        ready |= {("held", job.id, ""): until for job, until in self.held if job.kind in kinds and until <= self.tx.now}
        job = self.do(self.store.take(list(kinds), lease))
        if job is None:
            assert not ready
            return
        retaken = ("held", job.id, "") in ready
        assert ready[("held", job.id, "") if retaken else ("waits", job.kind, job.key)] == min(ready.values())
        assert (job.payload, job.leased_until) == (job.key.encode(), self.tx.now + lease * SECOND)
        if retaken:
            self.held = [(other, until) for other, until in self.held if other.id != job.id]
        else:
            del self.waiting[job.kind, job.key]
        self.held.append((job, job.leased_until))

    @precondition(lambda self: self.held)
    @rule(number=st.integers(0, 9), how=st.sampled_from(["done", "failed", "extend", "stolen"]))
    def settle(self, number: int, how: str) -> None:
        job, _ = self.held[number % len(self.held)]
        if how == "stolen":
            forged = Job(job.id, job.kind, job.key, b"", job.attempts, "0" * 32, job.leased_until)
            for answer in (self.store.done(forged), self.store.failed(forged, ""), self.store.extend(forged, 60)):
                assert not self.do(answer)
            return
        self.held = [(other, until) for other, until in self.held if other.id != job.id]
        if how == "extend":
            assert self.do(self.store.extend(job, 30))
            self.held.append((job, self.tx.now + 30 * SECOND))
            return
        if how == "done":
            assert self.do(self.store.done(job))
        else:
            again = job.attempts < 8 and (job.kind, job.key) not in self.waiting
            assert self.do(self.store.failed(job, "错误 " * 2000)) == again
            if again:
                self.waiting[job.kind, job.key] = self.tx.now + 10 * 2 ** (job.attempts - 1) * SECOND
        assert not self.do(self.store.done(job)), "what is settled is nobody's any more"

    @rule(kind=st.sampled_from("xy"), every=st.sampled_from([5, 60]))
    def schedule(self, kind: str, every: int) -> None:
        self.do(self.store.schedule(kind, every))
        if self.schedules.get(kind, (0,))[0] != every:
            self.schedules[kind] = (every, self.tx.now)

    @rule()
    def come_round(self) -> None:
        due = {kind: every for kind, (every, at) in self.schedules.items() if at <= self.tx.now}
        assert set(self.do(self.store.enqueue_due())) == set(due)
        for kind, every in due.items():
            self.waiting.setdefault((kind, ""), self.tx.now)
            self.schedules[kind] = (every, self.tx.now + every * SECOND)

    @rule(seconds=st.sampled_from([1, 4, 30, 400]))
    def time_passes(self, seconds: int) -> None:
        self.forward(seconds)

    @invariant()
    def a_worker_knows_until_when_to_sleep(self) -> None:
        times = [*self.waiting.values(), *(until for _, until in self.held)]
        assert self.do(self.store.next_ready()) == min(times, default=None)
        assert self.do(self.store.next_due()) == min((at for _, at in self.schedules.values()), default=None)


class HouseLife(Machine):
    """Units are never more than the quota, and a protected node always holds one."""

    NODES = ("a", "b", "c", "d")

    @initialize()
    def begin(self) -> None:
        self.total, self.nodes = 10, dict[str, bool]()

    @property
    def used(self) -> int:
        return sum(self.nodes.values())

    @rule(total=st.sampled_from([0, 1, 2, 3, 1_000_000, 1_000_001, -1]))
    def set_total(self, total: int) -> None:
        impossible = Invalid if not 0 <= total <= 1_000_000 else Conflict if total < self.used else None
        with refused(impossible):
            self.do(Quotas(self.tx).set_total(total))
            self.total = total

    @rule(node=st.sampled_from(NODES))
    def enrol(self, node: str) -> None:
        with refused(Conflict if node in self.nodes else None):
            self.do(enrolled(self.tx, node, protection=False, name=f"主机-{node}"))
            self.nodes[node] = False

    @rule(node=st.sampled_from(NODES), on=st.booleans())
    def protect(self, node: str, on: bool) -> None:
        error: type[HullguardError] | None = None
        if node not in self.nodes:
            error = NotFound
        elif on and not self.nodes[node] and self.used >= self.total:
            error = QuotaExhausted
        with refused(error):
            assert self.do(Nodes(self.tx).protect(node, on=on)).protection == on
            self.nodes[node] = on

    @rule(node=st.sampled_from(NODES))
    def remove(self, node: str) -> None:
        with refused(None if node in self.nodes else NotFound):
            self.do(Nodes(self.tx).remove(node))
            del self.nodes[node]
            # Its certificate is revoked, and a node of that name may come again with another.
            assert self.do(Nodes(self.tx).by_certificate(f"fingerprint-{node}")) is None
            self.do(self.tx.run(_forget_certificates()))

    @invariant()
    def the_books_balance(self) -> None:
        quota = self.do(Quotas(self.tx).get())
        assert (quota.total, quota.used) == (self.total, self.used)
        assert quota.used <= quota.total
        for on in (True, False):
            page = self.do(walked(lambda step, on=on: Nodes(self.tx).page(NodeFilter(protection=on), step), 2))
            assert {each.id for each in page} == {node for node, protected in self.nodes.items() if protected is on}


def _forget_certificates() -> Any:
    from hullguard.storage.tables import certificates

    return certificates.delete()


class TestCommands(CommandLife.TestCase):
    settings = BOUNDED


class TestPolicies(PolicyLife.TestCase):
    settings = settings(BOUNDED, max_examples=8, stateful_step_count=15)


class TestJobs(QueueLife.TestCase):
    settings = BOUNDED


class TestQuotas(HouseLife.TestCase):
    settings = settings(BOUNDED, max_examples=8)
