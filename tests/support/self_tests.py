"""The product's own self-test, asked by tests: its images, its containers, and a table of what fired."""

import asyncio
import contextlib
import io
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from tests.support.docker import docker

from hullguard.agent.runtime.scratch import Scratch
from hullguard.agent.selftest.deeds import Deed
from hullguard.agent.selftest.images import busybox_root, debian_root
from hullguard.agent.selftest.marks import Heard
from hullguard.agent.selftest.run import Outcome, SelfTest, Verdict
from hullguard.agent.selftest.witness import OwnSensor, listening
from hullguard.agent.sensor.bpf_sensor import BpfSensor
from hullguard.detect import Engine
from hullguard.model.errors import Unavailable
from hullguard.model.policy import NodePolicies

PATIENCE = 20
"""Seconds until a rule counts as silent; a machine may be slow."""


def import_images(
    address: str, name: str, files: Mapping[str, bytes] | None = None, environment: Sequence[str] = ()
) -> dict[str, str]:
    """Both scratch images under names of the tests' own."""
    images = {}
    for kind in ("busybox", "debian"):
        try:
            archive = busybox_root(files) if kind == "busybox" else debian_root()
        except Unavailable as why:
            pytest.skip(str(why))
        images[kind] = f"hullguard-test/{name}-{kind}"
        given = [word for variable in environment for word in ("--change", f"ENV {variable}")]
        docker(address, "import", *given, "-", images[kind], stdin=archive)
    return images


def heard_under(sensor: BpfSensor, policies: NodePolicies) -> contextlib.AbstractContextManager[OwnSensor]:
    """An engine with these policies, that hears what the sensor sees."""
    engine = Engine("node", "boot")
    engine.load(policies)
    return listening(sensor, engine)


def outcomes(address: str, witness: OwnSensor, images: Mapping[str, str], deeds: Sequence[Deed]) -> dict[str, Outcome]:
    """All deeds, done by the product's own runner."""
    runner = SelfTest(Scratch(address), witness, images, {})
    return {one.rule: one for one in asyncio.run(runner.run(deeds, patience=PATIENCE))}


def on_the_host(witness: OwnSensor, rule: str, script: Sequence[str]) -> Outcome:
    """A deed of this machine's own processes, in a directory by which it is told from what others do here."""
    with tempfile.TemporaryDirectory(prefix="hullguard-deed-") as directory:
        Path(directory).chmod(0o755)
        done = subprocess.run(
            ["sh", "-c", "\n".join(script)], cwd=directory, capture_output=True, check=False, timeout=PATIENCE
        )
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            mine = [one for one in witness.heard() if one.container == "host" and one.rule == rule]
            if mine:
                return Outcome(rule, Verdict.FIRED, milliseconds=round(mine[0].seconds * 1000, 1), container="host")
            time.sleep(0.05)
    return Outcome(rule, Verdict.SILENT, (done.stdout + done.stderr).decode(errors="replace"), container="host")


def check(outcome: Outcome) -> None:
    """Passes where it fired, skips where this machine cannot do the deed, fails with what the deed printed."""
    if outcome.verdict is Verdict.UNTRIED:
        pytest.skip(outcome.why)
    assert outcome.verdict is Verdict.FIRED, f"heard {sorted(outcome.others)}; it said: {outcome.why}"


def of(witness: OwnSensor, container: str) -> list[tuple[str, str]]:
    """Rules that objected to a container, and what they say."""
    return [(one.rule, one.text) for one in witness.heard() if one.container == container]


def told(witness: OwnSensor, container: str) -> list[Heard]:
    """What was heard of a container once something was, or nothing after all patience."""
    deadline = time.monotonic() + PATIENCE
    while True:
        heard = [one for one in witness.heard() if one.container == container]
        if heard or time.monotonic() > deadline:
            return heard
        time.sleep(0.05)


def table(title: str, found: Mapping[str, Outcome]) -> str:
    """Rule, fired, latency; for the end of a run of tests."""
    text = io.StringIO()
    text.write(f"\n  {title:55} fired  latency\n")
    for name, outcome in found.items():
        late = "" if outcome.milliseconds is None else f"{outcome.milliseconds:9.1f} ms"
        why = "" if outcome.verdict is Verdict.FIRED else f"  {outcome.why[:120]}"
        said = {Verdict.FIRED: "yes", Verdict.SILENT: "NO"}.get(outcome.verdict, "not tried")
        text.write(f"  {name:55} {said:5}{late}{why}\n")
    return text.getvalue()
