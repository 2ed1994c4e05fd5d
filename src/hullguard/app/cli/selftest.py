"""``hullguard agent selftest``: a harmless attack for every rule in force, and which were seen."""

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from hullguard.app.cli import exits
from hullguard.app.cli.agent_options import DEFAULT_DOCKER, DockerHost, KnownState, known
from hullguard.app.cli.output import check_file, counting, write
from hullguard.model.errors import Denied, Invalid
from hullguard.words import count, local, say
from hullguard.words.columns import columns, padded
from hullguard.words.plain import plain

if TYPE_CHECKING:
    from hullguard.agent.selftest.node import Report, Wishes
    from hullguard.agent.selftest.run import Outcome

_LONGEST_WHY = 200


def selftest(  # noqa: PLR0917 - typer makes each parameter an option
    state: KnownState = None,
    docker_host: DockerHost = DEFAULT_DOCKER,
    rules: Annotated[
        list[str] | None, typer.Option("--rule", help="Only this rule; may be given again.", show_default=False)
    ] = None,
    image: Annotated[
        str | None,
        typer.Option(
            help="An image that is here already, with a shell; else two small ones are made of what this machine has.",
            show_default=False,
        ),
    ] = None,
    own_rights: Annotated[
        bool, typer.Option("--own-rights", help="Let self-tests of your own rules have the rights that they ask for.")
    ] = False,
    wait: Annotated[float, typer.Option(min=1, max=600, help="Seconds until a rule counts as not fired.")] = 30,
    jobs: Annotated[int, typer.Option("--jobs", min=1, max=32, help="Rules to try at once.")] = 4,
    format_: Annotated[str, typer.Option("-f", "--format", help="table or json.")] = "table",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="A file for the result.", show_default=False)
    ] = None,
) -> int:
    """Do a harmless attack for every rule in force, in scratch containers, and say which were seen."""
    from hullguard.agent.runtime.http import parse_address
    from hullguard.agent.selftest.node import Wishes
    from hullguard.agent.state import StateDir

    if format_ not in {"table", "json"}:
        raise Invalid(f"there is no format {format_!r}; choose table or json")
    check_file(output)
    parse_address(docker_host)
    if os.geteuid() != 0:
        raise Denied("The self-test needs root, as the agent does: run it with sudo.", "selftest.no-root")
    wishes = Wishes(
        StateDir(known(state)),
        docker_host,
        rules=tuple(rules or ()),
        image=image,
        own_rights=own_rights,
        patience=wait,
        at_once=jobs,
    )
    try:
        report = asyncio.run(_examined(wishes))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None  # it was ended by a signal, and has put everything away
    write(_json(report) if format_ == "json" else _table(report), output)
    silent = any(outcome.verdict == "not fired" for outcome in report.outcomes)
    return exits.FINDING if silent or report.unacknowledged else exits.DONE


async def _examined(wishes: "Wishes") -> "Report":
    """Whoever ends this with a signal gets the containers removed all the same."""
    from hullguard.agent.selftest.node import Progress, examine

    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - there is one wherever a coroutine runs
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with counting(say("Trying the rules")) as bar:
        return await examine(wishes, Progress(*bar))


def _json(report: "Report") -> bytes:
    document: dict[str, Any] = {
        "schema": "hullguard/agent-selftest/1",
        "agent": report.agent,
        "unacknowledged": report.unacknowledged,
        "counts": _counts(report),
        "rules": report.outcomes,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _counts(report: "Report") -> dict[str, int]:
    verdicts = [str(outcome.verdict) for outcome in report.outcomes]
    return {name: verdicts.count(said) for name, said in _NAMES.items()}


_NAMES = {"fired": "fired", "silent": "not fired", "untried": "not tried"}


def _table(report: "Report") -> bytes:
    rows = [_row(outcome) for outcome in report.outcomes]
    head = (say("RULE"), say("RESULT"), say("LATENCY").rjust(11))
    widths = [max(columns(row[place]) for row in (head, *(row[:3] for row in rows))) for place in range(3)]
    lines = ["  ".join(padded(cell, width) for cell, width in zip(head, widths, strict=True)).rstrip()]
    for *cells, why in rows:
        line = "  ".join(padded(cell, width) for cell, width in zip(cells, widths, strict=True))
        lines.append(plain(f"{line}  {why}".rstrip()))
    return "".join(f"{line}\n" for line in (*lines, "", *_summary(report))).encode()


def _row(outcome: "Outcome") -> tuple[str, str, str, str]:
    late = "" if outcome.milliseconds is None else f"{outcome.milliseconds:.1f} ms".rjust(11)
    why = local(" ".join(outcome.why.split()))[:_LONGEST_WHY]
    if outcome.verdict == "not fired":
        heard = ", ".join(outcome.others)
        why = "; ".join(part for part in (say("heard: {rules}", rules=heard) if heard else "", why) if part)
        if outcome.lost:
            lost = say("{events} were lost meanwhile", events=count(outcome.lost, "{n} event", "{n} events"))
            why = "; ".join(part for part in (why, lost) if part)
    return outcome.rule, say(outcome.verdict.value), late, why


def _summary(report: "Report") -> list[str]:
    counts = _counts(report)
    by = say("by the running agent") if report.agent else say("by a sensor of the self-test's own: no agent runs here")
    said = [
        say(
            "{fired} fired, {silent} not fired, {untried} not tried; heard {by}",
            fired=counts["fired"],
            silent=counts["silent"],
            untried=counts["untried"],
            by=by,
        )
    ]
    if report.agent and report.unacknowledged is None:
        said.append(say("the agent has no connection: the platform gets the incidents later"))
    elif report.unacknowledged:
        said.append(
            say(
                "the platform has not confirmed {records}",
                records=count(report.unacknowledged, "{n} record", "{n} records"),
            )
        )
    elif report.agent:
        said.append(say("the platform has confirmed every incident, marked as a self-test"))
    return said
