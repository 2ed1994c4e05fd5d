"""What is made of the words of ``ctr``, honest and odd."""

import json
import platform
from pathlib import Path

import pytest

from hullguard.agent.runtime import containerd as containerd_module
from hullguard.agent.runtime import programs
from hullguard.agent.runtime.containerd import Containerd
from hullguard.inventory.source import containerd_socket
from hullguard.model.errors import LimitReached, Unavailable

HERE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
CONFIG, MANIFEST, INDEX, FOREIGN = (f"sha256:{digit * 64}" for digit in "1234")
HEAD = "REF TYPE DIGEST SIZE PLATFORMS LABELS\n"


def row(name: str, digest: str) -> str:
    return f"{name} application/vnd.oci.image.manifest.v1+json {digest} 1.2 MiB linux/amd64 a=b,c=d \n"


class Ctr:
    """A ``ctr`` that answers from files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "answers"
        self.directory.mkdir()
        self.program = directory / "bin" / "ctr"
        self.program.parent.mkdir()
        self.asked = directory / "asked"
        self.write(
            f'shift 4; echo "$*" >>{self.asked}; f="{self.directory}/$(echo "$*" | tr -c "a-zA-Z0-9\\n" _)"\n'
            'if [ -e "$f" ]; then exec cat "$f"; fi; echo "ctr: nothing of $*" >&2; exit 1'
        )
        self.says("version", "Client:\n  Version:  9.9\nServer:\n  Version:  1.6.20~ds1\n  Revision: x\n")

    def write(self, script: str) -> None:
        self.program.write_text(f"#!/bin/sh\n{script}\n")
        self.program.chmod(0o755)

    def says(self, words: str, answer: str) -> None:
        name = "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in words)
        (self.directory / name).write_text(answer)

    def has(self, namespace: str, *rows: str, tasks: str = "TASK PID STATUS\n") -> None:
        known = self.directory / "namespaces_list__q"
        before = known.read_text() if known.exists() else ""
        self.says("namespaces list -q", f"{before}{namespace}\n")
        self.says(f"-n {namespace} images list", HEAD + "".join(rows))
        self.says(f"-n {namespace} tasks list", tasks)

    def holds(self, namespace: str, digest: str, document: object) -> None:
        self.says(f"-n {namespace} content get {digest}", json.dumps(document))


@pytest.fixture
def ctr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ctr:
    made = Ctr(tmp_path)
    monkeypatch.setenv("PATH", f"{made.program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("CONTAINERD_ADDRESS", str(tmp_path / "s"))
    return made


def manifest(config: str = CONFIG) -> dict[str, object]:
    return {"schemaVersion": 2, "config": {"digest": config}, "layers": []}


async def test_an_image_is_its_configuration_under_all_its_names(ctr: Ctr) -> None:
    ctr.has(
        "k8s.io", row("docker.io/library/app:1", MANIFEST), row(CONFIG, MANIFEST), row("docker.io/library/app:2", INDEX)
    )
    ctr.holds("k8s.io", MANIFEST, manifest())
    other = {"digest": FOREIGN, "platform": {"os": "linux", "architecture": "sparc"}}
    mine = {"digest": MANIFEST, "platform": {"os": "linux", "architecture": HERE}}
    attestation = {"digest": FOREIGN}
    ctr.holds("k8s.io", INDEX, {"schemaVersion": 2, "manifests": [attestation, other, mine]})
    ctr.has("moby", row("docker.io/library/dockers:1", FOREIGN))
    engine = Containerd()
    found = await engine.stock()
    assert found.version == "containerd 1.6.20~ds1"
    assert found.images == {CONFIG: ("docker.io/library/app:1", "docker.io/library/app:2")}
    place = found.places[CONFIG]
    assert (place.target, place.variables["CONTAINERD_NAMESPACE"]) == ("containerd:docker.io/library/app:1", "k8s.io")
    assert (found.left_out, found.whole, found.containers) == (0, True, ())
    asked = ctr.asked.read_text().count("content get")
    assert await engine.stock() == found
    assert ctr.asked.read_text().count("content get") == asked, "what a digest stands for never changes"
    assert "moby" not in ctr.asked.read_text()


async def test_of_several_for_this_machine_it_is_the_one_that_is_read(ctr: Ctr) -> None:
    ctr.has("k8s.io", row("docker.io/library/app:1", INDEX))
    ctr.holds("k8s.io", MANIFEST, manifest())
    ctr.holds("k8s.io", FOREIGN, manifest(FOREIGN))
    here = {"os": "linux", "architecture": HERE}
    newer, meant = {"digest": FOREIGN, "platform": {**here, "variant": "v9"}}, {"digest": MANIFEST, "platform": here}
    ctr.holds("k8s.io", INDEX, {"schemaVersion": 2, "manifests": [newer, meant]})
    assert (await Containerd().stock()).images == {CONFIG: ("docker.io/library/app:1",)}


async def test_an_image_without_any_name_but_its_id_can_be_read(ctr: Ctr) -> None:
    ctr.has("k8s.io", row(CONFIG, MANIFEST))
    ctr.holds("k8s.io", MANIFEST, manifest())
    found = await Containerd().stock()
    assert (found.images, found.places[CONFIG].target) == ({CONFIG: ()}, f"containerd:{CONFIG}")


@pytest.mark.parametrize(
    "document",
    [
        "not JSON",
        "[]",
        "[" * 100_000,
        '{"config": {"digest": "sha256:../../etc"}}',
        '{"config": 7}',
        '{"manifests": [{"digest": "x"}]}',
        json.dumps({"manifests": [{"digest": FOREIGN, "platform": {"os": "linux", "architecture": "sparc"}}]}),
        json.dumps({"manifests": [{"digest": INDEX}]}),  # itself
        None,
    ],
)
async def test_what_is_no_image_of_this_machine_is_counted(ctr: Ctr, document: str | None) -> None:
    ctr.has("default", row("app:1", INDEX), row("good:1", MANIFEST))
    ctr.holds("default", MANIFEST, manifest())
    if document is not None:
        ctr.says(f"-n default content get {INDEX}", document)
    found = await Containerd().stock()
    assert (set(found.images), found.left_out) == ({CONFIG}, 1)


async def test_lines_that_are_no_images_are_counted(ctr: Ctr) -> None:
    odd = (
        "x\n",
        "-rf application/x sha256:" + "1" * 64 + " 1 B - -\n",
        row("a" * 600, MANIFEST),
        row("app:1", "sha256:12"),
    )
    ctr.has("default", *odd, row("app:1", MANIFEST))
    ctr.holds("default", MANIFEST, manifest())
    found = await Containerd().stock()
    assert (found.images, found.left_out) == ({CONFIG: ("app:1",)}, 4)


async def test_what_there_was_no_time_for_comes_the_next_time(ctr: Ctr, monkeypatch: pytest.MonkeyPatch) -> None:
    ctr.has("default", row("app:1", MANIFEST))
    ctr.holds("default", MANIFEST, manifest())
    monkeypatch.setattr(containerd_module, "BUDGET_SECONDS", -1.0)
    engine = Containerd()
    found = await engine.stock()
    assert (found.images, found.whole, found.left_out) == ({}, False, 0)
    monkeypatch.setattr(containerd_module, "BUDGET_SECONDS", 20.0)
    assert set((await engine.stock()).images) == {CONFIG}


async def test_what_was_not_pulled_is_asked_for_again_later(ctr: Ctr, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containerd_module, "_LOOKS_AGAIN", 3)
    ctr.has("default", row("app:1", MANIFEST))
    engine = Containerd()
    assert (await engine.stock()).left_out == 1
    ctr.holds("default", MANIFEST, manifest())
    assert (await engine.stock()).left_out == 1
    assert set((await engine.stock()).images) == {CONFIG}


async def test_containers_are_those_that_run_by_their_labels_and_specification(ctr: Ctr) -> None:
    tasks = f"TASK PID STATUS\n{'a' * 64}    17    RUNNING\nb1 18 PAUSED\nc1 0 STOPPED\nd1 19 RUNNING\ne1 20 RUNNING\n; 1 RUNNING\n"
    ctr.has("k8s.io", row("app:1", MANIFEST), tasks=tasks)
    ctr.holds("k8s.io", MANIFEST, manifest())
    labels = {"io.kubernetes.container.name": "web", "io.kubernetes.pod.name": "shop-1"}
    spec = {"linux": {"namespaces": [{"type": "pid"}]}}
    info = {"ID": "a" * 64, "Image": "app:1", "Labels": labels, "CreatedAt": "2026-11-29T05:30:40.02Z", "Spec": spec}
    ctr.says(f"-n k8s.io containers info {'a' * 64}", json.dumps(info))
    ctr.says("-n k8s.io containers info b1", json.dumps({"Image": CONFIG}))
    ctr.says("-n k8s.io containers info d1", json.dumps({"Image": "gone:1"}))
    found = (await Containerd().stock()).containers
    assert [(each.id, each.name, each.state, each.image.id, each.host_network) for each in found] == [
        ("a" * 64, "web", "running", CONFIG, True),
        ("b1", "b1", "paused", CONFIG, False),
    ]
    assert {each.engine for each in found} == {"containerd"}


async def test_namespaces_are_bounded(ctr: Ctr, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containerd_module, "_MOST_NAMESPACES", 2)
    for name in ("a", "b", "c"):
        ctr.has(name)
    assert (await Containerd().stock()).left_out == 1


class TestPrograms:
    async def test_an_engine_that_drips_is_given_up_and_ended(self, ctr: Ctr, tmp_path: Path) -> None:
        ctr.write(f"echo $$ >{tmp_path}/pid; while :; do echo x; sleep 0.01; done")
        with pytest.raises(Unavailable, match="did not answer within"):
            await programs.said(str(ctr.program), seconds=0.5)
        assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()

    async def test_one_that_never_ends_its_answer_is_given_up(self, ctr: Ctr) -> None:
        ctr.write("exec cat /dev/zero")
        with pytest.raises(LimitReached, match="over 1000 bytes"):
            await programs.said(str(ctr.program), most=1000)

    async def test_its_own_words_say_why_and_too_many_of_them_keep_nobody_waiting(self, ctr: Ctr) -> None:
        ctr.write("echo permission denied >&2; head -c 1000000 /dev/zero >&2; exit 3")
        with pytest.raises(Unavailable, match="refused: permission denied"):
            await programs.said(str(ctr.program))

    async def test_one_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(Unavailable, match="cannot be started: No such file"):
            await programs.said(str(tmp_path / "none"))


async def test_a_socket_without_the_command_is_told(ctr: Ctr, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(Unavailable, match="its command ctr is not installed"):
        await Containerd().stock()


def test_it_is_here_where_a_socket_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONTAINERD_ADDRESS", raising=False)
    monkeypatch.setattr(containerd_socket, "SOCKETS", (str(tmp_path / "s"), str(tmp_path / "k3s")))
    assert not Containerd().here()
    (tmp_path / "k3s").touch()
    assert Containerd().here()
