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

    def failed(self, message: str, layer: str | None = None) -> Misconfiguration:
        return Misconfiguration(self.id, self.title, self.severity, message, self.fix, layer=layer)


class Habit(Struct, frozen=True):
    """A check that an instruction fails when ``pattern`` is found in it and ``unless`` is not."""

    check: Check
    pattern: str
    says: str
    unless: str = ""


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

_DOWNLOADED_THEN_RUN = r"\b(?:curl|wget)\b[^|;&\n]{0,500}\|\s{0,8}(?:sudo )?(?:/bin/)?(?:ba|z|da)?sh\b"
HABITS = (
    Habit(
        UPDATE,
        r"\b(?:apt-get|apt|yum|dnf|apk)\b[^;&|\n]{0,80}\bupdate\b",
        "updates the package lists and installs nothing",
        unless=r"\b(?:install|upgrade|dist-upgrade|add|build-dep|source|satisfy)\b|\b(?:yum|dnf)\b[^;&|\n]{0,80}\bupdate\b",
    ),
    Habit(SUDO, r"\b(?:install|add)\b[^;&|\n]{0,2000}\ssudo(?:\s|$)", "installs sudo"),
    Habit(
        SSH,
        r"\b(?:install|add)\b[^;&|\n]{0,2000}\s(?:openssh-server|openssh|dropbear)(?:\s|$)",
        "installs an SSH server",
    ),
    Habit(PIPE, _DOWNLOADED_THEN_RUN, "pipes a download into a shell"),
    Habit(
        UNCHECKED,
        r"--allow-unauthenticated|--allow-untrusted|--nogpgcheck|--no-check-certificate|--no-gpg-check|--trusted-host|"
        r"\bcurl\b[^;&|\n]{0,500}\s(?:-[a-zA-Z]{0,8}k[a-zA-Z]{0,8}|--insecure)\s|NODE_TLS_REJECT_UNAUTHORIZED=.?0|"
        r"http\.sslVerify[= ]false|strict-ssl[= ]false",
        "turns off the check of signatures or certificates",
    ),
    Habit(OPEN, r"\bchmod\b[^;&|\n]{0,80}\s(?:0?777|a\+rwx|o\+w|a\+w|ugo\+rwx)\s", "makes files writable for everyone"),
)
