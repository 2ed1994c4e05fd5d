"""A program ran that the image does not have: downloaded, compiled, copied in, or only in memory."""

from hullguard.detect.detectors.installers import PARAMETER, installs
from hullguard.detect.detectors.interface import RESPONSES, Details, ExecTrait, Wants
from hullguard.detect.parameters import strings
from hullguard.detect.paths import matches
from hullguard.model.detector import DetectorInfo, ParameterInfo, ParameterKind
from hullguard.model.event import Event, EventKind, Origin
from hullguard.model.policy import Action, DetectorSettings
from hullguard.model.severity import Severity

_PLACES = ("/bin/*", "/lib/*", "/lib64/*", "/opt/*", "/sbin/*", "/usr/*")
"""Where package managers put programs, each by a rename."""


class DropAndExecute:
    """The kernel says whether the file is new; with action ``kill`` it ends the process before it begins.

    Three of them are no attack and are not told: the image's own content with another time or owner, what somebody who
    came in through the runtime had installed by the image's own package manager, and what a line of a Dockerfile made
    and ran while Docker built the image. The kernel kills these, too.
    """

    info = DetectorInfo(
        id="container.drop-and-execute",
        title="Program executed that is not in the image",
        severity=Severity.CRITICAL,
        technique="T1105",
        actions=(Action.ALERT, Action.KILL, Action.DENY, *RESPONSES),
        parameters=(ParameterInfo("exempt_paths", ParameterKind.PATHS, []), PARAMETER),
    )

    def wants(self, settings: DetectorSettings) -> Wants:
        # Who put a program where it is can only be told by whoever saw it.
        installers = strings(self.info, settings, PARAMETER.name)
        return Wants(
            frozenset({EventKind.EXEC, EventKind.FILE_RENAME} if installers else {EventKind.EXEC}),
            paths=_PLACES if installers else (),
            execs=frozenset({ExecTrait.NEW_FILE}),
            # What cannot be denied, a program that is only in memory above all, is killed by the kernel.
            kill_new=settings.action in {Action.KILL, Action.DENY},
            deny=settings.action is Action.DENY,
            exempt=strings(self.info, settings, "exempt_paths"),
        )

    def judge(self, event: Event, settings: DetectorSettings) -> Details | None:
        path = event.path or ""
        if event.kind is not EventKind.EXEC:
            return None
        # What was stopped is reported whatever a younger policy exempts: somebody's process is gone.
        exempt = matches(path, strings(self.info, settings, "exempt_paths")) or installs(self.info, event, settings)
        if not event.stopped and (not event.new_file or exempt or self._harmless(event, settings)):
            return None
        details = {"path": path, "command": " ".join(event.process.args)[:1000]}
        if event.drift is not None:
            installer = self._installer(event, settings)
            details["origin"] = "installed" if installer else event.drift.origin.value
            details |= {"installer": installer} if installer else {}
            details |= {"why": event.drift.why} if event.drift.why else {}
        return details

    def _harmless(self, event: Event, settings: DetectorSettings) -> bool:
        drift, details = event.drift, event.container_details
        if details is not None and details.builds_image:
            return True
        if drift is None:
            return False
        return drift.origin is Origin.TOUCHED or (drift.by_operator and self._installer(event, settings) is not None)

    def _installer(self, event: Event, settings: DetectorSettings) -> str | None:
        """The package manager that put the program where it is, if one did."""
        programs = strings(self.info, settings, PARAMETER.name)
        placed_by = () if event.drift is None else event.drift.placed_by
        return next((program for program in placed_by if matches(program, programs)), None)
