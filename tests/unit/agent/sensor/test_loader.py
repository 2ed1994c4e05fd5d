"""An object of another version is refused before anything of it is in the kernel."""

import shutil
import subprocess
from pathlib import Path

import pytest

from hullguard.agent.sensor import abi, loader
from hullguard.agent.sensor.libbpf import BpfObject
from hullguard.agent.sensor.pins import MAPS, RINGS, SIZES
from hullguard.model.errors import Unavailable


def opened(path: Path) -> BpfObject:
    try:
        return BpfObject(path)
    except Unavailable as why:
        if why.code == "sensor.no-libbpf":
            pytest.skip(str(why))
        raise


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the kernel part's source."""
    if not shutil.which("clang"):
        pytest.skip("clang is not installed")
    shutil.copytree(loader.OBJECT.parent, tmp_path / "bpf", ignore=shutil.ignore_patterns("*.o"))
    return tmp_path / "bpf"


def built(source: Path, header: str, old: str, new: str) -> Path:
    """The object with one thing changed."""
    text = (source / header).read_text()
    assert old in text
    (source / header).write_text(text.replace(old, new, 1))
    subprocess.run(["make", "-s", "-C", source], check=True)
    return source / "sensor.bpf.o"


def test_this_versions_object_is_taken():
    if not loader.OBJECT.exists():
        pytest.skip("the BPF object is not built: run `make bpf`")
    with opened(loader.OBJECT) as found:
        loader.check_layout(found)


@pytest.mark.parametrize(
    ("header", "old", "new", "said"),
    [
        ("events.h", f"#define HG_ABI {abi.ABI}", "#define HG_ABI 99", f"layout 99 instead of {abi.ABI}"),
        ("events.h", "__u64 by_variable;", "", "map slots of 4+"),
        ("maps.h", "names, struct hg_name, __u32", "names, struct hg_name, __u64", "bytes instead of 40+4"),
    ],
)
def test_another_versions_object_is_refused_in_one_line(source: Path, header: str, old: str, new: str, said: str):
    if "by_variable" in old:  # who writes the field is of that version, too
        text = (source / "ask.h").read_text()
        (source / "ask.h").write_text(text.replace("slot->by_variable", "slot->by_text"))
    with opened(built(source, header, old, new)) as found, pytest.raises(Unavailable) as refused:
        loader.check_layout(found)

    assert refused.value.code == "sensor.stale-object"
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_every_map_that_is_read_or_written_has_its_sizes():
    assert set(SIZES) == set(MAPS) - set(RINGS) - {"rates", "scratches", "workspaces"}
