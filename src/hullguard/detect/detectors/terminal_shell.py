"""A person opened a shell in a container: ``docker exec -it``, ``kubectl exec -it``, ``docker run -it``."""

from hullguard.detect.detectors.interface import RESPONSES, Details, ExecTrait, Wants
from hullguard.detect.parameters import strings
from hullguard.model.detector import DetectorInfo, ParameterInfo, ParameterKind
from hullguard.model.event import Event, EventKind
from hullguard.model.policy import Action, DetectorSettings
from hullguard.model.severity import Severity

_SHELLS = ["ash", "bash", "csh", "dash", "fish", "ksh", "mksh", "sh", "tcsh", "zsh"]


class TerminalShell:
    """Fires once per way in: a shell with a terminal, started by the runtime itself, not the shells below it."""

    info = DetectorInfo(
        id="container.terminal-shell",
        title="Shell with a terminal opened in a container",
        severity=Severity.MEDIUM,
        technique="T1059",
        actions=(Action.ALERT, Action.KILL, *RESPONSES),
        parameters=(ParameterInfo("shells", ParameterKind.NAMES, _SHELLS),),
    )

    def wants(self, settings: DetectorSettings) -> Wants:  # noqa: ARG002 - part of the interface
        return Wants(frozenset({EventKind.EXEC}), execs=frozenset({ExecTrait.ENTRY_WITH_TERMINAL}))

    def judge(self, event: Event, settings: DetectorSettings) -> Details | None:
        process = event.process
        if not process.tty or not _started_by_runtime(event):
            return None
        shells = strings(self.info, settings, "shells")
        # busybox is one file with many names, so the name it was called by counts as well as the file's.
        names = (
            event.path or process.exe or "",
            process.args[0].removeprefix("-") if process.args else "",
            process.comm,
        )
        shell = next((name for name in names if name.rpartition("/")[2] in shells), None)
        if shell is None:
            return None
        return {"shell": shell.rpartition("/")[2], "command": " ".join(process.args)[:1000]}


def _started_by_runtime(event: Event) -> bool:
    return len(event.lineage) > 1 and event.lineage[-2].outside
