"""The two scratch images, made of what this machine has: nothing is pulled.

``busybox`` is a static busybox with a link for each of its programs. ``debian`` is a few packages of this machine,
where it is a Debian or an Ubuntu: a shell, perl and the basic programs, with busybox beside them.
"""

import io
import re
import shutil
import struct
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from hullguard.model.errors import Unavailable

NAMES: Final = {"busybox": "hullguard-selftest/busybox", "debian": "hullguard-selftest/debian"}
_PACKAGES: Final = ("bash", "coreutils", "dash", "diffutils", "grep", "libc-bin", "perl-base", "sed")
_DIRECTORIES: Final = ("dev", "etc", "proc", "root", "root/.ssh", "sys", "tmp")
_FILES: Final = {
    "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
    "etc/group": b"root:x:0:\nnogroup:x:65534:\n",
    "etc/shadow": b"root:*:19000:0:99999:7:::\n",
    "etc/hosts.conf": b"order hosts\n",
}
_ELF_PROGRAM_INTERPRETER: Final = 3
_SECONDS: Final = 60


def busybox_root(files: Mapping[str, bytes] | None = None) -> bytes:
    """A tar; raises Unavailable where this machine has no busybox that runs by itself."""
    busybox = _static_busybox()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        _directories(tar, ("bin", *_DIRECTORIES))
        _add(tar, "bin/busybox", busybox.read_bytes(), 0o755)
        for program in _run(str(busybox), "--list").split():
            if program != "busybox":
                _link(tar, f"bin/{program}", "busybox")
        _add_all(tar, {**_FILES, **(files or {})})
    return archive.getvalue()


def debian_root() -> bytes:
    """A tar; raises Unavailable where this machine has no packages to make it of."""
    if shutil.which("dpkg-query") is None:
        raise Unavailable(
            "This machine has no dpkg, so there are no packages to make a Debian of: name an --image.",
            "selftest.no-packages",
        )
    busybox = _static_busybox()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for link, target in (("bin", "usr/bin"), ("sbin", "usr/sbin"), ("lib", "usr/lib"), ("lib64", "usr/lib64")):
            _link(tar, link, target)
        for path in sorted(_files_of(_with_dependencies(_PACKAGES))):
            tar.add(path, arcname=str(path)[1:], recursive=False)
        _add(tar, "usr/bin/busybox", busybox.read_bytes(), 0o755)
        _directories(tar, ("usr/sbin", *_DIRECTORIES))
        _add_all(tar, _FILES)
    return archive.getvalue()


def _static_busybox() -> Path:
    for name in ("busybox", "busybox.static"):
        found = shutil.which(name)
        if found is not None and not _interpreted(Path(found)):
            return Path(found)
    raise Unavailable(
        "This machine has no static busybox to make a container of: install busybox-static, or name an --image.",
        "selftest.no-busybox",
    )


def _interpreted(path: Path) -> bool:
    """Whether an ELF program needs a loader (a PT_INTERP header), or is something else altogether."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
            if head[:5] != b"\x7fELF\x02":  # 64 bits only, as everything that the sensor runs on
                return True
            order = "<" if head[5] == 1 else ">"
            (offset,) = struct.unpack_from(f"{order}Q", head, 32)
            size, count = struct.unpack_from(f"{order}HH", head, 54)
            file.seek(offset)
            table = file.read(size * count)
        kinds = [struct.unpack_from(f"{order}I", table, size * number)[0] for number in range(count)]
    except (OSError, ValueError, struct.error):
        return True
    return _ELF_PROGRAM_INTERPRETER in kinds


def _with_dependencies(packages: Sequence[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(packages)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        asked = ["dpkg-query", "-W", "-f", "${db:Status-Status}|${Depends}, ${Pre-Depends}", name]
        said = subprocess.run(asked, capture_output=True, check=False, text=True, timeout=_SECONDS).stdout
        status, _, needed = said.partition("|")
        if status != "installed":
            continue  # another package provides it
        found.add(name)
        waiting += re.findall(r"(?:^|,)\s*([a-z0-9][a-z0-9.+-]*)", needed)
    return found


def _files_of(packages: set[str]) -> set[Path]:
    wanted = set()
    for line in _run("dpkg-query", "-L", *sorted(packages)).splitlines():
        path = Path(line)
        if len(path.parts) < 3 or line.startswith(("/usr/share", "/etc", "/var")):
            continue
        if path.parts[1] in {"bin", "sbin", "lib", "lib64"}:
            path = Path("/usr", *path.parts[1:])
        if path.is_symlink() or path.is_file():
            wanted.add(path)
    return wanted


def _run(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, check=True, text=True, timeout=_SECONDS).stdout
    except (OSError, subprocess.SubprocessError) as bad:
        raise Unavailable(f"{command[0]} does not work: {bad}") from bad


def _directories(tar: tarfile.TarFile, names: Sequence[str]) -> None:
    for name in names:
        info = tarfile.TarInfo(name)
        info.type, info.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
        tar.addfile(info)


def _link(tar: tarfile.TarFile, name: str, target: str) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    tar.addfile(info)


def _add_all(tar: tarfile.TarFile, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        _add(tar, name, content, 0o640 if name.endswith("shadow") else 0o644)


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), mode
    tar.addfile(info, io.BytesIO(content))
