"""Rules, macros and lists as the files define them, before anything is looked up."""

import enum
from dataclasses import dataclass, field
from typing import Final

from msgspec import Struct

from hullguard.detect.rules.document import Scalar
from hullguard.detect.rules.problems import Place
from hullguard.detect.rules.syntax import Text
from hullguard.model.severity import Severity

SELF_TEST_IMAGE: Final = "busybox"
"""What every self-test can do with; ``debian`` is a shell's, with perl and the basic programs."""


class Priority(enum.StrEnum):
    """Falco's priorities, gravest first."""

    EMERGENCY = "Emergency"
    ALERT = "Alert"
    CRITICAL = "Critical"
    ERROR = "Error"
    WARNING = "Warning"
    NOTICE = "Notice"
    INFORMATIONAL = "Informational"
    DEBUG = "Debug"

    @property
    def severity(self) -> Severity:
        """The same in Hullguard's words."""
        return _SEVERITIES[self]


_SEVERITIES: Final = {
    Priority.EMERGENCY: Severity.CRITICAL,
    Priority.ALERT: Severity.CRITICAL,
    Priority.CRITICAL: Severity.CRITICAL,
    Priority.ERROR: Severity.HIGH,
    Priority.WARNING: Severity.MEDIUM,
    Priority.NOTICE: Severity.LOW,
    Priority.INFORMATIONAL: Severity.NEGLIGIBLE,
    Priority.DEBUG: Severity.NEGLIGIBLE,
}


class RuleAction(enum.StrEnum):
    """What a rule asks to be done when it fires; a policy decides whether it is."""

    ALERT = "alert"
    KILL = "kill"
    """End the process."""
    BLOCK = "block"
    """Refuse the operation, where the kernel lets one."""
    PAUSE = "pause"
    """Freeze the container."""


class SelfTestOption(enum.StrEnum):
    """What a self-test's container must have beyond what containers have; a capability's name is one, too."""

    PRIVILEGED = "privileged"
    UNCONFINED = "unconfined"
    """No seccomp filter: calls that an engine forbids."""
    TERMINAL = "terminal"
    HOST_PID = "host-pid"
    HOST_CGROUPS = "host-cgroups"
    HOST_NETWORK = "host-network"
    HOST_FILES = "host-files"
    """The host's /etc, to be read only."""


class Words(Struct, frozen=True):
    """Hullguard's texts for people; each in English and, with ``_zh`` at its key's end, in Chinese."""

    title: str = ""
    title_zh: str = ""
    why: str = ""
    """Why it matters."""
    why_zh: str = ""
    advice: str = ""
    """What to do."""
    advice_zh: str = ""
    false_positives: str = ""
    """When it fires without an attack."""
    false_positives_zh: str = ""


class ValueEntry(Struct, frozen=True):
    """One value of an exception, or a list of them."""

    scalar: Scalar | None
    items: tuple[Scalar, ...] = ()


class ExceptionValues(Struct, frozen=True):
    """One entry of ``values``: a value for each field, in their order."""

    entries: tuple[ValueEntry, ...]
    place: Place


@dataclass
class RuleException:
    """An item of ``exceptions``. Mutable: later items append values."""

    name: str
    place: Place
    fields: tuple[Text, ...] | None
    single: bool
    """``fields`` is one field, not a list; each value is then one, and all are one list."""
    comparisons: tuple[Scalar, ...] | None
    values: list[ExceptionValues] = field(default_factory=list)


@dataclass
class RuleDefinition:
    """A rule. Mutable: later items and files append to it, replace parts, and switch it on and off."""

    name: str
    place: Place
    condition: Text
    output: Text
    priority: Priority
    desc: str = ""
    tags: list[str] = field(default_factory=list)
    enabled: bool = True
    exceptions: list[RuleException] = field(default_factory=list)
    skip_unknown: bool = False
    """``skip-if-unknown-filter``: a rule with a field or event that is not known is left out, not an error."""
    warn_types: bool = True
    action: RuleAction = RuleAction.ALERT
    self_test: tuple[str, ...] = ()
    """Commands for a shell that, run in a container as its first program, must make the rule fire."""
    self_test_image: str = SELF_TEST_IMAGE
    self_test_options: tuple[str, ...] = ()
    """``SelfTestOption`` or names of capabilities (``CAP_SYS_PTRACE``)."""
    self_test_needs: tuple[str, ...] = ()
    """Files of the host; where one is not there, or is not shown, the self-test can do nothing that could be seen."""
    words: Words = field(default_factory=Words)


@dataclass
class MacroDefinition:
    """A macro."""

    name: str
    place: Place
    condition: Text


@dataclass
class ListDefinition:
    """A list."""

    name: str
    place: Place
    items: list[Scalar]


@dataclass
class Definitions:
    """All that the files define, in their order."""

    rules: dict[str, RuleDefinition] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    """Rules for other sources of events: changes of them are left out too."""
    macros: dict[str, MacroDefinition] = field(default_factory=dict)
    lists: dict[str, ListDefinition] = field(default_factory=dict)
