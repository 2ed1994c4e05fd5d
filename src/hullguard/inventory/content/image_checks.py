"""The checks of an image's configuration, as data: the CIS Docker Benchmark's (``CIS``) and our own (``HG``)."""

from msgspec import Struct

from hullguard.model.content import Misconfiguration
from hullguard.model.severity import Severity


class Check(Struct, frozen=True):
    """What is looked for, and what to do about it."""

    id: str
    title: str
    severity: Severity
    fix: str

    def failed(self, message: str, layer: str | None = None, *, path: str = "") -> Misconfiguration:
        return Misconfiguration(self.id, self.title, self.severity, message, self.fix, path=path, layer=layer)


class Sign(Struct, frozen=True):
    """``first`` stands in one command and ``then``, if there is one, behind it; each is looked for once a command.

    A single pattern that fits both, however far apart, takes a minute on hostile text of a few megabytes.
    """

    first: str
    then: str = ""
    piped: bool = False
    """``then`` begins the command that this one is piped into."""


class Habit(Struct, frozen=True):
    """A check that an instruction fails when it shows a sign and none of ``unless``."""

    check: Check
    says: str
    signs: tuple[Sign, ...]
    unless: tuple[Sign, ...] = ()


ROOT = Check(
    "CIS-DI-0001", "The container runs as root", Severity.MEDIUM, "end the Dockerfile with USER and a user of its own"
)
HEALTH = Check(
    "CIS-DI-0006", "There is no health check", Severity.LOW, "add HEALTHCHECK, or a probe where it is deployed"
)
UPDATE = Check(
    "CIS-DI-0007",
    "Package lists are updated alone",
    Severity.LOW,
    "update and install in the same RUN, or a cached list is used",
)
ADD = Check("CIS-DI-0009", "ADD where COPY would do", Severity.LOW, "use COPY; ADD also fetches and unpacks")
SECRET = Check(
    "CIS-DI-0010",
    "A secret is part of the configuration",
    Severity.HIGH,
    "revoke it; give it when the container starts, or by RUN --mount=type=secret when it is built",
)
SUDO = Check("HG-DI-0001", "sudo is installed", Severity.LOW, "use USER, or gosu in the entrypoint")
SSH = Check("HG-DI-0002", "An SSH server is installed or run", Severity.MEDIUM, "enter containers through the engine")
PORT = Check("HG-DI-0003", "The SSH port is exposed", Severity.MEDIUM, "remove EXPOSE 22")
VOLUME = Check("HG-DI-0004", "A system directory is a volume", Severity.MEDIUM, "declare volumes for data only")
PIPE = Check(
    "HG-DI-0005", "A download is run unseen", Severity.MEDIUM, "download, check the digest or signature, then run"
)
UNCHECKED = Check("HG-DI-0006", "Signatures or certificates are not checked", Severity.MEDIUM, "remove the option")
OPEN = Check(
    "HG-DI-0007", "Files are made writable for everyone", Severity.MEDIUM, "give them to the user of the container"
)
UPGRADE = Check(
    "HG-DI-0008",
    "Everything is upgraded while building",
    Severity.LOW,
    "build on a newer base image; an upgrade makes a layer of what it has already, and no two builds alike",
)
LEFT = Check(
    "HG-DI-0009",
    "The package manager's cache stays in the image",
    Severity.LOW,
    "use apk add --no-cache; delete /var/lib/apt/lists in the same RUN; or mount a cache while building",
)
PASSWORDLESS = Check(
    "HG-DI-0021", "An account has an empty password", Severity.HIGH, "lock it with passwd -l, or remove it"
)
OTHER_ROOT = Check(
    "HG-DI-0022",
    "Another account is root",
    Severity.MEDIUM,
    "give it a number of its own; with 0 it may do whatever root may",
)
ALIKE = Check(
    "HG-DI-0023",
    "Accounts or groups are not told apart",
    Severity.LOW,
    "give each a name and a number of its own; those that share one own the same files",
)

_INSTALLS = r"\b(?:install|add)\b"
HABITS = (
    Habit(
        UPDATE,
        "updates the package lists and installs nothing",
        (Sign(r"\b(?:apt-get|apt|yum|dnf|apk)\b", r"\bupdate\b"),),
        unless=(
            Sign(r"\b(?:install|upgrade|dist-upgrade|add|build-dep|source|satisfy)\b"),
            Sign(r"\b(?:yum|dnf)\b", r"\bupdate\b"),
        ),
    ),
    Habit(SUDO, "installs sudo", (Sign(_INSTALLS, r"\ssudo(?:\s|$)"),)),
    Habit(
        SSH,
        "installs an SSH server",
        (Sign(_INSTALLS, r"\s(?:openssh-server|openssh|dropbear)(?:\s|$)"),),
    ),
    Habit(
        PIPE,
        "pipes a download into a shell",
        (Sign(r"\b(?:curl|wget)\b", r"\s{0,8}(?:sudo )?(?:/bin/)?(?:ba|z|da)?sh\b", piped=True),),
    ),
    Habit(
        UNCHECKED,
        "turns off the check of signatures or certificates",
        (
            Sign(
                r"--allow-unauthenticated|--allow-untrusted|--nogpgcheck|--no-check-certificate|--no-gpg-check"
                r"|--trusted-host|NODE_TLS_REJECT_UNAUTHORIZED=.?0|http\.sslVerify[= ]false|strict-ssl[= ]false"
            ),
            Sign(r"\bcurl\b", r"\s(?:-[a-zA-Z]{0,8}k[a-zA-Z]{0,8}|--insecure)(?:\s|$)"),
        ),
    ),
    Habit(
        OPEN,
        "makes files writable for everyone",
        (Sign(r"\bchmod\b", r"\s(?:0?777|a\+rwx|o\+w|a\+w|ugo\+rwx)\s"),),
    ),
    Habit(
        UPGRADE,
        "upgrades the whole distribution",
        (Sign(r"(?:^|[\s/])(?:apt-get|apt|aptitude)\s", r"\b(?:dist-upgrade|full-upgrade)\b"),),
    ),
    Habit(
        LEFT,
        "installs with apk and keeps its cache",
        (Sign(r"(?:^|[\s/])apk\s", r"\badd\s"),),
        unless=(Sign(r"--no-cache|/var/cache/apk"),),
    ),
    Habit(
        LEFT,
        "installs with apt and keeps its lists",
        (Sign(r"(?:^|[\s/])(?:apt-get|apt|aptitude)\s", r"\binstall\s"),),
        unless=(Sign(r"/var/lib/apt\b"),),
    ),
)
