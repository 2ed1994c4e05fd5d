import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hullguard.agent import alone
from hullguard.agent.sensor import libbpf, loader
from hullguard.agent.update import launcher
from hullguard.model.errors import Conflict, Unavailable

CLAIM = """
import sys
from hullguard.agent import alone
from hullguard.model.errors import HullguardError
try:
    alone.claim(0, sys.argv[1].encode())
except HullguardError as why:
    sys.exit(f"{type(why).__name__}: {why}")
print("ours", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def name() -> bytes:
    """A claim of this test's own, whatever else runs on the machine."""
    return b"hgt_" + secrets.token_hex(5).encode()


@pytest.fixture
def held(name: bytes) -> Iterator[int]:
    try:
        descriptor = alone.claim(0, name)
    except Unavailable as why:
        pytest.skip(f"BPF is not permitted here: {why}")
    yield descriptor
    os.close(descriptor)


def start(name: bytes, *before: str) -> subprocess.Popen[str]:
    """A process that claims the machine and keeps it until its standard input ends."""
    pipe = subprocess.PIPE
    words = [*before, sys.executable, "-c", CLAIM, name.decode()]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment)


def test_a_second_one_refuses_and_says_which_process_is_the_first(held: int, name: bytes) -> None:
    _, why = start(name).communicate(timeout=60)

    assert f"Another: Another agent runs on this machine: process {os.getpid()}." in why


def test_no_namespace_hides_the_first(held: int, name: bytes) -> None:
    inside = start(name, "unshare", "--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup", "--fork", "--mount-proc")

    _, why = inside.communicate(timeout=60)

    if "unshare:" in why:
        pytest.skip(f"namespaces are not permitted here: {why.strip()}")
    assert "Another: Another agent runs on this machine: a process that cannot be seen from here" in why


def test_it_ends_with_the_process_however_that_ends(held: int, name: bytes) -> None:
    os.close(os.dup(held))
    other = name[:-1] + b"x"
    first = start(other)
    assert first.stdout is not None
    assert first.stdout.readline() == "ours\n"
    with pytest.raises(Conflict, match=f"process {first.pid}"):
        alone.claim(0, other)

    first.kill()
    first.communicate(timeout=60)

    os.close(alone.claim(0, other))


def test_one_that_is_just_ending_is_waited_for(held: int, name: bytes) -> None:
    other = name[:-1] + b"y"
    first = start(other)
    assert first.stdout is not None
    assert first.stdin is not None
    assert first.stdout.readline() == "ours\n"

    first.stdin.close()

    os.close(alone.claim(60, other))
    first.wait(60)


def test_of_many_at_once_one_goes_on(held: int, name: bytes) -> None:
    other = name[:-1] + b"z"
    many = [start(other) for _ in range(5)]
    said = [each.stdout.readline() if each.stdout else "" for each in many]
    for each in many:
        each.communicate(timeout=60)

    assert sorted(said) == ["", "", "", "", "ours\n"]


def test_what_somebody_pinned_and_nobody_holds_is_no_agent(held: int, name: bytes, tmp_path: Path) -> None:
    other = name[:-1] + b"p"
    place = tmp_path / "bpf"
    loader.ensure_mounted(place, "bpf")
    try:
        first = alone.claim(0, other)
        libbpf.checked(libbpf.library().bpf_obj_pin(first, str(place / "left").encode()), "pinning")
        with pytest.raises(Conflict):
            alone.claim(0, other)

        os.close(first)

        os.close(alone.claim(0, other))
        (place / "left").unlink()
    finally:
        subprocess.run(["umount", place], check=True)


def test_without_rights_it_is_not_known_and_nobody_is_kept_away(held: int, name: bytes) -> None:
    powerless = start(name[:-1] + b"u", "setpriv", "--bounding-set", "-all", "--inh-caps", "-all")

    said, why = powerless.communicate(timeout=60)

    assert (
        "Unavailable: Whether another agent runs on this machine cannot be told: making a map: Operation not permitted."
        in why
    )
    assert said == ""


def test_where_the_first_keeps_its_state_is_told_by_its_arguments(held: int, name: bytes, tmp_path: Path) -> None:
    other = name[:-1] + b"s"
    package = tmp_path / "hullguard/agent/update"
    package.mkdir(parents=True)
    for each in (tmp_path / "hullguard", tmp_path / "hullguard/agent", package):
        (each / "__init__.py").write_text("")
    (package / "launcher.py").write_text("import sys; print('up', flush=True); sys.stdin.read()")

    becomes = launcher.command("/srv/its own", "{}")
    claims = f"import os; from hullguard.agent import alone; os.set_inheritable(alone.claim(0, {other!r}), True); "
    executes = f"os.execve({becomes[0]!r}, {becomes!r}, {{**os.environ, 'PYTHONPATH': {str(tmp_path)!r}}})"
    pipe = subprocess.PIPE
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    words = [sys.executable, "-c", claims + executes]
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, env=environment) as first:
        assert first.stdout
        assert first.stdout.readline() == "up\n"
        assert alone.state_of_the_first(other) == Path("/srv/its own")
    assert alone.state_of_the_first(other) is None


def test_of_a_process_that_is_no_launcher_no_directory_is_known(held: int, name: bytes) -> None:
    assert alone.state_of_the_first(name) is None
