import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.specimens import secret_of, specimen

from hullguard.inventory.content.image_config import check
from hullguard.inventory.content.secrets.rules.catalog import RULES
from hullguard.inventory.source.documents import ImageConfig, decode
from hullguard.model.content import Misconfiguration
from hullguard.model.severity import Severity

NPM = next(rule for rule in RULES if rule.id == "npm-token")
TOKEN = specimen(NPM).decode()
GOOD = {"User": "app", "Healthcheck": {"Test": ["CMD", "true"]}}


def findings(config: object = GOOD, history: list[object] | None = None, layers: int = 3) -> list[Misconfiguration]:
    steps = [{"created_by": step} if isinstance(step, str) else step for step in history or []]
    rootfs = {"diff_ids": [f"sha256:{number}" for number in range(layers)]}
    document = msgspec.json.encode({"config": config, "history": steps, "rootfs": rootfs})
    return list(check(decode(document, ImageConfig, "it")))


def ids(config: object = GOOD, history: list[object] | None = None) -> list[str]:
    return [found.id for found in findings(config, history)]


def test_a_careful_image_passes() -> None:
    assert (
        ids(
            GOOD, ["/bin/sh -c #(nop) ADD file:4eed in / ", "RUN apt-get update && apt-get install -y curl", "COPY a b"]
        )
        == []
    )


@pytest.mark.parametrize("user", [None, "", "root", "0", "0:0", "root:app", " root ", "000"])
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
    assert ids({**GOOD, "ExposedPorts": {"22/tcp": {}, "80/tcp": {}}}) == ["HG-DI-0003"]
    assert ids({**GOOD, "ExposedPorts": {"2222/tcp": {}, "22000": {}}}) == []


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
        ("RUN apt-get update && apt-get install -y curl sudo vim", "HG-DI-0001"),
        ("RUN apk add --no-cache openssh", "HG-DI-0002"),
        ("RUN curl -fsSL https://get.tool.io | sh", "HG-DI-0005"),
        ("RUN wget -qO- https://get.tool.io | sudo bash -s", "HG-DI-0005"),
        ("RUN pip install --trusted-host pypi.local x", "HG-DI-0006"),
        ("RUN curl -fsSLk https://host/x -o x", "HG-DI-0006"),
        ("RUN chmod -R 777 /app", "HG-DI-0007"),
    ],
)
def test_careless_instructions(step: str, id_: str) -> None:
    assert ids(GOOD, [step]) == [id_]


@pytest.mark.parametrize(
    "step",
    [
        "RUN apt-get update && apt-get install -y pseudo sudoku",
        "RUN yum update -y",
        "RUN apk add --no-cache openssh-client",
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


def test_a_history_longer_than_the_layers_names_none() -> None:
    (found,) = findings(GOOD, ["COPY a b", "RUN chmod 777 /app"], layers=1)

    assert found.layer is None


def test_a_token_in_the_environment_is_found_and_not_shown() -> None:
    (found,) = findings({**GOOD, "Env": ["PATH=/bin", f"NPM_TOKEN={TOKEN}"]})

    assert (found.id, found.severity) == ("CIS-DI-0010", Severity.HIGH)
    assert found.message == "ENV holds a secret (npm access token): NPM_TOKEN=npm_********"


@pytest.mark.parametrize("variable", ["DB_PASSWORD=tr0ub4dor", "API_KEY=9f8e7d6c", "MYSQL_ROOT_PASSWORD=letmein1"])
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


def test_labels_and_commands_hold_secrets_too() -> None:
    config = {**GOOD, "Labels": {"build": TOKEN}, "Cmd": ["serve", "--token", TOKEN], "Entrypoint": ["x", TOKEN]}

    assert ids(config) == ["CIS-DI-0010"] * 3


@pytest.mark.parametrize(
    "config", [None, [], "text", 5, {"User": 5, "Env": "A=1", "Cmd": "sh", "Healthcheck": 1, "Volumes": []}]
)
def test_a_configuration_of_another_form_says_nothing_against_the_image(config: object) -> None:
    assert ids(config) == ["CIS-DI-0001", "CIS-DI-0006"]


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
