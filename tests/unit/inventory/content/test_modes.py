import pytest

from hullguard.inventory.content.modes import ModeInspector
from hullguard.model.content import Misconfiguration
from hullguard.model.severity import Severity

INSPECTOR = ModeInspector()


def inspect(path: str, mode: int) -> list[Misconfiguration]:
    if not INSPECTOR.wants(path, 10, mode, b"head"):
        return []
    return list(INSPECTOR.inspect(path, 10, mode, iter([b"not read"])))


@pytest.mark.parametrize(
    ("path", "mode", "severity"),
    [
        ("usr/bin/passwd", 0o4755, Severity.LOW),
        ("bin/su", 0o104755, Severity.LOW),
        ("usr/lib/openssh/ssh-keysign", 0o4755, Severity.LOW),
        ("usr/bin/chage", 0o2755, Severity.LOW),
        ("usr/libexec/openssh/ssh-keysign", 0o4755, Severity.LOW),
        ("usr/lib/dbus-1.0/dbus-daemon-launch-helper", 0o4754, Severity.LOW),
        ("usr/lib/x86_64-linux-gnu/utempter/utempter", 0o2755, Severity.LOW),
        ("usr/libexec/dbus-1/dbus-daemon-launch-helper", 0o4750, Severity.LOW),
        ("usr/sbin/unix_chkpwd", 0o2755, Severity.LOW),
        ("usr/local/bin/ping", 0o4755, Severity.MEDIUM),
        ("usr/local/sbin/screen", 0o4755, Severity.MEDIUM),
        ("usr/lib/foo/passwd", 0o4755, Severity.MEDIUM),
        ("usr/lib/foo/ssh-keysign", 0o4755, Severity.MEDIUM),
        ("usr/bin/x/su", 0o4755, Severity.MEDIUM),
        ("opt/passwd", 0o4755, Severity.MEDIUM),
        ("usr/bin/find", 0o4755, Severity.MEDIUM),
        ("app/shell", 0o6711, Severity.MEDIUM),
    ],
)
def test_a_setuid_program_is_low_where_distributions_ship_it(path: str, mode: int, severity: Severity) -> None:
    (found,) = inspect(path, mode)

    assert (found.id, found.severity, found.path) == ("CIS-DI-0008", severity, path)


def test_the_message_says_which_bits_and_which_mode() -> None:
    (found,) = inspect("app/shell", 0o106711)

    assert found.title == "A setuid and setgid program"
    assert found.message == "/app/shell has mode 6711"


@pytest.mark.parametrize(
    ("path", "mode"), [("app/run.sh", 0o755), ("app/data", 0o644), ("app/data", 0o4644), ("tmp/x", 0o666)]
)
def test_an_ordinary_file_is_not_looked_at(path: str, mode: int) -> None:
    assert inspect(path, mode) == []


def test_a_file_that_anyone_may_write_is_reported_outside_of_tmp() -> None:
    (found,) = inspect("app/tmp/config.yml", 0o666)

    assert (found.id, found.severity, found.path) == ("HG-DI-0020", Severity.MEDIUM, "app/tmp/config.yml")


def test_a_setuid_program_that_anyone_may_write_is_worse() -> None:
    assert {hit.id: hit.severity for hit in inspect("usr/bin/sudo", 0o4777)} == {
        "CIS-DI-0008": Severity.LOW,
        "HG-DI-0020": Severity.HIGH,
    }
