"""Where results go."""

import os
import resource
from pathlib import Path

import pytest

from hullguard.app.cli.output import check_file, counted, progress_of, ready_directory, write
from hullguard.model.errors import Invalid, Unavailable


def test_a_result_goes_to_its_file(tmp_path: Path) -> None:
    check_file(tmp_path / "report")
    write(b"all", tmp_path / "report")

    assert (tmp_path / "report").read_bytes() == b"all"


def test_a_place_that_cannot_hold_it_is_said_before(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "absent" / "report"):
        with pytest.raises(Invalid, match="cannot write"):
            check_file(place)
    check_file(None)


def test_a_write_that_fails_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot write"):
        write(b"all", tmp_path)


def test_of_a_report_that_finds_no_room_nothing_is_left(tmp_path: Path) -> None:
    report = tmp_path / "report"
    report.write_bytes(b"before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(Unavailable, match="File too large"):
            write(b"far more than ten bytes", report)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert list(tmp_path.iterdir()) == [report]
    assert report.read_bytes() == b"before"


def test_a_report_keeps_the_rights_of_the_one_before_and_goes_where_a_link_leads(tmp_path: Path) -> None:
    (report := tmp_path / "report").write_bytes(b"before")
    report.chmod(0o640)
    (link := tmp_path / "link").symlink_to(report)

    write(b"all", link)

    assert (report.read_bytes(), report.stat().st_mode & 0o777, link.is_symlink()) == (b"all", 0o640, True)


def test_a_report_may_go_into_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "pipe")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    write(b"all", pipe)

    assert os.read(reader, 9) == b"all"
    os.close(reader)


def test_a_directory_is_made_and_a_file_refused(tmp_path: Path) -> None:
    ready_directory(tmp_path / "a" / "b")
    (tmp_path / "file").touch()

    assert (tmp_path / "a" / "b").is_dir()
    with pytest.raises(Invalid, match="must be a directory"):
        ready_directory(tmp_path / "file")


def test_no_bar_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_of("reading") as progress, counted("reading", 2) as done:
        assert progress is None
        done()

    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "target", ["a.tar", "./a.tar", "docker-archive:a.tar", "docker-archive:a.tar:x:1", "a.tar:x:1", "ln.tar"]
)
def test_what_is_read_is_not_written_over(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.tar").write_bytes(b"an image")
    Path("ln.tar").symlink_to("a.tar")

    for output in ("a.tar", "ln.tar", str(tmp_path / "a.tar")):
        with pytest.raises(Invalid, match="it is what is read"):
            check_file(Path(output), ["other.tar", target])
    check_file(Path("b.json"), [target])


def test_a_report_that_is_there_already_is_written_again(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"a report")

    check_file(tmp_path / "a.json", [f"dir:{tmp_path}", str(tmp_path), "docker:a.json:1", "\0", "x" * 5000])
