"""Objects of Git in an image: what shows itself is found, and what would need a name is said not to be looked for."""

import zlib
from pathlib import Path

from tests.support.images import Image, file, layer

from hullguard.inventory import read

SECRET = b"GITHUB_TOKEN=ghp_" + b"a1B2c3D4e5F6" * 3 + b"\nDB_PASSWORD=Zk3vQ9pLw2\n"


def test_objects_are_searched_and_counted(tmp_path: Path) -> None:
    packed = zlib.compress(b"blob %d\0%b" % (len(SECRET), SECRET))
    places = [f"app/.git/objects/0{number}/{number}" for number in range(3)]
    members = [file("app/.env", SECRET), *(file(place, packed) for place in places)]
    image = Image([layer(*members)]).docker_archive(tmp_path / "image.tar")
    found = read(str(image), scanners=frozenset({"secret"}))

    assert {(one.rule, one.path) for one in found.secrets} == {
        *(("github-token", place) for place in places),
        ("github-token", "app/.env"),
        ("env-password", "app/.env"),
    }
    (told,) = (one for one in found.unknowns if one.what == "files that were not searched for all secrets")
    assert "3 that are objects of Git were not searched for what only the names of the files in them" in told.why
    assert found.complete
