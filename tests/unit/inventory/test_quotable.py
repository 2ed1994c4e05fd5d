"""Nothing of an image goes into its inventory with a credential in it, but what tells a package."""

import json
from pathlib import Path

import msgspec
import pytest
from tests.support.images import Image, file, layer

from hullguard.inventory import read

TOKEN = "ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5"
WORDS = ".".join(("eyJhbGciOiJIUzI1NiJ9", "eyJ1c2VyIjoiYm9iIn0" * 12, "Kq8vTz2hu4nter9aB3dE5gH7jK9mN1pQ3sT5vW7yZ9"))
"""A token that is longer than what is quoted."""

FILES = {
    "an entry's name": (
        "srv/vendor/composer/installed.json",
        json.dumps({"packages": [{"name": TOKEN, "version": 7}]}),
    ),
    "an entry's long name": ("srv/vendor/composer/installed.json", json.dumps([{"name": WORDS, "version": 7}])),
    "a key": ("srv/x.deps.json", json.dumps({"libraries": {f"{TOKEN}/1.0": 5}})),
    "an odd name": (
        "srv/package-lock.json",
        json.dumps({"packages": {f"node_modules/\n{TOKEN}": {"version": "1.0.0"}}}),
    ),
    "a paragraph's name": ("var/lib/dpkg/status", f"Package: {TOKEN}\nStatus: install ok installed\n\n"),
    "a record's name": ("lib/apk/db/installed", f"P:{TOKEN}\nL:MIT\n\n"),
    "a package's place": (f"{TOKEN}/node_modules/a/package.json", '{"name": "a", "version": "1.0.0"}'),
    "an unreadable file's place": (f"{TOKEN}/node_modules/a/package.json", "{"),
    "the distribution's name": ("etc/os-release", f'ID=debian\nVERSION_ID=12\nPRETTY_NAME="Debian {TOKEN}"\n'),
    "the distribution's id": ("etc/os-release", f"ID={TOKEN}\n"),
}


@pytest.mark.parametrize("where", FILES)
def test_no_credential_is_quoted_of_a_file(where: str, tmp_path: Path) -> None:
    path, content = FILES[where]
    image = Image([layer(file(path, content))]).docker_archive(tmp_path / "image.tar")
    tree = tmp_path / "tree"
    (tree / path).parent.mkdir(parents=True)
    (tree / path).write_text(content)

    said = [msgspec.json.encode(read(target)).decode() for target in (str(image), f"dir:{tree}")]

    assert all("********" in one for one in (said[1:] if "lock" in path else said))
    assert [one for one in said if TOKEN[4:].lower() in one.lower() or WORDS[:150] in one] == []


def test_no_credential_is_quoted_of_a_tag(tmp_path: Path) -> None:
    image = Image([layer(file("a"))], tags=[f"example/app:{TOKEN}"])

    assert read(str(image.docker_archive(tmp_path / "image.tar"))).target.tags == ("example/app:ghp_********",)
