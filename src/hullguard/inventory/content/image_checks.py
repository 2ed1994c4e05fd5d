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

_INSTALLS = (
    r"\b(?:install|add)\b|\bzypper\s(?:[^\s]{1,40}\s{1,4}){0,6}in\b|\bpacman\s(?:[^\s]{1,40}\s{1,4}){0,6}-S[a-z]{0,4}\b"
)
_SHELL = r"(?:/usr)?(?:/bin/)?(?:ba|z|da|k|a)?sh\b"
_SUDO = r"(?:sudo\s{1,4}(?:-\S{1,40}\s{1,4}){0,6})?(?:env\s{1,4})?(?:[A-Za-z_]\w{0,60}=\S{0,200}\s{1,4}){0,6}"
# A language's interpreter runs it when it is given no program of its own: ``python -c`` and ``perl -pe`` only read it.
_INTERPRETER = r"(?:/usr)?(?:/bin/)?(?:python[0-9.]{0,4}|perl|ruby|node|php)\s{0,8}(?:$|#|\d?>|-(?:\s|$))"
_ALONE = r"(?:\s{1,64}(?:-o\s{1,4}\S{1,200}|-\S{0,200}))*\s{0,64}(?:$|#|\d?>)"
"""Options and no package."""
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
        "runs a download unseen",
        (
            Sign(r"\b(?:curl|wget)\b", rf"\s{{0,8}}{_SUDO}(?:{_SHELL}|{_INTERPRETER})", piped=True),
            Sign(
                r"(?:^|[\s\"'(/])(?:(?:ba|z|da|k|a)?sh|source|eval|\.|python[0-9.]{0,4}|perl|ruby)\s{1,8}(?:-{1,2}[a-zA-Z]{1,8}\s{1,8}){0,3}"
                r"[\"']?(?:\$\(|`|<\()\s{0,4}(?:curl|wget)\b"
            ),
        ),
    ),
    Habit(
        UNCHECKED,
        "turns off the check of signatures or certificates",
        (
            Sign(
                r"--allow-unauthenticated|--allow-untrusted|--nogpgcheck|--no-check-certificate|--no-gpg-check"
                r"|--no-gpg-checks|--nosignature|--nodigest|--force-yes|GIT_SSL_NO_VERIFY=.?(?:1|true)"
                r"|--trusted-host|NODE_TLS_REJECT_UNAUTHORIZED=.?0|http\.sslVerify[= ]false|strict-ssl[= ]false"
            ),
            Sign(r"\bcurl\b", r"\s(?:-[a-zA-Z]{0,8}k[a-zA-Z]{0,8}|--insecure)(?:\s|$)"),
        ),
    ),
    Habit(
        OPEN,
        "makes files writable for everyone",
        (
            Sign(
                r"\bchmod\b",
                r"\s(?:0?777|0?666|(?:[ugoa]{0,4}[+=\-][rwxXst]{0,6},){0,4}[ug]{0,2}[ao][ugo]{0,2}[+=][rxX]{0,3}w[rwxXst]{0,6}(?:,\S{0,60})?)\s",
            ),
        ),
    ),
    Habit(
        UPGRADE,
        "upgrades the whole distribution",
        (
            Sign(
                r"(?:^|[\s/])(?:apt-get|apt|aptitude)\s",
                rf"\b(?:dist-upgrade|full-upgrade)\b|(?<![\w-])(?:safe-)?upgrade{_ALONE}",
            ),
            Sign(r"(?:^|[\s/])apk\s", rf"(?<![\w-])upgrade{_ALONE}"),
            Sign(r"(?:^|[\s/])(?:yum|(?:micro|t)?dnf)\s", rf"(?<![\w-])(?:upgrade|update){_ALONE}"),
            Sign(r"(?:^|[\s/])zypper\s", rf"(?<![\w-])(?:dup|dist-upgrade|up|update|patch){_ALONE}"),
        ),
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
