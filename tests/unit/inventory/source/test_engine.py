"""What is asked of a Docker engine, and what becomes of its answers; the real one is in the integration tests."""

import http.server
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.drip import dripping
from tests.support.images import Image, apk_installed, dpkg_entry, file, layer, node_package, symlink

from hullguard.inventory import LayerCache, read
from hullguard.inventory.source.engine import Engine
from hullguard.inventory.source.engines import podman_host
from hullguard.inventory.source.unread_mounts import unread
from hullguard.model.errors import Invalid, NotFound, Unavailable
from hullguard.net import pace

Answer = tuple[int, bytes]


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    answers: dict[str, Answer]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        status, body = self.server.answers.get(self.path, (404, b"{}"))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) + (1000 if status == 299 else 0)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "socket"

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Callable[[dict[str, Answer]], str]]:
    """A server on a unix socket that gives the answers it is told to give."""
    servers: list[_Server] = []

    def start(answers: dict[str, Answer]) -> str:
        path = tmp_path / "docker.sock"
        server = _Server(str(path), _Handler)
        server.answers = answers
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"unix://{path}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("first", "piece", "why"),
    [
        (OK, b"X-A: 1\r\n", "did not end its headers within 0.2 s"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", "did not end its headers within 0.2 s"),
        (OK + b"Content-Length: 1000000\r\n\r\n", b" ", "sends fewer than 16384 bytes a second"),
        (CHUNKED, b"0", "sent no whole piece of its answer within 0.2 s"),
        (CHUNKED + b"2\r\n{}\r\n0\r\n", b"X: y\r\n", "sent no whole piece of its answer within 0.2 s"),
        (CHUNKED + b"2\r\n{}\r\n0\r\n", b"X: y\r\n" * 10_000, "sends headers or lines of chunks without end"),
    ],
)
def test_an_engine_whose_answer_does_not_end_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: bytes, piece: bytes, why: str
) -> None:
    for bound in ("HEAD_SECONDS", "WINDOW_SECONDS"):
        monkeypatch.setattr(pace, bound, 30.0 if why.endswith("without end") else 0.2)
    with dripping(first, piece, tmp_path / "s") as host, pytest.raises(Unavailable, match=f"the Docker engine .*{why}"):
        read("docker:app:1", docker_host=f"unix://{host}")


@pytest.mark.parametrize("form", ["Content-Length: 2000", "Transfer-Encoding: chunked"])
def test_of_a_refusal_that_does_not_end_is_shown_what_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setattr(pace, "WORDS_SECONDS", 0.3)
    first = f"HTTP/1.1 500 Broken\r\n{form}\r\n\r\n".encode() + (
        b"8\r\nno space\r\n" if "chunked" in form else b"no space"
    )
    with dripping(first, b"0", tmp_path / "s") as host, pytest.raises(Unavailable, match="refused: 500 no space"):
        read("docker:app:1", docker_host=f"unix://{host}")


INSPECT = b'{"Id": "sha256:abc", "RepoTags": ["app:1"], "RootFS": {"Layers": []}}'


def test_an_image_is_read_from_the_stream(engine: Callable[[dict[str, Answer]], str], tmp_path: Path) -> None:
    archive = Image([layer(node_package("a", "1.0.0"))]).docker_archive(tmp_path / "a.tar").read_bytes()
    host = engine({"/images/app:1/json": (200, INSPECT), "/images/sha256:abc/get": (200, archive)})

    found = read("docker:app:1", docker_host=host)

    assert [package.name for package in found.packages] == ["a"]
    assert (found.target.kind, found.target.tags) == ("docker", ("app:1",))
    assert read("app:1", docker_host=host).packages == found.packages


LISTED = b'[{"RepoTags": null}, {"RepoTags": ["<none>:<none>"]}, {"RepoTags": ["shop/web:1", "shop/web:2"]}]'


@pytest.mark.parametrize(
    ("asked", "near"), [("shop/wep:1", "shop/web:1"), ("shop/web:3", "shop/web:"), ("shop/web", "shop/web:")]
)
def test_a_mistyped_name_is_answered_with_the_nearest_that_is_there(
    engine: Callable[[dict[str, Answer]], str], asked: str, near: str
) -> None:
    host = engine({"/images/json": (200, LISTED)})

    with pytest.raises(NotFound, match=f"has no image '{asked}'; did you mean '{near}"):
        Engine(host).inspect(asked)


@pytest.mark.parametrize("listed", [(200, LISTED), (200, b"[]"), (200, b"{"), (500, b""), (299, b"[")])
def test_where_no_name_is_near_or_known_nothing_is_guessed(
    engine: Callable[[dict[str, Answer]], str], listed: Answer
) -> None:
    host = engine({"/images/json": listed})

    with pytest.raises(NotFound, match=r"has no image 'nginx:1'$"):
        Engine(host).inspect("nginx:1")


def test_what_was_read_before_is_not_exported_again(engine: Callable[[dict[str, Answer]], str], tmp_path: Path) -> None:
    image = Image([layer(node_package("a", "1.0.0"))])
    archive = image.docker_archive(tmp_path / "a.tar").read_bytes()
    inspected = INSPECT.replace(b"sha256:abc", image.image_id.encode())
    answers = {"/images/app:1/json": (200, inspected), f"/images/{image.image_id}/get": (200, archive)}
    host, cache = engine(answers), LayerCache(tmp_path / "cache")
    first = read("docker:app:1", docker_host=host, cache=cache)
    del answers[f"/images/{image.image_id}/get"]

    assert read("docker:app:1", docker_host=host, cache=cache) == first
    with pytest.raises(NotFound):
        read("docker:app:1", docker_host=host)


def test_what_an_engine_gave_under_another_images_name_is_not_kept(
    engine: Callable[[dict[str, Answer]], str], tmp_path: Path
) -> None:
    given, named = (Image([layer(node_package(name, "1"))]) for name in ("given", "named"))
    inspected = INSPECT.replace(b"sha256:abc", named.image_id.encode())
    place, cache = f"/images/{named.image_id}/get", LayerCache(tmp_path / "cache")
    answers = {"/images/app:1/json": (200, inspected)}
    host = engine(answers)
    for image in (given, named):
        answers[place] = (200, image.docker_archive(tmp_path / "a.tar").read_bytes())
        found = read("docker:app:1", docker_host=host, cache=cache)

    assert [package.name for package in found.packages] == ["named"]


def test_a_linked_database_is_read_again_however_often(
    engine: Callable[[dict[str, Answer]], str], tmp_path: Path
) -> None:
    members = (symlink("var/lib/dpkg", "/opt/dpkg"), file("opt/dpkg/status", dpkg_entry("a", "1")))
    archive = Image([layer(*members)]).docker_archive(tmp_path / "a.tar").read_bytes()
    host = engine({"/images/app:1/json": (200, INSPECT), "/images/sha256:abc/get": (200, archive)})
    cache = LayerCache(tmp_path / "cache")

    for _ in range(2):
        found = read("docker:app:1", docker_host=host, cache=cache)
        assert [package.name for package in found.packages] == ["a"]


def test_an_image_that_is_not_there_is_named(engine: Callable[[dict[str, Answer]], str]) -> None:
    with pytest.raises(NotFound, match="has no image 'absent'"):
        read("docker:absent", docker_host=engine({}))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((400, b"invalid reference format"), Invalid),
        ((500, b"broken"), Unavailable),
        ((200, b"no json"), Invalid),
        ((200, b"[]"), Invalid),
    ],
)
def test_every_other_answer_is_one_error(
    engine: Callable[[dict[str, Answer]], str], answer: Answer, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        read("docker:app", docker_host=engine({"/images/app/json": answer}))


def test_a_name_cannot_leave_its_place_in_the_question(engine: Callable[[dict[str, Answer]], str]) -> None:
    host = engine({"/images/json": (200, b"[]"), "/images/a%3Fb%20c%0D%0A/json": (200, INSPECT)})

    assert Engine(host).inspect("a?b c\r\n").id == "sha256:abc"


def test_an_engine_that_stops_in_the_middle_is_told(engine: Callable[[dict[str, Answer]], str], tmp_path: Path) -> None:
    archive = Image([layer(node_package("a", "1.0.0"))]).docker_archive(tmp_path / "a.tar").read_bytes()[:1500]
    host = engine({"/images/app/json": (200, INSPECT), "/images/sha256:abc/get": (200, archive)})

    with pytest.raises(Invalid, match="cut off"):
        read("docker:app", docker_host=host)


def test_no_engine_is_said_so(tmp_path: Path) -> None:
    host = f"unix://{tmp_path}/nothing.sock"

    with pytest.raises(Unavailable, match="no Docker engine answers at unix://"):
        read("docker:app", docker_host=host)


@pytest.mark.parametrize(
    "host",
    ["ssh://host", "unix://", "nonsense", "npipe:////./pipe/docker_engine", "tcp://h:99999", "tcp://h:x", "tcp://[::1"],
)
def test_a_host_that_cannot_be_asked_is_refused(host: str) -> None:
    with pytest.raises(Invalid, match="neither unix:///PATH nor tcp://HOST:PORT"):
        read("docker:app", docker_host=host)


CONTAINER = b'{"Id": "0123456789abcdef", "Image": "sha256:abc", "Name": "/web"}'


def test_a_container_is_read_as_it_stands(engine: Callable[[dict[str, Answer]], str]) -> None:
    exported = layer(
        file("etc/os-release", "ID=alpine\nVERSION_ID=3.18.4\n"),
        apk_installed(("musl", "1.2.4-r1", "musl")),
        node_package("a", "1.0.0"),
    )
    host = engine({"/containers/web/json": (200, CONTAINER), "/containers/0123456789abcdef/export": (200, exported)})

    found = read("container:web", docker_host=host)

    assert [package.name for package in found.packages] == ["musl", "a"]
    assert (found.target.kind, found.target.image_id, found.target.tags) == ("container", "sha256:abc", ("web",))
    assert found.os is not None
    assert found.os.id == "alpine"
    assert found.complete


@pytest.mark.parametrize(
    ("image", "platform"),
    [
        (b'{"Id": "sha256:abc", "Os": "linux", "Architecture": "arm64", "Variant": "v8"}', "linux/arm64/v8"),
        (b'{"Id": "sha256:abc", "Os": "linux", "Architecture": "amd64", "Variant": ""}', "linux/amd64"),
        (b'{"Id": "sha256:abc"}', "linux"),
        (b"[]", "linux"),
        (None, "linux"),
    ],
)
def test_a_container_is_of_the_platform_of_its_image(
    engine: Callable[[dict[str, Answer]], str], image: bytes | None, platform: str
) -> None:
    answers: dict[str, Answer] = {
        "/containers/web/json": (200, CONTAINER),
        "/containers/0123456789abcdef/export": (200, layer(node_package("a", "1.0.0"))),
    }
    found = read(
        "container:web",
        docker_host=engine(answers if image is None else {**answers, "/images/sha256:abc/json": (200, image)}),
    )

    assert (found.target.platform, found.target.image_id) == (platform, "sha256:abc")
    assert found.complete


@pytest.mark.parametrize(("user", "is_root"), [("1000", False), ("", True)])
def test_a_container_is_judged_by_how_it_is_run(
    engine: Callable[[dict[str, Answer]], str], user: str, is_root: bool
) -> None:
    inspected = CONTAINER.replace(b'"Name"', b'"Config": {"User": "%s"}, "Name"' % user.encode())
    exported = layer(node_package("a", "1.0.0"))
    host = engine({"/containers/web/json": (200, inspected), "/containers/0123456789abcdef/export": (200, exported)})

    found = read("container:web", docker_host=host, scanners=frozenset({"config"}))

    assert any("root" in one.message for one in found.config) == is_root


@pytest.mark.parametrize(
    ("mounted", "incomplete"),
    [
        ("/data", False),
        ("/var/lib/mysql", False),
        ("/var/log", False),
        ("/lib/modules", False),
        ("/usr/share/nginx/html", False),
        ("/var/lib/dpkg/", True),
        ("/var/lib", True),
        ("/etc/os-release", True),
        ("/usr", True),
        ("/nix/store/a", True),
        ("/data/node_modules", True),
        ("/usr/lib/python3/dist-packages/a", True),
    ],
)
@pytest.mark.parametrize("form", ['"Mounts": [{"Destination": "%s"}]', '"HostConfig": {"Tmpfs": {"%s": "size=1m"}}'])
def test_what_a_container_has_mounted_is_told(
    engine: Callable[[dict[str, Answer]], str], form: str, mounted: str, incomplete: bool
) -> None:
    inspected = CONTAINER.replace(b'"Name"', f'{form % mounted}, "Name"'.encode())
    host = engine(
        {"/containers/web/json": (200, inspected), "/containers/0123456789abcdef/export": (200, layer(file("a", "")))}
    )

    found = read("container:web", docker_host=host)

    (told,) = (one for one in found.unknowns if "mounts of the container" in one.what)
    assert told.what == f"1 mounts of the container: {mounted.rstrip('/')}"
    assert (told.incomplete, found.complete) == (incomplete, not incomplete)


def test_many_mounts_are_counted_and_the_first_named() -> None:
    (told,) = unread(f"/data/{number:02}" for number in range(12))

    named = ", ".join(f"/data/{number:02}" for number in range(10))
    assert told.what == f"12 mounts of the container: {named}, …"


def test_no_platform_can_be_chosen_of_a_container(engine: Callable[[dict[str, Answer]], str]) -> None:
    host = engine(
        {"/containers/web/json": (200, CONTAINER), "/containers/0123456789abcdef/export": (200, layer(file("a", "")))}
    )

    assert "platform" in [one.what for one in read("container:web", docker_host=host, platform="linux/arm64").unknowns]
    assert "platform" not in [one.what for one in read("container:web", docker_host=host).unknowns]


def test_a_link_out_of_the_way_in_a_container_is_followed(engine: Callable[[dict[str, Answer]], str]) -> None:
    exported = layer(symlink("etc/os-release", "../opt/system"), file("opt/system", "ID=alpine\nVERSION_ID=3.18.4\n"))
    host = engine({"/containers/web/json": (200, CONTAINER), "/containers/0123456789abcdef/export": (200, exported)})

    found = read("container:web", docker_host=host)

    assert found.os is not None


def test_a_container_that_is_not_there(engine: Callable[[dict[str, Answer]], str]) -> None:
    host = engine({})

    for name in ("web", "../images/app"):
        with pytest.raises(NotFound, match="has no container"):
            read(f"container:{name}", docker_host=host)


def test_a_container_has_no_whiteouts(engine: Callable[[dict[str, Answer]], str], tmp_path: Path) -> None:
    roots = {"a": "srv/.wh.app", "b": ".wh..wh.x", "c": "srv/app"}
    exported = layer(*(node_package(name, "1", root) for name, root in roots.items()))
    host = engine({"/containers/web/json": (200, CONTAINER), "/containers/0123456789abcdef/export": (200, exported)})

    found = read("container:web", docker_host=host, cache=LayerCache(tmp_path / "cache"))

    assert sorted(package.name for package in found.packages) == ["a", "b", "c"]


@pytest.mark.parametrize("left", [0, 1536])
def test_an_export_without_its_end_is_cut_off(engine: Callable[[dict[str, Answer]], str], left: int) -> None:
    exported = layer(node_package("a", "1.0.0"))[:left]
    host = engine({"/containers/web/json": (200, CONTAINER), "/containers/0123456789abcdef/export": (200, exported)})

    with pytest.raises(Invalid, match="cut off"):
        read("container:web", docker_host=host)


def test_an_answer_that_ends_early_is_the_engines_fault(engine: Callable[[dict[str, Answer]], str]) -> None:
    with pytest.raises(Unavailable):
        read("docker:app", docker_host=engine({"/images/app/json": (299, INSPECT)}))


def test_an_export_that_is_cut_off(engine: Callable[[dict[str, Answer]], str]) -> None:
    exported = layer(node_package("a", "1.0.0"))
    host = engine({"/containers/web/json": (200, CONTAINER), "/containers/0123456789abcdef/export": (299, exported)})

    with pytest.raises(Unavailable):
        read("container:web", docker_host=host)


def test_podman_answers_as_docker_does(
    engine: Callable[[dict[str, Answer]], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Image([layer(node_package("a", "1.0.0"))]).docker_archive(tmp_path / "a.tar").read_bytes()
    inspect = b'{"Id": "abc", "RepoTags": ["localhost/app:1"], "RootFS": {"Layers": []}}'
    host = engine({"/images/app:1/json": (200, inspect), "/images/abc/get": (200, archive)})
    monkeypatch.setenv("CONTAINER_HOST", host)

    found = read("podman:app:1", cache=LayerCache(tmp_path / "cache"))

    assert [package.name for package in found.packages] == ["a"]
    assert (found.target.kind, found.target.tags) == ("podman", ("localhost/app:1",))
    with pytest.raises(NotFound, match="the Podman service at"):
        read("podman:other")


@pytest.mark.parametrize("cached", [True, False])
def test_what_podman_cannot_give_as_docker_does_is_asked_for_in_its_own_form(
    engine: Callable[[dict[str, Answer]], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, cached: bool
) -> None:
    image = Image([layer(node_package("a", "1.0.0"))], compression="zstd")
    inspect = f'{{"Id": "{image.image_id[7:]}", "RepoTags": ["localhost/app:1"], "RootFS": {{"Layers": []}}}}'.encode()
    refused = b'{"message": "zstd compression is not supported for docker images"}'
    answers = {
        "/images/app:1/json": (200, inspect),
        f"/images/{image.image_id[7:]}/get": (500, refused),
        f"/v4.0.0/libpod/images/{image.image_id[7:]}/get?format=oci-archive": (
            200,
            image.oci_archive(tmp_path / "a.tar").read_bytes(),
        ),
    }
    host = engine(answers)
    monkeypatch.setenv("CONTAINER_HOST", host)

    found = read("podman:app:1", cache=LayerCache(tmp_path / "cache") if cached else None)

    assert [package.name for package in found.packages] == ["a"]
    assert (found.target.image_id, found.target.digest) == (image.image_id, None)
    assert (found.target.tags, found.complete) == (("localhost/app:1",), True)
    with pytest.raises(Unavailable, match="refused: 500 zstd"):
        read("docker:app:1", docker_host=host)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((301, b""), "a part of it is empty, or dots alone"),
        ((500, b'{"message": "normalizing image: repository name must be lowercase"}'), "must be lowercase"),
        (
            (500, b'{"message": "normalizing name for compat API: invalid reference format"}'),
            "invalid reference format",
        ),
    ],
)
def test_what_podman_says_of_a_name_is_the_names_fault(
    engine: Callable[[dict[str, Answer]], str], monkeypatch: pytest.MonkeyPatch, answer: Answer, why: str
) -> None:
    monkeypatch.setenv("CONTAINER_HOST", engine({"/images/A/json": answer}))

    with pytest.raises(Invalid, match=f"'A' is no image name: .*{why}"):
        read("podman:A")


def test_the_socket_of_podman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONTAINER_HOST", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert podman_host() == "unix:///run/podman/podman.sock"

    (tmp_path / "podman").mkdir()
    (tmp_path / "podman" / "podman.sock").touch()
    assert podman_host() == f"unix://{tmp_path}/podman/podman.sock"

    monkeypatch.setenv("CONTAINER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(Unavailable, match="no Podman service answers at tcp://"):
        read("podman:app")
    monkeypatch.setenv("CONTAINER_HOST", "ssh://elsewhere")
    with pytest.raises(Invalid, match="'ssh://elsewhere' of the Podman service is neither unix:///PATH nor tcp://"):
        read("podman:app")
