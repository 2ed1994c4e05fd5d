import ctypes
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from hullguard.agent.sensor import abi
from hullguard.agent.sensor.decode import GLANCE
from hullguard.agent.sensor.loader import OBJECT

HEADER = OBJECT.parent / "events.h"
CALLS = OBJECT.parent / "calls.h"


def mirrored() -> dict[str, int]:
    found = dict(abi.CONSTANTS)
    for name, structure in abi.MIRROR.items():
        found[name] = ctypes.sizeof(structure)
        found |= {f"{name}.{field[0]}": getattr(structure, field[0]).offset for field in structure._fields_}
    return found


def c_layout(directory: Path) -> dict[str, int]:
    """Compiles a probe that prints what the C compiler makes of the header."""
    lines = [f'printf("{name} %lld\\n", (long long)({name}));' for name in abi.CONSTANTS]
    for name, structure in abi.MIRROR.items():
        lines.append(f'printf("{name} %zu\\n", sizeof(struct {name}));')
        lines += [
            f'printf("{name}.{field[0]} %zu\\n", offsetof(struct {name}, {field[0]}));' for field in structure._fields_
        ]
    probe = directory / "probe.c"
    probe.write_text(
        "#include <stddef.h>\n#include <stdio.h>\n#include <linux/types.h>\n"
        f'#include "{HEADER}"\nint main(void) {{\n' + "\n".join(lines) + "\nreturn 0; }\n"
    )
    compiler = shutil.which("clang") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler: install clang")
    subprocess.run([compiler, "-o", directory / "probe", probe], check=True)
    out = subprocess.run([directory / "probe"], check=True, capture_output=True, text=True).stdout
    return {name: int(value) for name, value in (line.split() for line in out.splitlines())}


def test_python_mirrors_the_c_header(tmp_path):
    assert mirrored() == c_layout(tmp_path)


def test_every_structure_of_the_header_has_a_mirror():
    named = {line.split()[1] for line in HEADER.read_text().splitlines() if line.startswith("struct hg_")}

    assert named == set(abi.MIRROR)


def test_every_constant_of_the_header_has_a_mirror():
    import re

    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text() + CALLS.read_text(), flags=re.DOTALL)
    defined = set(re.findall(r"#define (HG_\w+) ", text))
    for body in re.findall(r"enum hg_\w+ \{(.*?)\}", text, re.DOTALL):
        defined |= set(re.findall(r"(HG_\w+)", body))

    assert defined == set(abi.CONSTANTS)


def test_the_built_object_has_the_same_layout():
    """The kernel's compiler lays out for another machine than the host's does."""
    if not OBJECT.exists():
        pytest.skip("the BPF object is not built: run `make bpf`")
    if not shutil.which("bpftool"):
        pytest.skip("bpftool is not installed")
    dump = subprocess.run(["bpftool", "-j", "btf", "dump", "file", OBJECT], check=True, capture_output=True).stdout
    built = {
        kind["name"]: kind
        for kind in json.loads(dump)["types"]
        if kind["kind"] == "STRUCT" and kind["name"] in abi.MIRROR
    }
    # Types of local variables (hg_proc) are not kept in an object; all of maps are.
    assert {"hg_event", "hg_config", "hg_path", "hg_known", "hg_verdict"} <= set(built)
    wanted = mirrored()
    for name, kind in built.items():
        assert kind["size"] == wanted[name]
        for member in kind["members"]:
            assert member["bits_offset"] == 8 * wanted[f"{name}.{member['name']}"], f"{name}.{member['name']}"


def test_a_glance_reads_where_the_structures_begin():
    assert GLANCE.size == ctypes.sizeof(abi.Proc)
    assert abi.Event.flags.offset + 4 == GLANCE.size
    assert abi.Event.ppid.offset == abi.Proc.ppid.offset == ctypes.sizeof(abi.Head) + ctypes.sizeof(abi.Task)


def test_the_object_builds_for_another_architecture_too(tmp_path):
    """The same source must compile where the build machine is an arm64."""
    if not shutil.which("clang"):
        pytest.skip("clang is not installed")
    includes = [f"-idirafter/usr/include/{os.uname().machine}-linux-gnu"]
    flags = ["-g", "-O2", "-target", "bpfel", "-mcpu=v3", "-Wall", "-Werror", "-Wno-unused-function"]
    machine = ["-D__aarch64__", "-D__TARGET_ARCH_arm64"]
    files = ["-I", OBJECT.parent, "-c", OBJECT.parent / "sensor.bpf.c", "-o", tmp_path / "sensor.o"]
    done = subprocess.run(["clang", *flags, *machine, *includes, *files], check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
