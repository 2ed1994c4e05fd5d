"""Passwords in manifests of Kubernetes, in Ansible's files and in the sources of packages."""

import base64
import json

import pytest
from tests.support.specimens import WORD, rules_found

CODED = base64.b64encode(WORD.encode()).decode()


def secret(key: str, value: str, data: str = "data") -> str:
    return (
        f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\ntype: Opaque\n{data}:\n  user: YXBw\n  {key}: {value}\n"
    )


@pytest.mark.parametrize(
    "content",
    [
        secret("password", CODED),
        secret("DB_PASS", f'"{WORD}"', "stringData"),
        secret("tls.key", CODED),
        secret(".dockerconfigjson", CODED),
        "kind: ConfigMap\ndata:\n  a: b\n---\n" + secret("api-token", CODED),
    ],
)
def test_a_secret_of_kubernetes(content: str) -> None:
    assert rules_found("srv/deploy/app.yaml", content) == ["kubernetes-secret"]


def test_a_secret_as_a_cluster_prints_it() -> None:
    content = f"apiVersion: v1\ndata:\n  password: {CODED}\nkind: Secret\nmetadata:\n  name: app\n"

    assert rules_found("srv/backup.yml", content) == ["kubernetes-secret-exported"]


def in_json(key: str, value: str, *, kind: str = "Secret", data: str = "data") -> dict[str, object]:
    metadata = {"name": "app", "annotations": {"note": 'a "{" in it'}, "labels": {}}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, data: {"user": "YXBw", key: value}}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    ("key", "value", "data"),
    [("password", CODED, "data"), ("DB_PASS", WORD, "stringData"), ("tls.key", CODED, "data")],
)
def test_a_secret_of_kubernetes_in_json(key: str, value: str, data: str, indent: int | None) -> None:
    manifest = in_json(key, value, data=data)
    exported = dict(sorted(manifest.items(), key=lambda pair: pair[0] == "kind"))

    assert rules_found("srv/app.json", json.dumps(manifest, indent=indent)) == ["kubernetes-secret-json"]
    assert rules_found("srv/app.json", json.dumps(exported, indent=indent)) == ["kubernetes-secret-json-exported"]
    listed = {"kind": "List", "items": [in_json("a", "b", kind="ConfigMap"), exported]}
    assert rules_found("srv/app.json", json.dumps(listed, indent=indent)) == ["kubernetes-secret-json-exported"]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(in_json("password", CODED, kind="ConfigMap")),
        json.dumps(in_json("password", CODED, kind="SealedSecret")),
        json.dumps(in_json("password", "Y2hhbmdlbWU=")),
        json.dumps(in_json("password", "${DB_PASSWORD}", data="stringData")),
        json.dumps([{"kind": "Secret", "metadata": {}}, {"kind": "ConfigMap", "data": {"password": CODED}}]),
        json.dumps([{"data": {"password": CODED}, "kind": "ConfigMap"}, {"kind": "Secret", "metadata": {}}]),
        json.dumps({"valueFrom": {"secretKeyRef": {"kind": "Secret", "key": "password1"}}, "data": {"a": "text"}}),
        json.dumps({"kind": "Secret"})[:-1] + ', "x": ' + "{" * 5000 + '"data": {"password": "' + CODED,
    ],
)
def test_what_is_no_secret_of_kubernetes_in_json(content: str) -> None:
    assert rules_found("srv/app.json", content) == []


@pytest.mark.parametrize(
    "content",
    [
        secret("password", "{{ .Values.password | b64enc }}"),
        secret("password", "${DB_PASSWORD}", "stringData"),
        secret("password", "ENC[AES256_GCM,data:kq7Lw2Xv5Rb8,iv:Nc3M=,tag:z6Hf==,type:str]"),
        secret("password", "Y2hhbmdlbWU="),
        secret("password", '""'),
        secret("# password", CODED),
        secret("password", CODED).replace("kind: Secret", "kind: ConfigMap"),
        secret("password", CODED, "encryptedData").replace("kind: Secret", "kind: SealedSecret"),
        "kind: Secret\nmetadata:\n  name: app\n---\nkind: ConfigMap\ndata:\n  key: some-text\n",
        "kind: ExternalSecret\nspec:\n  data:\n    - secretKey: password\n      remoteRef: {key: app1}\n",
        "- secretRef:\n    kind: Secret\n    name: app1\n    key: password1\n",
    ],
)
def test_a_manifest_without_a_secret_of_its_own(content: str) -> None:
    assert rules_found("srv/deploy/app.yaml", content) == []


def test_a_long_manifest_is_read_in_a_time_that_grows_with_its_length() -> None:
    """With two ways to read an indented line the search would not end."""
    content = "kind: Secret\ndata:\n" + ("            a: " + "b" * 40 + "\n") * 20_000

    assert rules_found("srv/deploy/app.yaml", content) == []


@pytest.mark.parametrize(
    ("path", "content", "rule"),
    [
        ("app/ansible.yml", f"ansible_become_password: {WORD}\n", "ansible-password"),
        ("app/site.yaml", f"- hosts: a\n  vars:\n    ansible_password: '{WORD}'\n", "ansible-password"),
        ("etc/yum.repos.d/a.repo", f"[a]\nusername=a\npassword={WORD}\n", "package-source-password"),
        ("etc/dnf/dnf.conf", f"[main]\nproxy_password = {WORD}\n", "package-source-password"),
        ("etc/zypp/credentials.d/a", f"username=a\npassword={WORD}\n", "package-source-password"),
    ],
)
def test_a_password_for_machines(path: str, content: str, rule: str) -> None:
    assert rules_found(path, content) == [rule]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("app/site.yml", "ansible_password: '{{ vault_password }}'\n# ansible_password: x1y2z3w4\n"),
        ("app/site.yml", "ansible_become_password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3639376266\n"),
        ("etc/yum.repos.d/a.repo", "[a]\ngpgkey=file:///etc/pki/a1\n#password=x1y2z3w4\npassword=\n"),
        ("etc/dnf/dnf.conf", "[main]\ngpgcheck=1\ninstallonly_limit=3\n"),
    ],
)
def test_no_password_for_machines(path: str, content: str) -> None:
    assert rules_found(path, content) == []
