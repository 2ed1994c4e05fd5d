"""Types that several threads meet for the first time together."""

import subprocess
import sys

import msgspec
import pytest

from hullguard.model.decoding import converted, from_json, from_msgpack, wrong

MEETING = """
import threading
from msgspec import defstruct
from hullguard.model.decoding import converted, from_json, from_msgpack

def kind(number):
    inner = defstruct(f"Inner{number}", [(f"field{each}", int, 0) for each in range(30)])
    return defstruct(f"Outer{number}", [("inner", inner | None, None), ("others", list[inner] | None, None)])

kinds = [kind(number) for number in range(300)]
together = threading.Barrier(4)

def meet():
    for kind in kinds:
        together.wait()
        assert from_json(b'{"inner": {"field1": 5}}', kind).inner.field1 == 5
        assert from_msgpack(b"\\x80", kind) == converted({}, kind) == kind()

threads = [threading.Thread(target=meet) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


class _Kind(msgspec.Struct):
    number: int


def test_threads_that_meet_a_type_together_live() -> None:
    done = subprocess.run([sys.executable, "-c", MEETING], capture_output=True, check=False, timeout=120)

    assert (done.returncode, done.stderr) == (0, b"")


def test_what_is_no_such_thing_is_refused() -> None:
    for refused in (
        lambda: from_json(b"{}", _Kind),
        lambda: from_msgpack(b"\x80", _Kind),
        lambda: converted({}, _Kind),
    ):
        with pytest.raises(msgspec.ValidationError):
            refused()


def test_of_a_document_that_is_too_deep_python_speaks_only_of_itself() -> None:
    for document, why in (("[" * 100_000, "it is nested too deeply"), ("{", "Input data was truncated")):
        with pytest.raises((msgspec.DecodeError, RecursionError)) as refused:
            from_json(document, object)
        assert wrong(refused.value) == why
