from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.images import Image, file, layer
from tests.support.specimens import secret_of, specimen

from hullguard.inventory import Limits, bounds, read
from hullguard.inventory.content.image_config import check
from hullguard.inventory.content.secrets.rules.catalog import RULES
from hullguard.inventory.source.documents import ImageConfig
from hullguard.inventory.source.engine_json import decode
from hullguard.model.content import Misconfiguration
from hullguard.model.package import Unknown
from hullguard.model.severity import Severity

NPM = next(rule for rule in RULES if rule.id == "npm-token")
TOKEN = specimen(NPM).decode()
CLEAN = " && rm -r /var/lib/apt/lists/*"
GOOD = {"User": "app", "Healthcheck": {"Test": ["CMD", "true"]}}


def judged(
    config: object = GOOD, history: list[object] | None = None, layers: int | None = None
) -> tuple[list[Misconfiguration], list[str]]:
    """What is found, and what could not be judged."""
    steps = [{"created_by": step} if isinstance(step, str) else step for step in history or []]
    made = sum(not step.get("empty_layer") for step in steps if isinstance(step, dict))
    rootfs = {"diff_ids": [f"sha256:{number}" for number in range(made if layers is None else layers)]}
    document = msgspec.json.encode({"config": config, "history": steps, "rootfs": rootfs})
    found = list(check(decode(document, ImageConfig, "it")))
    unknowns = [one for one in found if isinstance(one, Unknown)]
    assert {unknown.what for unknown in unknowns} <= {"image configuration"}
    return [one for one in found if isinstance(one, Misconfiguration)], [unknown.why for unknown in unknowns]


def findings(
    config: object = GOOD, history: list[object] | None = None, layers: int | None = None
) -> list[Misconfiguration]:
    return judged(config, history, layers)[0]


def ids(config: object = GOOD, history: list[object] | None = None) -> list[str]:
    return [found.id for found in findings(config, history)]


def test_a_careful_image_passes() -> None:
    assert (
        ids(
            GOOD,
            [
                "/bin/sh -c #(nop) ADD file:4eed in / ",
                f"RUN apt-get update && apt-get install -y curl{CLEAN}",
                "COPY a b",
            ],
        )
        == []
    )


@pytest.mark.parametrize("user", [None, "", "root", "0", "0:0", "root:app", " root ", "000", "+0", "-0:5"])
def test_root_is_root_under_every_name(user: str | None) -> None:
    assert ids({**GOOD, "User": user}) == ["CIS-DI-0001"]


@pytest.mark.parametrize("user", ["app", "1000", "1000:0", "nobody"])
def test_another_user_is_not(user: str) -> None:
    assert ids({**GOOD, "User": user}) == []


@pytest.mark.parametrize("health", [None, {}, {"Test": []}, {"Test": ["NONE"]}])
def test_a_missing_health_check_is_low(health: object) -> None:
    (found,) = findings({**GOOD, "Healthcheck": health})

    assert (found.id, found.severity) == ("CIS-DI-0006", Severity.LOW)


def test_the_port_of_ssh() -> None:
    for port in ("22/tcp", "022", "20-25/tcp", "22-22"):
        assert ids({**GOOD, "ExposedPorts": {port: {}, "80/tcp": {}}}) == ["HG-DI-0003"]
    assert ids({**GOOD, "ExposedPorts": {"2222/tcp": {}, "22000": {}, "23-80": {}, "x": {}}}) == []


def test_an_ssh_server_as_the_command() -> None:
    assert ids({**GOOD, "Entrypoint": ["/usr/sbin/sshd", "-D"]}) == ["HG-DI-0002"]


def test_a_system_directory_as_a_volume() -> None:
    assert ids({**GOOD, "Volumes": {"/etc/": {}, "/data": {}, "/var/run/docker.sock": {}}}) == ["HG-DI-0004"] * 2


@pytest.mark.parametrize(
    ("step", "id_"),
    [
        ("RUN /bin/sh -c apt-get update # buildkit", "CIS-DI-0007"),
        ("/bin/sh -c apt-get -qq update", "CIS-DI-0007"),
        ("RUN /bin/sh -c apk update", "CIS-DI-0007"),
        ("/bin/sh -c #(nop) ADD file:abc in /app ", "CIS-DI-0009"),
        ("ADD app.tar.gz /app # buildkit", "CIS-DI-0009"),
        (f"RUN apt-get update && apt-get install -y curl sudo vim{CLEAN}", "HG-DI-0001"),
        ("RUN apk add --no-cache openssh", "HG-DI-0002"),
        ("RUN curl -fsSL https://get.tool.io | sh", "HG-DI-0005"),
        ("RUN wget -qO- https://get.tool.io | sudo bash -s", "HG-DI-0005"),
        ("RUN pip install --trusted-host pypi.local x", "HG-DI-0006"),
        ("RUN curl -fsSLk https://host/x -o x", "HG-DI-0006"),
        ("RUN curl https://host/x -k", "HG-DI-0006"),
        ("RUN apt-get install -y " + "a-package " * 500 + "sudo" + CLEAN, "HG-DI-0001"),
        ("RUN curl -fsSL https://get.tool.io 2>&1 | sh", "HG-DI-0005"),
        ("RUN chmod -R 777 /app", "HG-DI-0007"),
        ("RUN chmod a=rwx /app", "HG-DI-0007"),
        ("RUN chmod 0666 /app", "HG-DI-0007"),
        ("RUN chmod u+x,go+rw /app", "HG-DI-0007"),
        ("RUN curl -fsSL https://deb.host/setup_20.x | sudo -E bash - ", "HG-DI-0005"),
        ('RUN /bin/bash -c "$(curl -fsSL https://host/install.sh)"', "HG-DI-0005"),
        ("RUN sh -c `wget -qO- https://host/install.sh`", "HG-DI-0005"),
        ("RUN bash <(curl -fsSL https://host/install.sh)", "HG-DI-0005"),
        ("RUN curl -sSL https://host/install.py | POETRY_HOME=/opt python3 - --yes", "HG-DI-0005"),
        ("RUN curl -sSL https://host/install.py | python3 # buildkit", "HG-DI-0005"),
        ("RUN curl -sSL https://host/install.sh.gz | gunzip | sh", "HG-DI-0005"),
        ("RUN curl -L https://host/cpanm | perl - --self-upgrade", "HG-DI-0005"),
        ("RUN apt-get update && apt-get -y upgrade && rm -rf /var/lib/apt/lists/*", "HG-DI-0008"),
        ("RUN apt-get update && apt-get upgrade -y -o Dpkg::Options::=--force-confold", "HG-DI-0008"),
        ("RUN /bin/sh -c apk upgrade --no-cache # buildkit", "HG-DI-0008"),
        ("RUN dnf -y upgrade && dnf clean all", "HG-DI-0008"),
        ("RUN yum update -y", "HG-DI-0008"),
        ("RUN zypper in -y sudo", "HG-DI-0001"),
        ("RUN pacman -S --noconfirm sudo", "HG-DI-0001"),
        ("RUN rpm -i --nosignature a.rpm", "HG-DI-0006"),
        ("RUN GIT_SSL_NO_VERIFY=1 git clone https://host/x", "HG-DI-0006"),
        ("RUN apt-get -y dist-upgrade", "HG-DI-0008"),
        ("RUN apt update && apt full-upgrade -y", "HG-DI-0008"),
        ("RUN apk add curl", "HG-DI-0009"),
        ("/bin/sh -c set -eux; apk add --virtual .build gcc; apk del .build", "HG-DI-0009"),
        ("RUN /bin/sh -c apt-get update && apt-get install -y curl && apt-get clean # buildkit", "HG-DI-0009"),
    ],
)
def test_careless_instructions(step: str, id_: str) -> None:
    assert ids(GOOD, [step]) == [id_]


@pytest.mark.parametrize(
    "step",
    [
        f"RUN apt-get update && apt-get install -y pseudo sudoku{CLEAN}",
        "RUN yum update -y openssl",
        "RUN apk upgrade --no-cache libssl3",
        "RUN curl -fsSL https://host/x.json | python3 -c 'import json'",
        "RUN curl -fsSL https://host/x.json | perl -pe s/a/b/",
        "/bin/sh -c V=$(curl -fsSL https://host/version) make",
        "RUN curl -fsSL https://host/x.tar.gz | tar xz && sh -c true",
        "RUN zypper info sudo; echo built in sudo",
        "RUN chmod u=rwx,go=rx /app; chmod a+rx /b; chmod o-w /c; chmod 1777 /tmp",
        f"RUN apt-get install -y curl && echo sudo{CLEAN}",
        f"RUN apt-get install -y curl; man sudo{CLEAN}",
        "RUN curl -fsS https://host/x || sh -c exit",
        "RUN curl https://host/x -o x & ssh -k host",
        "RUN apk add --no-cache openssh-client",
        "RUN apk add -U curl && rm -rf /var/cache/apk/*",
        "RUN java -jar signer.apk add key",
        "RUN apt-cache show apt && pip install --no-cache-dir apt",
        "RUN curl -fsSL https://host/x -o x && sha256sum -c x.sum",
        "RUN chmod 755 /app",
        "COPY added /ADD # buildkit",
        "ADD rootfs.tar / # buildkit",
    ],
)
def test_instructions_that_are_fine(step: str) -> None:
    assert ids(GOOD, [step]) == []


def test_an_instruction_names_its_layer() -> None:
    history = ["COPY a b", {"created_by": "ENV A=1", "empty_layer": True}, "RUN chmod 777 /app"]
    (found,) = findings(GOOD, history)

    assert found.layer == "sha256:1"
    assert found.message.startswith("instruction 3 ")


@pytest.mark.parametrize("layers", [1, 3])
def test_a_history_that_does_not_fit_the_layers_names_none(layers: int) -> None:
    (found,) = findings(GOOD, ["COPY a b", "RUN chmod 777 /app"], layers=layers)

    assert found.layer is None


def test_a_token_in_the_environment_is_found_and_not_shown() -> None:
    (found,) = findings({**GOOD, "Env": ["PATH=/bin", f"NPM_TOKEN={TOKEN}"]})

    assert (found.id, found.severity) == ("CIS-DI-0010", Severity.HIGH)
    assert found.message == "ENV holds a secret (npm access token): NPM_TOKEN=npm_********"


@pytest.mark.parametrize(
    "variable",
    [
        *(
            "DB_PASSWORD=tr0ub4dor",
            "API_KEY=9f8e7d6c",
            "MYSQL_ROOT_PASSWORD=letmein1",
            "RABBITMQ_DEFAULT_PASS=tr0ub4dor",
        ),
        *("PGPASSWORD=tr0ub4dor", "MYSQL_PWD=tr0ub4dor", "SECRET_KEY_BASE=tr0ub4dor", "ENCRYPTION_KEY=tr0ub4dor"),
        *(
            "AIRFLOW__CORE__FERNET_KEY=tr0ub4dor",
            "ADMIN_PW=tr0ub4dor",
            "MAIL_PASSWORD_1=tr0ub4dor",
            "dbPassword=tr0ub4dor",
        ),
    ],
)
def test_a_variable_named_for_a_secret(variable: str) -> None:
    (found,) = findings({**GOOD, "Env": [variable]})

    assert found.id == "CIS-DI-0010"
    assert variable.partition("=")[2] not in found.message


@pytest.mark.parametrize(
    "variable",
    [
        "DB_PASSWORD=",
        "DB_PASSWORD_FILE=/run/secrets/x",
        "DB_PASSWORD=/run/secrets/x",
        "TOKEN=${TOKEN}",
        "SECRET=changeme",
        "TOKENIZER=fast-v2",
        "GPG_KEY=7169605F62C751356D054A26A821E680E5FA6305",
        "RELEASE_SIGNING_KEY=7169605F62C751356D054A26A821E680E5FA6305",
        "PWD=/app",
        "MYSQL_VERSION=8.3.0-1.el9",
        "CHECK_PASS=always",
        "BYPASS=tr0ub4dor",
    ],
)
def test_a_variable_without_a_secret(variable: str) -> None:
    assert ids({**GOOD, "Env": [variable]}) == []


def test_build_arguments_and_instructions_hold_secrets_too() -> None:
    history = [
        "RUN |1 DB_PASSWORD=tr0ub4dor /bin/sh -c make # buildkit",
        "RUN |1 DB_PASSWORD=tr0ub4dor /bin/sh -c make install # buildkit",
        f"RUN /bin/sh -c npm config set token {TOKEN}",
    ]
    found = findings(GOOD, history)

    assert [(hit.id, hit.layer) for hit in found] == [("CIS-DI-0010", "sha256:0"), ("CIS-DI-0010", "sha256:2")]
    assert all("tr0ub4dor" not in hit.message and TOKEN[4:] not in hit.message for hit in found)


def test_a_variable_that_another_took_the_place_of_is_still_in_the_history() -> None:
    history = ["ENV DB_PASSWORD=tr0ub4dor A=b", "ENV OTHER_TOKEN=s3cret-one", "ENV DB_PASSWORD="]
    found = findings({**GOOD, "Env": ["DB_PASSWORD=", "A=b", "OTHER_TOKEN=s3cret-one"]}, history)

    assert [(hit.message, hit.layer) for hit in found] == [
        ("ENV OTHER_TOKEN holds a value that looks like a secret", None),
        ("variable of instruction 1: DB_PASSWORD holds a value that looks like a secret", "sha256:0"),
    ]


def test_labels_and_commands_hold_secrets_too() -> None:
    config = {
        "User": "app",
        "Healthcheck": {"Test": ["CMD-SHELL", f"curl -u {TOKEN}"]},
        "Labels": {"build": TOKEN},
        "Cmd": ["serve", "--token", TOKEN],
        "Entrypoint": ["x", TOKEN],
        "Shell": ["sh", TOKEN],
        "OnBuild": [f"RUN login {TOKEN}"],
    }

    assert ids(config) == ["CIS-DI-0010"] * 6


@pytest.mark.parametrize(
    ("config", "where"),
    [
        ({"Cmd": ["serve", "--password", "tr0ub4dor"]}, "CMD"),
        ({"Entrypoint": ["java", "-Djavax.net.ssl.keyStorePassword=tr0ub4dor", "-jar", "x"]}, "ENTRYPOINT"),
        ({"Healthcheck": {"Test": ["CMD-SHELL", "curl -u admin:tr0ub4dor localhost"]}}, "HEALTHCHECK"),
        ({"Labels": {"db.password": "tr0ub4dor"}}, "a label"),
        ({"Env": ["JAVA_OPTS=-Ddb.password=tr0ub4dor"]}, "ENV JAVA_OPTS"),
    ],
)
def test_a_password_is_known_by_its_place_in_a_command(config: dict[str, object], where: str) -> None:
    (found,) = findings({**GOOD, **config})

    assert (found.id, found.message) == ("CIS-DI-0010", f"{where} holds a value that looks like a secret")


def test_a_password_in_an_address_of_oracle_is_known_by_its_place() -> None:
    (found,) = findings({**GOOD, "Env": ["JDBC=jdbc:oracle:thin:app/tr0ub4dor@db:1521/x"]})

    assert (found.id, found.message) == ("CIS-DI-0010", "ENV holds a secret (Password in a JDBC address): ********")


def test_a_password_in_an_instruction_is_one_of_its_layer() -> None:
    (found,) = findings(GOOD, ["RUN make", "RUN login --password tr0ub4dor"])

    assert (found.message, found.layer) == ("instruction 2 holds a value that looks like a secret", "sha256:1")


@pytest.mark.parametrize(
    ("config", "odd"),
    [
        (None, 0),
        ([], 1),
        ("text", 1),
        (5, 1),
        ({"User": 5, "Env": 7, "Cmd": {}, "Healthcheck": 1, "Volumes": [], "Labels": "x"}, 6),
    ],
)
def test_a_configuration_of_another_form_says_nothing_against_the_image(config: object, odd: int) -> None:
    found, unknowns = judged(config)

    assert [one.id for one in found] == ["CIS-DI-0001", "CIS-DI-0006"]
    assert len(unknowns) == odd


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"Env": [5, f"NPM_TOKEN={TOKEN}", None]}, "Env: 2 of its 3 entries are no text"),
        ({"Labels": {"a": 1, "b": TOKEN}}, "Labels: 1 of its 2 entries are no text"),
        ({"Cmd": ["run", TOKEN, {}]}, "Cmd: 1 of its 3 entries are no text"),
        ({"Env": [f"NPM_TOKEN={TOKEN}"], "Labels": 5}, "Labels: Expected `object | null`, got `int`"),
    ],
)
def test_one_odd_entry_hides_nothing_and_is_told(config: dict[str, object], why: str) -> None:
    found, unknowns = judged({**GOOD, **config})

    assert [one.id for one in found] == ["CIS-DI-0010"]
    assert unknowns == [why]


def test_one_word_stands_for_a_list_of_it() -> None:
    assert judged({**GOOD, "Cmd": f"serve {TOKEN}", "Env": f"A={TOKEN}"})[1] == []
    assert ids({**GOOD, "Cmd": f"serve {TOKEN}", "Env": f"A={TOKEN}"}) == ["CIS-DI-0010"] * 2


def test_keys_count_in_any_case_as_engines_read_them() -> None:
    document = {"CONFIG": {"env": [f"A={TOKEN}"], "USER": "app"}, "History": [{"Created_By": "RUN chmod 777 /a"}]}
    found = [
        one
        for one in check(decode(msgspec.json.encode(document), ImageConfig, "it"))
        if isinstance(one, Misconfiguration)
    ]

    assert [one.id for one in found] == ["CIS-DI-0006", "CIS-DI-0010", "HG-DI-0007"]


def test_what_stands_behind_a_thousand_others_is_judged() -> None:
    many = [f"A{number}=1" for number in range(2000)]
    config = {**GOOD, "Env": [*many, f"NPM_TOKEN={TOKEN}"], "Labels": {**dict.fromkeys(many, "x"), "z": TOKEN}}
    history: list[object] = ["COPY a b"] * 2000 + [
        f"RUN |2001 {' '.join(many)} B={TOKEN} /bin/sh -c x",
        "RUN chmod 777 /a",
    ]

    assert ids(config, history) == ["CIS-DI-0010"] * 3 + ["HG-DI-0007"]


def test_what_is_too_much_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "CONFIG_ENTRIES", 2)
    monkeypatch.setattr(bounds, "INSTRUCTION_CHARACTERS", 100)
    config = {**GOOD, "Env": ["A=1", "B=1", f"C={TOKEN}"], "Labels": {"a": "", "b": "", "c": TOKEN}}
    history: list[object] = [
        "RUN |4 a=1 b=2 c=3 d=4 /bin/sh -c x",
        "RUN " + "x" * 200 + f" {TOKEN}",
        "RUN chmod 777 /a",
    ]
    found, unknowns = judged(config, history)

    assert [one.id for one in found] == ["CIS-DI-0010"]
    assert unknowns == [
        "of 3 variables of the environment the first 2 were judged",
        "of 3 labels the first 2 were judged",
        f"instruction 2 has {205 + len(TOKEN)} characters; habits were looked for in its first 100",
        "of 3 instructions the first 2 were judged",
        "more than 2 build arguments; the others were not judged",
    ]


def test_what_cannot_be_judged_stands_in_the_inventory(tmp_path: Path) -> None:
    image = Image([layer(file("a", "x"))], container={"Env": [5, "A=1", *(f"P{n}_TOKEN=abcd{n}" for n in range(20))]})
    path = image.docker_archive(tmp_path / "image.tar")
    found = read(str(path), scanners=frozenset({"config"}), limits=Limits(hits=10))

    assert len(found.config) == 10
    assert ("image configuration", "Env: 1 of its 22 entries are no text") in [(u.what, u.why) for u in found.unknowns]
    assert "more config findings" in [unknown.what for unknown in found.unknowns]
    assert [unknown.what for unknown in read(str(path)).unknowns] == ["operating system"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=200), max_size=5), st.lists(st.text(max_size=200), max_size=5), st.text(max_size=20))
def test_no_text_makes_it_fail(env: list[str], steps: list[str], user: str) -> None:
    for found in findings({"Env": env, "User": user, "Cmd": env}, list(steps)):
        assert found.message.isprintable()


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([rule for rule in RULES if not rule.paths]), st.integers(0, 100))
def test_no_check_shows_a_secret(rule, seed) -> None:
    text = specimen(rule, seed)
    value = text.decode()
    for found in findings(
        {**GOOD, "Env": [value, f"TOKEN={value}"], "Cmd": [value]},
        [f"RUN |1 TOKEN={value} /bin/sh -c curl {value} | sh"],
    ):
        assert secret_of(rule, text) not in found.message
