"""What a line of settings looks like that gives a password, for rules that are known by the file.

A name must begin its line, so that what is commented out is nothing; what refers to a password kept elsewhere is none.
Where a name may stand anywhere, a comment is an alternative before it: the search steps over it.
"""

from hullguard.inventory.content.secrets.names import ANYWHERE, APART, NUMBER
from hullguard.inventory.content.secrets.rule import Rule
from hullguard.model.severity import Severity

LINE = r"(?:\A|\n)[ \t]{0,40}"
IS = r"[ \t]{0,8}[=:][ \t]{0,8}"
VALUE = r"[\"']?([^ \t\r\n\"'\x00]{4,300})"
QUOTED = r"\"((?:[^\"\\\r\n\x00]|\\.){4,300})\""
CALLED = (
    r"(?i:pass(?:word|wd|phrase|code)?|pwd|secret(?:[-_.]?key)?|api[-_.]?key|(?:account|access)[-_.]?key|"
    r"(?:auth|access|refresh|api)[-_.]?token|token|private[-_.]?key|client[-_.]?secret|credentials?)"
)
KEY = r"[\w.\-\[\]]{0,80}"
# Up to some length: what stands in a longer comment is looked at.
XML_COMMENT = r"<!--(?:[^-]|-[^-]){0,3000}-->"
HASH_COMMENT = r"(?:\A|[\n \t])#[^\n]{0,1000}"
SHOUTED = rf"(?:[A-Z0-9_]{{0,60}}(?:{ANYWHERE})|(?:[A-Z0-9_]{{0,60}}_)?(?:{APART})){NUMBER}"
# ${X}, $X, $(x), {{ x }}, <x>, %x%, %(x)s, @x@, !vault, *anchor, what is encrypted, and names of files and stores.
REFERENCE = (
    r"\$|[{<]|%[A-Za-z(]|@[\w.\-]+@|!\w|\*[a-z_]+$|(?:ENC|enc)[(\[]|/(?:run|etc|var|opt|usr|secrets?|vault|mnt|home)/|"
    r"(?:file|env|vault|secretsmanager|ssm|op|sm|awssm|gcpsm|arn|secretref):|(?:os|process)\.(?:env|getenv)|getenv|ENV\["
)


def setting(  # noqa: PLR0917 - a table's columns
    name: str,
    title: str,
    severity: Severity,
    pattern: str,
    paths: str,
    entropy: float = 0.0,
    *,
    allow: str = "",
    needs: tuple[str, ...] = (),
) -> Rule:
    """A rule for files of some name only, of which what refers to a secret is none, nor what ``allow`` fits."""
    none = f"{REFERENCE}|{allow}" if allow else REFERENCE
    return Rule(name, title, severity, pattern, paths=paths, whole=False, allow=none, entropy=entropy, needs=needs)
