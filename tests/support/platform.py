"""The running product: ``hullguard up`` in a temporary directory, and a client that uses it as a script would."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec

PASSWORD = "a long enough password of the tests"
API = "/api/v1"


class Platform:
    """One ``hullguard up``: its process, its output, and how to reach it."""

    def __init__(self, data: Path, process: subprocess.Popen[str]) -> None:
        self.data = data
        self.process = process
        self.lines: list[str] = []
        self.url = ""
        self.one_time_password: str | None = None

    def read_until(self, pattern: str, seconds: float = 90) -> str:
        """Read the output until a line matches; its first group, or the whole line."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            line = self.process.stdout.readline()
            if not line:
                break
            self.lines.append(line.rstrip())
            found = re.search(pattern, line)
            if found:
                return found.group(1) if found.groups() else line.rstrip()
        raise AssertionError(f"no line matched {pattern!r}; the platform said:\n" + "\n".join(self.lines) + self.logs())

    def logs(self) -> str:
        """The end of every part's log, for a failing test."""
        parts = [
            f"\n--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            for log in sorted(self.data.glob("logs/*.log"))
        ]
        return "".join(parts)

    def pid(self, part: str) -> int:
        """The process of a part now: the supervisor's child with that name on its command line."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for child in children:
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
                if part.encode() in words:
                    return int(child)
        raise LookupError(f"no {part} runs under {self.process.pid}")

    def kill(self, part: str) -> int:
        """kill -9, at once; the pid that died."""
        pid = self.pid(part)
        os.kill(pid, signal.SIGKILL)
        return pid

    def stop(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        try:
            rest, _ = self.process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.lines.extend(rest.splitlines())
        return self.process.returncode

    def client(self) -> "Client":
        """A signed-in administrator; the first one sets the password."""
        client = Client(self.url)
        if self.one_time_password is not None:
            client.sign_in("admin", self.one_time_password)
            client.put("/sessions/current/password", {"old": self.one_time_password, "new": PASSWORD})
            self.one_time_password = None
        client.sign_in("admin", PASSWORD)
        return client


@contextlib.contextmanager
def running_platform(data: Path, *options: str, environ: dict[str, str] | None = None) -> Iterator[Platform]:
    """Start on free ports, wait until it serves, and stop it in the end."""
    command = [sys.executable, "-m", "hullguard", "up", "--data", str(data)]
    if "--listen" not in options:
        command += ["--listen", "127.0.0.1:0"]
    if "--agents" not in options:
        command += ["--agents", "127.0.0.1:0"]
    process = subprocess.Popen(
        [*command, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Benchmarks start it too: beside the machine's own agent, and beside those of tests.
        env={"HULLGUARD_AGENT_BESIDE": "1", **os.environ, **(environ or {}), "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    platform = Platform(data, process)
    try:
        platform.url = platform.read_until(r"Console:\s+(\S+)")
        line = platform.read_until(r"Sign in:.*")
        found = re.search(r"one-time password (\S+)", line)
        platform.one_time_password = found.group(1) if found else None
        yield platform
    finally:
        if process.poll() is None:
            platform.stop()


class Client:
    """REST with a session cookie; every answer is checked."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(
            base_url=url, headers={"X-Hullguard-Request": "1"}, timeout=60, verify=False, trust_env=False
        )

    def sign_in(self, name: str, password: str) -> None:
        self.call("POST", "/sessions", {"username": name, "password": password})

    def call(self, method: str, path: str, body: Any = None, *, expect: int | None = None, **headers: str) -> Any:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        content = None if body is None else msgspec.json.encode(body)
        if content is not None:
            names["Content-Type"] = "application/json"
        answer = self.http.request(method, API + path, content=content, headers=names)
        ok = answer.status_code == expect if expect else answer.is_success
        assert ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def put(self, path: str, body: Any, **headers: Any) -> Any:
        return self.call("PUT", path, body, **headers)

    def post(self, path: str, body: Any, **headers: Any) -> Any:
        return self.call("POST", path, body, **headers)

    def all(self, path: str) -> list[dict[str, Any]]:
        """Every item of a list, page by page."""
        items: list[dict[str, Any]] = []
        joiner = "&" if "?" in path else "?"
        page = self.get(f"{path}{joiner}limit=500")
        items += page["items"]
        while page["cursor"]:
            page = self.get(f"{path}{joiner}limit=500&cursor={page['cursor']}")
            items += page["items"]
        assert len(items) == page["total"]
        return items

    def wait(self, path: str, holds: Any, seconds: float = 60) -> Any:
        """Ask until the answer satisfies ``holds``; the answer."""
        deadline = time.monotonic() + seconds
        answer = self.get(path)
        while not holds(answer):
            assert time.monotonic() < deadline, f"{path} never held: {json.dumps(answer)[:3000]}"
            time.sleep(0.1)
            answer = self.get(path)
        return answer

    def stream(
        self, seconds: float = 60, *, opened: Callable[[], None] = lambda: None
    ) -> Iterator[tuple[str, dict[str, Any], float]]:
        """Server-sent events: kind, data and the monotonic time of arrival. From ``opened`` on none is missed."""
        kind = ""
        with self.http.stream("GET", API + "/stream", timeout=seconds) as answer:
            for line in answer.iter_lines():
                if line == ": connected":
                    opened()
                elif line.startswith("event:"):
                    kind = line.removeprefix("event:").strip()
                elif line.startswith("data:"):
                    yield kind, json.loads(line.removeprefix("data:")), time.monotonic()
