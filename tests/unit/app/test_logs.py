"""What the parts write: one JSON object a line, whoever speaks."""

import json
import os
import subprocess
import sys

import pytest

PROLOGUE = "import logging, warnings, structlog\nfrom hullguard.app import logs\nlogs.configure('probe')\n"


def lines(code: str) -> list[dict]:
    """What a process that runs ``code`` writes to standard error, line by line; each must be JSON."""
    done = subprocess.run(
        [sys.executable, "-c", PROLOGUE + code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_a_line_names_its_part_its_level_and_its_time() -> None:
    (line,) = lines("structlog.get_logger().warning('disk is full', free=0)")

    assert (line["event"], line["level"], line["part"], line["free"]) == ("disk is full", "warning", "probe", 0)
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "value", ["b'\\xff'", "'\\ud800'", "'two\\nlines'", "{1: {2}}", "object()", "float('nan')", "'\\x00\\x1b[31m'"]
)
def test_whatever_is_logged_stays_one_line_of_json(value: str) -> None:
    (line,) = lines(f"structlog.get_logger().info('odd', value={value})")

    assert "value" in line


def test_the_warnings_of_libraries_join_in_the_same_form() -> None:
    found = lines(
        "logging.getLogger('lib').warning('two\\nlines of %s', 'it')\nlogging.getLogger('lib').info('chatter')"
    )

    assert [(line["event"], line["logger"], line["part"]) for line in found] == [
        ("two\nlines of it", "lib", "probe")
    ], "what libraries chatter about is left out"


def test_a_warning_of_python_s_own_kind_is_a_line_too() -> None:
    (line,) = lines("warnings.warn('this will go', stacklevel=1)")

    assert "UserWarning: this will go" in line["event"]
    assert line["level"] == "warning"


@pytest.mark.parametrize("speaker", ["structlog.get_logger()", "logging.getLogger('lib')"])
def test_an_exception_is_logged_with_where_it_was_raised(speaker: str) -> None:
    (line,) = lines(
        "def culprit():\n    raise ZeroDivisionError('nothing to share')\n"
        f"try:\n    culprit()\nexcept ZeroDivisionError:\n    {speaker}.exception('request failed')\n"
    )

    assert line["event"] == "request failed"
    assert "in culprit" in line["exception"]
    assert "ZeroDivisionError: nothing to share" in line["exception"]


def test_a_task_that_nobody_awaited_is_a_line_with_its_traceback() -> None:
    found = lines(
        "import asyncio, gc\n"
        "async def forgotten():\n    raise LookupError('lost')\n"
        "async def main():\n"
        "    task = asyncio.create_task(forgotten())\n    await asyncio.sleep(0)\n    await asyncio.sleep(0)\n"
        "    del task\n    gc.collect()\n"
        "asyncio.run(main())\n"
    )

    assert [line["logger"] for line in found] == ["asyncio"]
    assert "LookupError: lost" in found[0]["exception"]
