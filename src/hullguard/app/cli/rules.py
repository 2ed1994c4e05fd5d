"""``hullguard rules``: are rule files right, what do they hold, and what would they have said."""

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from hullguard.app.cli import exits
from hullguard.app.cli.output import write
from hullguard.model.errors import Invalid
from hullguard.words import count, local, say
from hullguard.words.columns import columns, padded
from hullguard.words.plain import plain

if TYPE_CHECKING:
    from hullguard.detect.rules.explain import Explanation
    from hullguard.detect.rules.problems import Problem
    from hullguard.detect.rules.reading import RuleFile
    from hullguard.detect.rules.ruleset import Match, Rule, RuleSet

rules = typer.Typer(help="Rule files, in Falco's format.", no_args_is_help=True)

Files = Annotated[
    list[Path],
    typer.Argument(
        help="Rule files, each building on those before it; of a directory its *.yaml and *.yml by name.",
        show_default=False,
    ),
]
Format = Annotated[str, typer.Option("-f", "--format", help="text or json.")]


@rules.command()
def check(
    files: Files,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="For each rule: what the kernel decides, what Python, what is not known, what it costs."
        ),
    ] = False,
    format_: Format = "text",
) -> int:
    """Say everything that is wrong with rule files; exit with 2 if there is an error."""
    from hullguard.detect.rules.explain import explain as explained
    from hullguard.detect.rules.ruleset import check as check_files

    _check_format(format_)
    found, problems = check_files(_read(files))
    errors = sum(problem.error for problem in problems)
    explanations = explained(found) if explain else []
    if format_ == "json":
        document: dict[str, Any] = {
            "schema": "hullguard/rules-check/1",
            "rules": len(found),
            "errors": errors,
            "warnings": len(problems) - errors,
            "problems": [_problem(problem) for problem in problems],
        }
        if explain:
            document["explanations"] = explanations
        _write_json(document)
    else:
        lines = [_line(problem) for problem in problems]
        for explanation in explanations:
            lines += ["", *_explained(explanation)]
        lines += [""] if explanations else []
        counts = say(
            "{rules}, {errors}, {warnings}",
            rules=count(len(found), "{n} rule", "{n} rules"),
            errors=count(errors, "{n} error", "{n} errors"),
            warnings=count(len(problems) - errors, "{n} warning", "{n} warnings"),
        )
        lines.append(counts)
        _write_lines(lines)
    return exits.WRONG_REQUEST if errors else exits.DONE


@rules.command("list")
def list_(files: Files, format_: Format = "text") -> int:
    """List the rules of some files, as they are after overrides."""
    _check_format(format_)
    loaded = _load(files)
    if format_ == "json":
        _write_json({"schema": "hullguard/rules-list/1", "rules": [_rule(rule) for rule in loaded.rules]})
        return exits.DONE
    rows = [
        (str(rule.priority), rule.technique or "-", say("on" if rule.enabled else "off"), rule.action, rule.name)
        for rule in loaded.rules
    ]
    head = (say("PRIORITY"), say("TECHNIQUE"), say("STATE"), say("ACTION"), say("RULE"))
    widths = [max(columns(row[column]) for row in (head, *rows)) for column in range(len(head))]
    _write_lines(
        "  ".join(padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    )
    return exits.DONE


@rules.command("test")
def replay(
    files: Files,
    events: Annotated[
        Path,
        typer.Option(
            "--events",
            help="A recording that a program made with the sensor's `record`; no command makes one.",
            show_default=False,
        ),
    ],
    format_: Format = "text",
) -> int:
    """Replay recorded events through rules, and say what would have fired."""
    from hullguard.agent.sensor.replay import ReplaySensor
    from hullguard.detect.rules.ruleset import Match
    from hullguard.model.event import Event, Gap

    _check_format(format_)
    loaded = _load(files)
    if not events.is_file():
        raise Invalid(f"{events} is no file")
    matches: list[Match] = []
    counts: Counter[str] = Counter()

    def judge(event: Event | Gap) -> None:
        if isinstance(event, Gap):  # what nobody saw fires no rule
            return
        counts["events"] += 1
        matches.extend(loaded.judge(event))

    sensor = ReplaySensor(events)
    sensor.poll(judge, 0)
    fired = Counter(match.rule.name for match in matches)
    if format_ == "json":
        _write_json(
            {
                "schema": "hullguard/rules-test/1",
                "events": counts["events"],
                "fired": dict(fired),
                "matches": [_match(match) for match in matches],
            }
        )
        return exits.DONE
    lines = [f"{_time(match)} {match.rule.priority} {match.rule.name}: {match.output}" for match in matches]
    lines += [f"{times:6}  {name}" for name, times in fired.most_common()]
    silent = sum(rule.enabled and rule.name not in fired for rule in loaded.rules)
    result = say(
        "{events}, {matches} of {rules}; {silent} silent",
        events=count(counts["events"], "{n} event", "{n} events"),
        matches=count(len(matches), "{n} match", "{n} matches"),
        rules=count(len(fired), "{n} rule", "{n} rules"),
        silent=count(silent, "{n} rule", "{n} rules"),
    )
    lines.append(result)
    _write_lines(lines)
    return exits.DONE


def _check_format(format_: str) -> None:
    if format_ not in {"text", "json"}:
        raise Invalid(f"there is no format {format_!r}; choose text or json")


def _read(paths: Iterable[Path]) -> "list[RuleFile]":
    """The files' bytes; of one that is too large no more than shows it."""
    from hullguard.detect.rules.document import LARGEST
    from hullguard.detect.rules.reading import RuleFile

    found = []
    for path in paths:
        inside = sorted(one for one in path.iterdir() if one.suffix in {".yaml", ".yml"}) if path.is_dir() else [path]
        if not inside:
            raise Invalid(f"{path} holds no rule files (*.yaml, *.yml)")
        for one in inside:
            try:
                with one.open("rb") as file:
                    found.append(RuleFile(str(one), file.read(LARGEST + 1)))
            except OSError as cause:
                raise Invalid(f"cannot read {one}: {cause.strerror}") from cause
    return found


def _load(paths: Iterable[Path]) -> "RuleSet":
    """The rules; where there is an error, every problem goes to standard error, and the command ends with 2."""
    from hullguard.detect.rules.problems import InvalidRules
    from hullguard.detect.rules.ruleset import RuleSet

    try:
        loaded = RuleSet.load(_read(paths))
    except InvalidRules as invalid:
        sys.stderr.writelines(f"{_line(problem)}\n" for problem in invalid.problems)
        errors = sum(problem.error for problem in invalid.problems)
        said = say("{errors} in the rules", errors=count(errors, "{n} error", "{n} errors"))
        exits.fail(said, exits.WRONG_REQUEST)
    sys.stderr.writelines(f"{_line(problem)}\n" for problem in loaded.problems)
    return loaded


def _line(problem: "Problem") -> str:
    """Where it is, how bad and what, in the language of this command."""
    return plain(f"{problem.place}: {say('error') if problem.error else say('warning')}: {local(problem.text)}")


def _problem(problem: "Problem") -> dict[str, object]:
    place = problem.place
    level = "error" if problem.error else "warning"
    return {"file": place.file, "line": place.line, "column": place.column, "level": level, "text": problem.text}


def _rule(rule: "Rule") -> dict[str, object]:
    return {
        "name": rule.name,
        "file": rule.place.file,
        "line": rule.place.line,
        "desc": rule.desc,
        "priority": rule.priority,
        "severity": rule.severity,
        "technique": rule.technique or None,
        "tags": rule.tags,
        "enabled": rule.enabled,
        "action": rule.action,
        "self_test": rule.self_test,
        "self_test_image": rule.self_test_image,
        "self_test_options": rule.self_test_options,
        "self_test_needs": rule.self_test_needs,
        "words": {key: text for key, text in msgspec.structs.asdict(rule.words).items() if text},
    }


def _match(match: "Match") -> dict[str, object]:
    event = match.event
    return {
        "rule": match.rule.name,
        "priority": match.rule.priority,
        "severity": match.rule.severity,
        "technique": match.rule.technique or None,
        "action": match.rule.action,
        "at": event.at,
        "sequence": event.sequence,
        "container": event.container.id,
        "output": match.output,
        "fields": match.fields,
        "unknown": match.unknown,
    }


_DENIES = {
    "kernel": "refused in the kernel before anything is sent",
    "partly": "refused in the kernel, but for what it cannot decide: that ends its process once seen",
    "seen": "nothing is refused, the process is ended once seen; the kernel cannot decide:",
}


def _explained(one: "Explanation") -> list[str]:
    lines = [f"{one.rule}  [cost: {one.cost}]"]
    lines += [f"  kernel   {alternative}" for alternative in one.kernel] or [
        f"  kernel   {say('nothing: it holds for no event')}"
    ]
    lines += [f"  python   {test}" for test in one.python]
    lines += [f"  unknown  {unknown.field}: {unknown.why}" for unknown in one.unknown]
    lines += [f"  partly   {unknown.field}: {unknown.why}" for unknown in one.partly]
    if one.denies is not None:
        lines.append(f"  deny     {say(_DENIES[one.denies])}")
        lines += [f"           {test}" for test in one.undecided]
    lines += [f"  note     {note}" for note in one.notes]
    return lines


def _time(match: "Match") -> str:
    return match.event.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _write_lines(lines: Iterable[str]) -> None:
    write("".join(f"{plain(line)}\n" for line in lines).encode("utf-8", "replace"), None)


def _write_json(document: object) -> None:
    write(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n", None)
