"""What is expensive is started once for the whole run."""

import os

import pytest
from hypothesis import settings

from tests.support.docker import docker_host
from tests.support.images import vulnerable_image

__all__ = ["docker_host", "vulnerable_image"]

# Agents of tests run beside the machine's own, and beside those of another run of the tests.
os.environ["HULLGUARD_AGENT_BESIDE"] = "1"

# How long an example takes says more about the machine than about the code. The examples are the same every time, or
# a change would be judged by luck; `--hypothesis-profile=hunt` looks for others.
settings.register_profile("hullguard", deadline=None, derandomize=True)
settings.register_profile("hunt", deadline=None)
settings.load_profile("hullguard")

# A test that passes only on its second try is steady enough for nobody: more of them than this fail the run.
SECOND_TRIES = 3


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tells in full why tests failed that passed on their second try: nobody would look for what is not told."""
    for report in terminalreporter.getreports("rerun"):
        terminalreporter.write_sep(
            "_", f"unsteady: {report.nodeid} ({report.when}) failed, and was tried once more", yellow=True
        )
        terminalreporter.write_line(report.longreprtext)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    unsteady = {report.nodeid for report in reporter.getreports("rerun")} if reporter else set()
    if len(unsteady) > SECOND_TRIES and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
