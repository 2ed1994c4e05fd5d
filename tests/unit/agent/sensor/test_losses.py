from pathlib import Path

import pytest

from hullguard.agent.sensor import losses
from hullguard.agent.sensor.losses import Loss, _PassedOver
from hullguard.agent.sensor.pins import Pins

SECOND = 1_000_000_000


class Kernel:
    """Programs with what the kernel counts of them, and a clock."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.counted = {"on_exec": 2, "on_open": 0}
        self.now = 100 * SECOND
        for name in (*self.counted, "link_on_exec", "names"):
            (directory / name).touch()
        monkeypatch.setattr(losses.libbpf, "misses", lambda program: self.counted[Path(program).name])
        monkeypatch.setattr(losses, "_now_ns", lambda: self.now)
        self.passed_over = _PassedOver(Pins(directory))

    def after(self, seconds: float) -> list[Loss]:
        self.now += int(seconds * SECOND)
        self.passed_over.look()
        return self.passed_over.news()


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    return Kernel(tmp_path, monkeypatch)


def test_what_was_passed_over_before_is_counted_but_no_news(kernel: Kernel):
    assert kernel.after(5) == []
    assert kernel.passed_over.count == 2


def test_what_is_passed_over_is_told_once_with_its_time(kernel: Kernel):
    kernel.counted["on_open"] = 7

    assert kernel.after(2) == [Loss(0, "any", "busy", 7, 100 * SECOND, 102 * SECOND)]
    assert kernel.after(2) == []
    kernel.counted["on_exec"] = 3
    assert kernel.after(2) == [Loss(0, "any", "busy", 1, 102 * SECOND, 106 * SECOND)]
    assert kernel.passed_over.count == 10


def test_the_kernel_is_asked_once_a_second(kernel: Kernel):
    kernel.counted["on_open"] = 7

    assert kernel.after(0.5) == []
    assert len(kernel.after(0.6)) == 1
