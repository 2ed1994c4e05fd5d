"""Carries commands out: each once, each with one outcome, whatever dies in between."""

import asyncio
from weakref import WeakValueDictionary

import structlog

from hullguard.agent.commands.catalog import BY_KIND
from hullguard.agent.commands.interface import Parts, Progress
from hullguard.agent.commands.ledger import Ledger
from hullguard.agent.commands.own import Answered, ended, own_command
from hullguard.agent.identity import now
from hullguard.agent.records import put_own, put_update
from hullguard.agent.spool import Spool
from hullguard.agent.update import switch
from hullguard.model.command import Command, CommandKind, CommandState
from hullguard.model.errors import HullguardError
from hullguard.model.incident import Observation
from hullguard.wire.messages import CommandUpdate

_log = structlog.get_logger()


class Runner:
    """Takes orders from the uplink; reports through the spool."""

    def __init__(self, node: str, spool: Spool, parts: Parts) -> None:
        self._node, self._spool, self._parts = node, spool, parts
        self._ledger = Ledger(parts.state)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._answered = Answered()

    def recover(self) -> None:
        """Give an outcome to what the last process left behind; an update's comes from the switch."""
        switching = switch.command(self._parts.state)
        for identity, entry in self._ledger.unfinished():
            if entry.own is not None and entry.own.deadline > now():
                self._start(entry.own, own=True)  # whatever it had done already is done only once
            elif identity != switching:
                failure = _failure("agent.restarted", "the agent died while it ran")
                self._finish(identity, entry.kind, "failed", failure, entry.own)

    def answer(self, observation: Observation) -> None:
        """Do what the policy wants done about an incident, beside what the kernel does itself."""
        command = own_command(self._node, observation)
        if command is None or self._ledger.get(command.id) is not None or not self._answered.first(command):
            return
        try:
            self._ledger.write(command.id, command.kind, "acknowledged", own=command)
        except OSError as full:
            # What a policy asks for is done even where it cannot be remembered.
            _log.warning("command not noted", command=command.id, why=str(full))
        _log.info("policy acts", command=command.id, kind=str(command.kind), container=command.container)
        self._start(command, own=True)

    def order(self, command: Command) -> None:
        """An order came, perhaps not for the first time."""
        if command.node != self._node:
            _log.warning("order for another node", command=command.id)
            return
        if command.state is CommandState.CANCELLED:
            self._cancel(command)
            return
        known = self._ledger.get(command.id)
        if known is not None:
            self._remind(command.id, known.state, known.result)
            return
        try:
            self._ledger.write(command.id, command.kind, "acknowledged")
        except OSError as full:
            # The server asks again; the session, and the incidents that it carries, must not end over a command.
            self._ledger.forget(command.id)
            _log.warning("command not taken", command=command.id, why=str(full))
            return
        put_update(self._spool, CommandUpdate(command.id, "acknowledged"))
        _log.info("command taken", command=command.id, kind=str(command.kind))
        self._start(command)

    def _start(self, command: Command, *, own: bool = False) -> None:
        task = asyncio.create_task(self._run(command, own=own), name=f"command {command.id}")
        self._running[command.id] = task
        task.add_done_callback(lambda _: self._running.pop(command.id, None))

    def finish_update(self, identity: str, failure: str | None, result: dict[str, str | int]) -> None:
        """The switch to another version of the agent is decided."""
        if failure is None:
            self._finish(identity, CommandKind.UPDATE_AGENT, "done", result)
        else:
            self._finish(identity, CommandKind.UPDATE_AGENT, "failed", {**_failure("rolled-back", failure), **result})

    async def stop(self) -> None:
        """End what runs; the next process reports it."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _remind(self, identity: str, state: str, result: dict[str, str | int]) -> None:
        """The server asks again, so what it was told was lost with a full spool; a repetition does no harm."""
        if state == "done":
            put_update(self._spool, CommandUpdate(identity, "done", 100, result=result))
        elif state in {"failed", "cancelled"}:
            put_update(self._spool, CommandUpdate(identity, "failed", result=result))
        else:
            put_update(self._spool, CommandUpdate(identity, "acknowledged"))

    def _cancel(self, command: Command) -> None:
        """The server has given it its outcome already, so none is reported."""
        known = self._ledger.get(command.id)
        if known is None or known.open:
            self._ledger.write(command.id, command.kind, "cancelled", _failure("command.cancelled", "it was cancelled"))
        task = self._running.get(command.id)
        if task is not None:
            task.cancel()

    async def _run(self, command: Command, *, own: bool) -> None:
        left = (command.deadline - now()).total_seconds()
        report = command if own else None
        try:
            # One after the other: orders about one container, and orders of one kind about the node.
            async with (
                asyncio.timeout(max(0.0, left)),
                self._turn(str(command.parameters.get("container", command.kind))),
            ):
                progress = self._progress(command, own=own)
                progress(0, "")
                result = await BY_KIND[command.kind].run(command, self._parts, progress)
        except TimeoutError:
            failure = _failure("command.deadline", "its deadline passed before it was finished")
            self._finish(command.id, command.kind, "failed", failure, report)
        except HullguardError as bad:
            self._finish(command.id, command.kind, "failed", {**_failure(bad.code, str(bad)), **bad.params}, report)
        except Exception as bad:  # noqa: BLE001 - the boundary of a plug-in: one broken command must not stop the agent
            _log.exception("command broke", command=command.id, kind=str(command.kind))
            failure = _failure("agent.internal", f"the agent failed to do it: {type(bad).__name__}: {bad}"[:1000])
            self._finish(command.id, command.kind, "failed", failure, report)
        else:
            if result is not None:
                self._finish(command.id, command.kind, "done", dict(result), report)

    def _turn(self, name: str) -> asyncio.Lock:
        lock = self._turns.get(name)
        if lock is None:
            lock = self._turns[name] = asyncio.Lock()
        return lock

    def _progress(self, command: Command, *, own: bool) -> Progress:
        def report(percent: int, message: str) -> None:
            if not own:  # nobody waits for one that the agent gave itself
                update = CommandUpdate(command.id, "running", max(0, min(99, percent)), message[:500])
                put_update(self._spool, update)

        return report

    def _finish(
        self, identity: str, kind: CommandKind, state: str, result: dict[str, str | int], own: Command | None = None
    ) -> None:
        """First into the spool, then into the ledger: a crash between the two repeats the outcome, never loses it."""
        done = state == "done"
        if own is None:
            update = CommandUpdate(identity, "done" if done else "failed", 100 if done else 0, "", result)
            put_update(self._spool, update)
        else:
            put_own(self._spool, ended(own, CommandState.DONE if done else CommandState.FAILED, result))
        try:
            self._ledger.write(identity, kind, state, result)
        except OSError as full:
            _log.warning("outcome not noted", command=identity, why=str(full))  # after a crash it is told once more
        _log.info("command finished", command=identity, kind=str(kind), state=state, result=result)


def _failure(code: str, message: str) -> dict[str, str | int]:
    return {"code": code, "message": message}
