"""The specifications are shortened from those that Docker 20.10, containerd 1.6, podman 4.3 and CRI-O 1.29 write."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hullguard.agent.sensor import specs
from hullguard.model.event import Mount, Pod

ID, SANDBOX = "ab" * 32, "cd" * 32
NAMESPACES = [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount")]
DENIED = {"allow": False, "access": "rwm"}
TASKS = "run/containerd/io.containerd.runtime.v2.task"


@pytest.fixture(autouse=True)
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "proc"
    made.mkdir()
    monkeypatch.setattr(specs, "PROC", made)
    return made


def write(bundle: Path, **spec) -> Path:
    bundle.mkdir(parents=True, exist_ok=True)
    (bundle / "config.json").write_text(json.dumps(spec))
    return bundle


def process(proc: Path, pid: int, *words: str, cwd: Path = Path("/"), comm: str = "x") -> None:
    (proc / str(pid)).mkdir()
    (proc / str(pid) / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in words))
    (proc / str(pid) / "comm").write_text(f"{comm}\n")
    (proc / str(pid) / "cwd").symlink_to(cwd)


def described(tmp_path: Path, kind: str = "moby", **spec):
    write(tmp_path / TASKS / kind / ID, **spec)
    found = specs.describe(ID, (), [str(tmp_path / TASKS / "*")])
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "engine"),
    [
        (f"docker-{ID}.scope", "docker"),
        (f"libpod-{ID}", "podman"),
        (f"crio-{ID}.scope", "cri-o"),
        (f"cri-containerd-{ID}.scope", "containerd"),
        (ID, ""),
        (f"evil-docker-{ID}x", ""),
    ],
)
def test_some_cgroups_give_their_engine_away(name, engine):
    assert specs.engine_of(name) == engine


def test_a_shim_works_in_the_bundle(tmp_path: Path, proc: Path):
    bundle = write(tmp_path / TASKS / "moby" / ID)
    process(proc, 7, "/usr/bin/containerd-shim-runc-v2", "-namespace", "moby", cwd=bundle)

    found = specs.describe(ID, (7,), ())
    assert found is not None
    assert (found.bundle, found.details.engine) == (bundle, "docker")


def test_a_pods_shim_works_in_the_bundle_of_its_first_container(tmp_path: Path, proc: Path):
    write(tmp_path / TASKS / "k8s.io" / ID)
    process(proc, 7, "/usr/bin/containerd-shim-runc-v2", cwd=write(tmp_path / TASKS / "k8s.io" / SANDBOX))

    found = specs.describe(ID, (7,), ())
    assert found is not None
    assert (found.bundle.name, found.details.engine) == (ID, "containerd")


def test_conmon_is_told_the_bundle(tmp_path: Path, proc: Path):
    bundle = write(tmp_path / "overlay-containers" / ID / "userdata", annotations={"io.container.manager": "libpod"})
    process(proc, 7, "/usr/bin/conmon", "-c", ID, "-b", str(bundle), "-n", "web")

    found = specs.describe(ID, (7,), ())
    assert found is not None
    assert (found.bundle, found.details.engine) == (bundle, "podman")


def test_where_the_runtime_is_gone_its_keeper_is_looked_for(tmp_path: Path, proc: Path):
    bundle = write(tmp_path / TASKS / "moby" / ID)
    process(proc, 7, "/usr/bin/containerd-shim-runc-v2", cwd=bundle, comm="containerd-shim")
    process(proc, 8, "/bin/sh", cwd=bundle)

    assert specs.describe(ID, (9,), ()) is not None
    assert specs.describe(SANDBOX, (9,), ()) is None


def test_the_usual_places_of_podman_and_cri_o(tmp_path: Path):
    write(tmp_path / "overlay-containers" / ID / "userdata")

    assert specs.describe(ID, (), [str(tmp_path / "overlay-containers")]) is not None


def test_an_unprivileged_container(tmp_path: Path):
    details = described(
        tmp_path,
        linux={"namespaces": NAMESPACES, "maskedPaths": ["/proc/kcore"], "resources": {"devices": [DENIED]}},
    ).details

    assert (details.privileged, details.host_pid, details.host_network, details.host_ipc) == (False,) * 4
    assert details.mounts == ()


def test_a_step_of_a_build_is_known_by_what_docker_keeps_beside_its_mounts(tmp_path: Path):
    kept = tmp_path / "docker" / "containers" / ID
    kept.mkdir(parents=True)
    digest = f"sha256:{'e' * 64}"
    (kept / "hostconfig.json").write_text(json.dumps({"LogConfig": {"Type": "none"}}))
    config = {"Image": digest, "Healthcheck": {"Test": ["NONE"]}}
    (kept / "config.v2.json").write_text(json.dumps({"ID": ID, "Config": config}))
    own = {"destination": "/etc/hostname", "type": "bind", "source": str(kept / "hostname"), "options": ["rbind"]}

    assert described(tmp_path, mounts=[own]).details.builds_image is True
    assert described(tmp_path, mounts=[]).details.builds_image is None


@pytest.mark.parametrize(
    ("linux", "notes", "privileged"),
    [
        ({"resources": {"devices": [{"allow": True, "access": "rwm"}]}}, {}, True),
        (
            {"resources": {"devices": [{"allow": True, "type": "a", "major": -1, "minor": -1, "access": "rwm"}]}},
            {},
            True,
        ),
        (
            {"resources": {"devices": [{"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rwm"}]}},
            {},
            False,
        ),
        ({"resources": {"devices": [{"allow": True}]}, "maskedPaths": ["/proc/kcore"]}, {}, False),
        ({"resources": {"devices": None}}, {}, False),
        ({}, {"io.podman.annotations.privileged": "TRUE"}, True),
    ],
)
def test_what_privileged_means(tmp_path: Path, linux, notes, privileged):
    assert described(tmp_path, linux=linux, annotations=notes).details.privileged is privileged


def test_namespaces_by_path_are_the_hosts_if_they_are_its(tmp_path: Path, proc: Path):
    (proc / "1" / "ns").mkdir(parents=True)
    for name in ("pid", "net"):
        (proc / "1" / "ns" / name).touch()
    os.link(proc / "1" / "ns" / "net", tmp_path / "bound")
    (tmp_path / "pods").touch()
    given = [{"type": "pid", "path": str(tmp_path / "pods")}, {"type": "network", "path": str(tmp_path / "bound")}]
    details = described(tmp_path, linux={"namespaces": given}).details

    assert (details.host_pid, details.host_network, details.host_ipc) == (False, True, True)


def test_a_namespace_that_cannot_be_looked_at_is_not_known(tmp_path: Path, proc: Path):
    (tmp_path / "bound").touch()
    there, gone = str(tmp_path / "bound"), str(tmp_path / "gone")
    given = [{"type": "network", "path": there}, {"type": "pid", "path": gone}, {"type": "ipc"}]
    details = described(tmp_path, linux={"namespaces": given}).details

    assert not (proc / "1" / "ns").exists()
    assert (details.host_pid, details.host_network, details.host_ipc) == (None, None, False)


def test_mounts_are_those_that_somebody_gave(tmp_path: Path):
    details = described(
        tmp_path,
        mounts=[
            {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid"]},
            {"destination": "/etc/hosts", "type": "bind", "source": f"/var/lib/docker/containers/{ID}/hosts"},
            {"destination": "/h", "type": "bind", "source": "/", "options": ["rbind", "rslave"]},
            {"destination": "/d", "type": "none", "source": "/d", "options": ["bind", "ro", "rprivate"]},
        ],
    ).details

    assert details.mounts == (
        Mount("/", "/h", "", writable=True, propagation="rslave"),
        Mount("/d", "/d", "ro", writable=False, propagation="rprivate"),
    )


def test_a_pods_container_of_containerd(tmp_path: Path):
    found = described(
        tmp_path,
        "k8s.io",
        annotations={
            "io.kubernetes.cri.container-name": "web",
            "io.kubernetes.cri.container-type": "container",
            "io.kubernetes.cri.image-name": "registry.example/web:1",
            "io.kubernetes.cri.sandbox-id": SANDBOX,
            "io.kubernetes.cri.sandbox-name": "web-0",
            "io.kubernetes.cri.sandbox-namespace": "shop",
            "io.kubernetes.cri.sandbox-uid": "u",
        },
        mounts=[{"destination": "/etc/hostname", "type": "bind", "source": f"/x/sandboxes/{SANDBOX}/hostname"}],
    )

    assert (found.name, found.image, found.details.mounts) == ("web", "registry.example/web:1", ())
    assert found.details.pod == Pod("web-0", "shop", "u", SANDBOX)


def test_a_pods_container_of_cri_o(tmp_path: Path):
    found = described(
        tmp_path,
        "other",
        annotations={
            "io.container.manager": "cri-o",
            "io.kubernetes.container.name": "web",
            "io.kubernetes.pod.name": "web-0",
            "io.kubernetes.pod.namespace": "shop",
            "io.kubernetes.pod.uid": "u",
            "io.kubernetes.cri-o.SandboxID": SANDBOX,
            "io.kubernetes.cri-o.ImageName": "registry.example/web:1",
            "io.kubernetes.cri-o.IP.0": "10.0.0.7",
        },
    )

    assert (found.details.engine, found.name, found.image) == ("cri-o", "web", "registry.example/web:1")
    assert found.details.pod == Pod("web-0", "shop", "u", SANDBOX, "10.0.0.7")
    assert found.details.address == "10.0.0.7"


def test_when_it_was_written_is_when_it_started(tmp_path: Path):
    bundle = write(tmp_path / TASKS / "moby" / ID)
    os.utime(bundle / "config.json", (1_000_000_000, 1_000_000_000))
    found = specs.describe(ID, (), [str(tmp_path / TASKS / "*")])

    assert found is not None
    assert found.details.started == datetime.fromtimestamp(1_000_000_000, UTC)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"linux":{"namespaces":7}}',
        b'{"mounts":[{"options":"ro"}]}',
        b'{"x":"' + b"a" * (1 << 20) + b'"}',
    ],
    ids=["empty", "a list", "not utf-8", "deep", "a number", "a word", "large"],
)
def test_what_is_no_specification_says_nothing(tmp_path: Path, raw: bytes):
    bundle = write(tmp_path / TASKS / "moby" / ID)
    (bundle / "config.json").write_bytes(raw)

    assert specs.describe(ID, (), [str(tmp_path / TASKS / "*")]) is None


def test_of_endless_lists_a_part_is_kept(tmp_path: Path):
    many = [{"destination": "/d" * 400, "type": "bind", "source": "/s"}] * 1000
    details = described(tmp_path, mounts=many).details

    assert details.mounts is not None
    assert len(details.mounts) == 256
    assert {len(mount.destination) for mount in details.mounts} == {512}


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        (["PATH=/bin", "KUBERNETES_SERVICE_HOST=10.96.0.1"], "10.96.0.1"),
        (["KUBERNETES_SERVICE_HOST=fd00:0::1"], "fd00::1"),
        (["KUBERNETES_SERVICE_HOST=a.example"], None),
        (["KUBERNETES_SERVICE_PORT=443"], None),
        ([], None),
        (None, None),
    ],
)
def test_a_pod_is_told_where_its_api_server_is(tmp_path: Path, environment, address):
    assert described(tmp_path, process={"env": environment}).details.kubernetes == address
