"""What `hullguard submit` says beside its result."""

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.images import ALPINE_318, Image, apk_installed, file, layer

from hullguard import words
from hullguard.app import remote
from hullguard.app.cli import main as cli
from hullguard.model.errors import Conflict, HullguardError, Unavailable
from hullguard.model.submission import Submission

AT = datetime(2026, 3, 1, tzinfo=UTC)
IMAGE = "sha256:" + "c" * 64


class _Platform:
    """Knows the image already, and answers at the second attempt."""

    url = "https://platform.example"
    seen = True
    refuses: HullguardError | None = None

    def __init__(self, *_: object, waits: Callable[[HullguardError, float], None], **__: Any) -> None:
        self._waits = waits

    def submit(self, body: bytes, key: str, sent: Callable[[int], None]) -> Submission:
        del body, key, sent
        self._waits(Unavailable("the platform https://platform.example cannot be reached: no route"), 0.9)
        if self.refuses is not None:
            raise self.refuses
        return Submission(
            id="s1",
            name="shop:ci-1",
            kind="docker-archive",
            image=IMAGE,
            host="h",
            by="token:t",
            source="192.0.2.1",
            first=AT,
            submitted=AT,
            expires=AT,
            kept=False,
            seen=self.seen,
        )


@pytest.fixture
def said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], tuple[int, str]]:
    """The exit code, and what stands on standard error, in a language."""
    content = layer(file("etc/os-release", ALPINE_318), apk_installed(("musl", "1.2.4-r2", "musl")))
    archive = Image([content]).docker_archive(tmp_path / "shop.tar")
    monkeypatch.setattr(remote, "Platform", _Platform)
    monkeypatch.setenv("HULLGUARD_TOKEN", "hgt_secret")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def submitted(language: str) -> tuple[int, str]:
        try:
            with pytest.raises(SystemExit) as left:
                cli.main(["--lang", language, "submit", str(archive), "--name", "shop:ci-1", "--server", _Platform.url])
        finally:
            words.use("en")
        assert isinstance(left.value.code, int)
        return left.value.code, capsys.readouterr().err

    return submitted


def test_it_says_that_it_tries_again_and_that_the_image_is_known(said: Callable[[str], tuple[int, str]]) -> None:
    code, errors = said("en")

    assert "cannot be reached: no route; it is asked again in 1 s" in errors
    assert f"the platform knows the image {IMAGE} from a node or a registry already" in errors
    assert "knows shop:ci-1" not in errors
    assert code == 0, errors


def test_a_node_or_a_registry_is_named_only_where_one_has_read_the_image(
    said: Callable[[str], tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Platform, "seen", False)
    code, errors = said("en")

    assert f"keeps to what was submitted of the image {IMAGE} before, which was read more completely" in errors
    assert "registry" not in errors
    assert f"以先前对镜像 {IMAGE} 更完整的提交为准" in said("zh")[1]
    assert code == 0, errors


def test_what_another_user_says_otherwise_is_an_error(
    said: Callable[[str], tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    why = (
        f"what another user has submitted of {IMAGE} says otherwise than what is submitted now, which is not kept: "
        "if that is wrong, have an operator forget it on the image's page, then submit this again"
    )
    monkeypatch.setattr(_Platform, "refuses", Conflict(f"the platform {_Platform.url} refuses: {why}"))
    code, errors = said("en")

    assert code == 2
    assert why in errors
    assert f"另一用户对 {IMAGE} 的提交与现在提交的内容不一致" in said("zh")[1]


def test_in_chinese_too(said: Callable[[str], tuple[int, str]]) -> None:
    _, errors = said("zh")

    assert "无法连接平台 https://platform.example：no route；1 秒后重试" in errors
    assert f"得知镜像 {IMAGE}" in errors


def test_a_password_on_standard_input_is_for_every_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = layer(file("etc/os-release", ALPINE_318), apk_installed(("musl", "1.2.4-r2", "musl")))
    archives = [str(Image([content]).docker_archive(tmp_path / name)) for name in ("one.tar", "two.tar")]
    monkeypatch.setattr(remote, "Platform", _Platform)
    monkeypatch.setenv("HULLGUARD_TOKEN", "hgt_secret")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.stdin", io.StringIO("secret\n"))

    with pytest.raises(SystemExit) as left:
        cli.main(["submit", *archives, "--server", _Platform.url, "--username", "alice", "--password-stdin"])

    said = capsys.readouterr()
    assert (left.value.code, said.out.count("is submitted")) == (0, 2), said.err
