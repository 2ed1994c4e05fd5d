"""A program ran that the image does not have: downloaded, compiled, copied in, or only in memory."""

from hullguard.detect.detectors.installers import PARAMETER, installs
from hullguard.detect.detectors.interface import RESPONSES, Details, ExecTrait, Wants
from hullguard.detect.parameters import strings
from hullguard.detect.paths import matches
from hullguard.model.detector import DetectorInfo, ParameterInfo, ParameterKind
from hullguard.model.event import Event, EventKind
from hullguard.model.policy import Action, DetectorSettings
from hullguard.model.severity import Severity


class DropAndExecute:
    """The kernel says whether the file is new; with action ``kill`` it ends the process before it begins."""

    info = DetectorInfo(
        id="container.drop-and-execute",
        title="Program executed that is not in the image",
        severity=Severity.CRITICAL,
        technique="T1105",
        actions=(Action.ALERT, Action.KILL, Action.DENY, *RESPONSES),
        parameters=(ParameterInfo("exempt_paths", ParameterKind.PATHS, []), PARAMETER),
    )

    def wants(self, settings: DetectorSettings) -> Wants:
        return Wants(
            frozenset({EventKind.EXEC}),
            execs=frozenset({ExecTrait.NEW_FILE}),
            # What cannot be denied, a program that is only in memory above all, is killed by the kernel.
            kill_new=settings.action in {Action.KILL, Action.DENY},
            deny=settings.action is Action.DENY,
            exempt=strings(self.info, settings, "exempt_paths"),
        )

    def judge(self, event: Event, settings: DetectorSettings) -> Details | None:
        path = event.path or ""
        # What was stopped is reported whatever a younger policy exempts: somebody's process is gone.
        exempt = matches(path, strings(self.info, settings, "exempt_paths")) or installs(self.info, event, settings)
        if not event.stopped and (not event.new_file or exempt):
            return None
        return {"path": path, "command": " ".join(event.process.args)[:1000]}
