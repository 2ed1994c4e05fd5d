"""A bundle in slices from a server that may send anything."""

import hashlib
from pathlib import Path

import pytest

from hullguard.agent.update.download import fetch, require_free
from hullguard.model.errors import HullguardError, Invalid, LimitReached, NotFound, Unavailable
from hullguard.wire import limits
from hullguard.wire.messages import BundlePart, BundleRequest, RequestRefused, ServerMessage

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Line:
    """The uplink's one method that a download uses, over a function from request to answer."""

    def __init__(self, answer) -> None:
        self.answer = answer
        self.asked: list[int] = []

    async def ask(self, message: BundleRequest, answers, seconds: float = 60.0) -> ServerMessage:
        self.asked.append(message.offset)
        assert len(self.asked) < 100
        answer = self.answer(message)
        assert answers(answer)
        return answer


def honest(request: BundleRequest) -> BundlePart:
    return BundlePart(request.sha256, request.offset, len(CONTENT), CONTENT[request.offset : request.offset + 3000])


async def test_the_slices_make_the_file(tmp_path: Path):
    line, seen = Line(honest), []
    await fetch(line, SHA256, tmp_path / "b", lambda done, size: seen.append((done, size)))  # type: ignore[arg-type]
    assert (tmp_path / "b").read_bytes() == CONTENT
    assert line.asked == [0, 3000, 6000, 9000]
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda r: BundlePart(r.sha256, r.offset, len(CONTENT), b""), Invalid),
        (lambda r: BundlePart(r.sha256, r.offset, 10, b"x" * 11), Invalid),
        (lambda r: BundlePart(r.sha256, r.offset, len(CONTENT) + r.offset, b"x" * 3000), Invalid),
        (lambda r: BundlePart(r.sha256, r.offset, limits.BUNDLE_BYTES + 1, b"x"), LimitReached),
        (lambda r: BundlePart(r.sha256, r.offset, 4, b"evil"), Invalid),
        (lambda r: RequestRefused("bundle-request", r.sha256, "blob.not-found", "there is none"), NotFound),
    ],
    ids=["empty", "longer than said", "size changes", "too large", "another content", "refused"],
)
async def test_slices_that_are_wrong(tmp_path: Path, answer, kind: type[HullguardError]):
    with pytest.raises(kind):
        await fetch(Line(answer), SHA256, tmp_path / "b", lambda *_: None)  # type: ignore[arg-type]


def test_a_disk_without_room_is_said_with_figures(tmp_path: Path):
    require_free(tmp_path, 1)
    with pytest.raises(Unavailable, match="MiB are free") as full:
        require_free(tmp_path, 1 << 60)
    assert full.value.code == "update.disk-full"
