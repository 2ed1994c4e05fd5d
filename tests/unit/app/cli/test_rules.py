"""``hullguard rules``, as its user meets it."""

import json
from pathlib import Path

import pytest
from tests.support.rules import with_condition

from hullguard import words
from hullguard.app.cli import main as cli

DATA = Path(__file__).parents[3] / "data"
CONSTRUCTS, LOCAL = str(DATA / "rules" / "constructs.yaml"), str(DATA / "rules" / "local.yaml")
RECORDING = str(DATA / "sensor" / "attack.bin")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    def command(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            cli.main(["rules", *arguments])
        said = capsys.readouterr()
        return left.value.code, said.out, said.err

    return command


def written(directory: Path, text: str, name: str = "r.yaml") -> str:
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_right_file(run) -> None:
    code, out, err = run("check", CONSTRUCTS)

    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "3 rules, 0 errors, 3 warnings"


def test_what_is_wrong_is_said_in_chinese(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = written(tmp_path, with_condition("proc.nam = a"))
    try:
        with pytest.raises(SystemExit) as left:
            cli.main(["--lang", "zh", "rules", "check", path])
    finally:
        words.use("en")

    assert left.value.code == 2
    out = capsys.readouterr().out
    assert "错误: 没有字段 'proc.nam'；是否想写 'proc.name'？" in out
    assert out.splitlines()[-1] == "0 条规则，1 个错误，0 个警告"


def test_a_name_breaks_no_line_and_steers_no_terminal(run, tmp_path: Path) -> None:
    path = written(tmp_path, with_condition("proc.nam = a"), "a\x1b[31m\nb.yaml")
    for command in (("check",), ("test", "--events", RECORDING)):
        _, out, err = run(*command, path)

        assert "/a\ufffd[31m\ufffdb.yaml:4:5: error: there is no field" in out + err
        assert "\x1b" not in out + err


def test_every_mistake_is_a_line_and_the_code_is_2(run, tmp_path: Path) -> None:
    path = written(tmp_path, with_condition("proc.nam = a and proc.pi = 1"))
    code, out, err = run("check", path)

    assert (code, err) == (2, "")
    assert out.splitlines() == [
        f"{path}:4:5: error: there is no field 'proc.nam'; did you mean 'proc.name'?",
        f"{path}:4:22: error: there is no field 'proc.pi'; did you mean 'proc.pid'?",
        "0 rules, 2 errors, 0 warnings",
    ]


def test_mistakes_for_programs(run, tmp_path: Path) -> None:
    path = written(tmp_path, with_condition("proc.nam = a"))
    code, out, _ = run("check", "-f", "json", path)

    assert code == 2
    assert json.loads(out) == {
        "schema": "hullguard/rules-check/1",
        "rules": 0,
        "errors": 1,
        "warnings": 0,
        "problems": [
            {
                "file": path,
                "line": 4,
                "column": 5,
                "level": "error",
                "text": "there is no field 'proc.nam'; did you mean 'proc.name'?",
            }
        ],
    }


def test_an_explanation(run, tmp_path: Path) -> None:
    path = written(tmp_path, with_condition("evt.type = execve and proc.name = nc and proc.nthreads > 1"))
    code, out, _ = run("check", "--explain", path)

    assert code == 0
    assert "r  [cost: negligible]" in out
    assert "  kernel   execve; program nc" in out
    assert "  python   proc.name = nc" in out
    assert "  unknown  proc.nthreads: " in out
    assert "  note     can never fire here" in out

    explanations = json.loads(run("check", "--explain", "--format", "json", path)[1])["explanations"]
    assert explanations[0]["kinds"] == ["exec"]


def test_a_list(run) -> None:
    code, out, err = run("list", CONSTRUCTS, LOCAL)

    assert code == 0
    assert "warning: there are no events from 'k8s_audit' here" in err
    assert [line.split() for line in out.splitlines()][1] == ["Error", "T1059.004", "on", "alert", "Tool", "started"]

    rules = json.loads(run("list", "-f", "json", CONSTRUCTS)[1])["rules"]
    assert rules[0]["words"]["why_zh"] == "攻击者常自带工具。"
    assert [rule["enabled"] for rule in rules] == [True, True, False]


def test_a_replay(run, tmp_path: Path) -> None:
    path = written(
        tmp_path,
        with_condition("evt.type = execve and proc.is_exe_upper_layer = true", "dropped %proc.exepath")
        + with_condition("evt.type = openat and fd.name = /etc/shadow", "read by %proc.name").replace(
            "rule: r", "rule: s"
        )
        + with_condition("evt.type = ptrace").replace("rule: r", "rule: t"),
    )
    code, out, _ = run("test", path, "--events", RECORDING)
    lines = out.splitlines()

    assert code == 0
    assert any(line.endswith(" Warning s: read by cat") for line in lines)
    assert any(line.endswith(" Warning r: dropped /tmp/bb") for line in lines)
    assert lines[-1].endswith("of 2 rules; 1 rule silent")

    told = json.loads(run("test", path, "--events", RECORDING, "-f", "json")[1])
    assert told["fired"]["s"] >= 3
    assert told["matches"][0]["fields"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("check", "/nowhere/x.yaml"), "cannot read /nowhere/x.yaml: No such file or directory"),
        (("check", "-f", "xml", CONSTRUCTS), "there is no format 'xml'; choose text or json"),
        (("test", CONSTRUCTS, "--events", "/nowhere"), "/nowhere is no file"),
        (("test", CONSTRUCTS, "--events", CONSTRUCTS), "is no recording of a sensor"),
        (("check",), "Missing argument"),
    ],
)
def test_a_wrong_request_is_one_line(run, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = run(*arguments)

    assert code == 2
    assert said in err.splitlines()[-1]
    assert out == ""


def test_rules_that_are_wrong_are_neither_listed_nor_tried(run, tmp_path: Path) -> None:
    path = written(tmp_path, with_condition("proc.nam = a"))

    for arguments in (("list", path), ("test", path, "--events", RECORDING)):
        code, out, err = run(*arguments)
        assert (code, out) == (2, "")
        assert err.splitlines()[-1] == "hullguard: 1 error in the rules"


def test_a_directory_is_its_files_by_name(run, tmp_path: Path) -> None:
    written(tmp_path, "- macro: m\n  condition: proc.name = sh\n", "10.yaml")
    written(tmp_path, with_condition("evt.type = execve and m"), "20.yml")
    written(tmp_path, "not: read", "30.txt")

    assert run("check", str(tmp_path)) == (0, "1 rule, 0 errors, 0 warnings\n", "")
    (tmp_path / "empty").mkdir()
    assert run("check", str(tmp_path / "empty"))[0] == 2
