"""A container did what the profile of its image does not have: ran a program, wrote a file, opened a connection."""

from hullguard.detect.detectors.installers import PARAMETER, installs
from hullguard.detect.detectors.interface import EVERY_FILE, RESPONSES, Access, Details, Transport, Wants
from hullguard.detect.parameters import strings
from hullguard.detect.paths import matches
from hullguard.detect.profiles import Done, Known, done, rarity
from hullguard.model.detector import DetectorInfo, ParameterInfo, ParameterKind
from hullguard.model.event import Event, EventKind
from hullguard.model.policy import Action, DetectorSettings
from hullguard.model.profile import Behaviour, Profile, ProfileState
from hullguard.model.severity import Severity

DEPARTURE = "profile.departure"
WANTS = Wants(
    frozenset({EventKind.EXEC, EventKind.FILE_OPEN, EventKind.CONNECT}),
    paths=EVERY_FILE,
    access=frozenset({Access.WRITE, Access.CREATE, Access.TRUNCATE}),
    transports=frozenset({Transport.TCP, Transport.UDP, Transport.UNIX}),
)
"""What learning and judging need of the containers of an image with a profile."""


class ProfiledSettings(DetectorSettings, frozen=True, forbid_unknown_fields=True):
    """A policy's settings in a container whose image has a profile."""

    profile: Profile | None = None
    known: Known = Known(())

    @classmethod
    def of(cls, settings: DetectorSettings, profile: Profile) -> "ProfiledSettings":
        """The policy's settings, by this profile."""
        return cls(settings.enabled, settings.action, settings.parameters, profile, Known(profile.entries))


class Departure:
    """Says nothing where the image has no accepted profile."""

    info = DetectorInfo(
        id=DEPARTURE,
        title="Behaviour outside the image's profile",
        severity=Severity.MEDIUM,
        technique="T1059",
        actions=(Action.ALERT, Action.DENY, Action.KILL, *RESPONSES),
        parameters=(ParameterInfo("exempt_paths", ParameterKind.PATHS, []), PARAMETER),
    )

    def wants(self, settings: DetectorSettings) -> Wants:
        return WANTS if isinstance(settings, ProfiledSettings) else Wants(frozenset())

    def judge(self, event: Event, settings: DetectorSettings) -> Details | None:
        if not isinstance(settings, ProfiledSettings) or settings.profile is None:
            return None
        if settings.profile.state not in {ProfileState.MONITOR, ProfileState.PROTECT}:
            return None
        deed = done(event)
        if deed is None:
            return None
        # What was refused is told whatever a younger profile has: somebody's connection failed.
        refused = event.stopped and deed.deed is Behaviour.CONNECT
        if not refused and (settings.known.cover(deed) or self._exempt(event, deed, settings)):
            return None
        program = event.process.exe or event.process.comm
        return details(deed, program, settings.profile, settings.known)

    def _exempt(self, event: Event, deed: Done, settings: DetectorSettings) -> bool:
        exempt = strings(self.info, settings, "exempt_paths")
        on_files = deed.deed is not Behaviour.CONNECT and matches(deed.thing, exempt)
        return on_files or installs(self.info, event, settings)


def unrefused(*, in_force: bool) -> Action:
    """What follows under DENY what was seen, and so was not refused: nobody was there to ask, or to answer."""
    return Action.KILL if in_force else Action.DENY


def details(deed: Done, program: str, profile: Profile, known: Known) -> Details:
    """What is told of a departure, whether it was seen or refused."""
    refused = known.refused(deed)
    seen = refused.seen if refused else 0
    return {
        "deed": deed.deed.value,
        "what": deed.thing[:1000],
        "pattern": deed.what,
        "program": program,
        "profile": profile.repository,
        "score": str(rarity(seen, profile.containers)),
        "seen": str(seen),
        "learned_from": str(profile.containers),
        "why": "refused" if refused else "never-seen",
    }
