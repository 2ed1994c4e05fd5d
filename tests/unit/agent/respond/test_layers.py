"""Whether a file is the image's own, from layers on disk."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.agent.respond.layers import Image, lower_layers, mounts


@pytest.fixture
def layers(tmp_path: Path) -> tuple[Path, Path]:
    """The upper one of two lower layers, and the one below it."""
    made = tmp_path / "top", tmp_path / "base"
    for layer in made:
        (layer / "bin").mkdir(parents=True)
    return made


def image(layers: tuple[Path, ...]) -> Image:
    return Image(tuple(map(str, layers)))


def write(path: Path, content: str = "x") -> os.stat_result:
    path.write_text(content)
    return path.stat()


def test_a_file_of_any_layer_is_the_images(layers):
    top, base = layers
    over, under = write(top / "bin/over"), write(base / "bin/under")
    assert image(layers).has("/bin/over", over)
    assert image(layers).has("/bin/under", under)
    assert not image(layers).has("/bin/other", under)


def test_a_new_file_at_the_same_path_is_not(layers, tmp_path):
    write(layers[1] / "bin/tool")
    assert not image(layers).has("/bin/tool", write(tmp_path / "new"))


def test_what_was_written_to_is_not(layers):
    tool = layers[1] / "bin/tool"
    before = write(tool)
    os.utime(tool, ns=(1, 1))
    found = image(layers)
    assert not found.has("/bin/tool", before), "another time of modification"
    assert found.has("/bin/tool", tool.stat())
    assert not image(layers).has("/bin/tool", before)


def test_what_an_upper_layer_hides_is_gone(layers):
    hidden = write(layers[1] / "bin/tool")
    (layers[0] / "bin/tool").symlink_to("/etc/passwd")
    assert not image(layers).has("/bin/tool", hidden)


def test_no_link_in_a_layer_leads_to_the_hosts_files(layers, tmp_path):
    outside = tmp_path / "host"
    outside.mkdir()
    secret = write(outside / "tool")
    (layers[0] / "sbin").symlink_to(outside)
    assert not image(layers).has("/sbin/tool", secret)
    assert not image(layers).has("/bin/../../host/tool", secret)


def test_a_file_without_a_name_is_not(layers):
    tool = layers[1] / "bin/tool"
    write(tool)
    descriptor = os.open(tool, os.O_RDONLY)
    tool.unlink()
    assert not image(layers).has("/bin/tool", os.fstat(descriptor))
    os.close(descriptor)


def test_layers_that_cannot_be_seen_are_known_to_be_so(layers, tmp_path):
    assert image(layers).reachable()
    assert not image((*layers, tmp_path / "gone")).reachable()
    assert not Image(()).reachable()


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ("rw,lowerdir=/a:/b,upperdir=/u/1/diff,workdir=/w", ("/a", "/b")),
        (
            "rw,lowerdir=l/A:l/B,upperdir=/var/lib/docker/overlay2/x/diff",
            ("/var/lib/docker/overlay2/l/A", "/var/lib/docker/overlay2/l/B"),
        ),
        ("rw,lowerdir+=/a,lowerdir+=/b,upperdir=/u/1/diff", ("/a", "/b")),
        (r"rw,lowerdir=/a\:x:/b,upperdir=/u/1/diff", ("/a:x", "/b")),
        ("rw,lowerdir=/a", ()),
        ("rw,lowerdir=l/A,upperdir=/diff", ()),
        ("rw", ()),
        ("", ()),
        ("lowerdir=" + ":".join(["/a"] * 600) + ",upperdir=/u/1/diff", ()),
    ],
)
def test_layers_are_read_from_the_options_of_a_mount(options: str, wanted: tuple[str, ...]):
    assert lower_layers(options) == wanted


def test_mounts_are_read():
    text = (
        "22 21 0:20 / / rw,relatime shared:1 - overlay overlay rw,lowerdir=/a,upperdir=/u\n"
        "23 22 0:21 / /with\\040blank rw - tmpfs tmpfs rw,size=1k\n"
        "nonsense\n"
    )
    assert [(each.point, each.kind) for each in mounts(text)] == [("/", "overlay"), ("/with blank", "tmpfs")]


@given(st.text(max_size=300))
def test_no_text_breaks_the_readers(text: str):
    mounts(text)
    lower_layers(text)
