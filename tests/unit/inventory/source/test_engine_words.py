"""The engine's word is passed on as a sentence, not as the document that it came in."""

import io
from typing import cast

import pytest

from hullguard.inventory.source import engine


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"message":"invalid reference format"}\n', "invalid reference format"),
        (b"page not found\n", "page not found"),
        (b'{"error": 1}', '{"error": 1}'),
        (b"\xff" + b"x" * 3000, "\ufffd" + "x" * 499),
        (b"", ""),
    ],
)
def test_the_reason(body: bytes, sentence: str) -> None:
    assert engine._reason(cast("engine.http.client.HTTPResponse", io.BytesIO(body))) == sentence
