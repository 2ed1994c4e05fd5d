"""Passwords and keys in any settings: a name that says so, and a value that was made at random rather than written.

What a file is for is not known here, so a value must stand alone in its line, and have a digit or letters as nobody
writes them: translations, names of classes and sentences do not.
"""

from hullguard.inventory.content.secrets.names import NUMBER, OF_KEYS, PLAIN
from hullguard.inventory.content.secrets.rules.lines import LINE, setting
from hullguard.model.severity import Severity

_MEDIUM = Severity.MEDIUM

_NAME = (
    r"(?i:[\w.\-]{0,80}?(?:password|passwd|passphrase|secret(?:[-_.]?key[-_.]?base)?|token|"
    rf"(?:{OF_KEYS.lower()})[-_.]?key)|"
    rf"(?:[\w.\-]{{0,80}}?[-_.])?(?:pass|pwd|pw)){NUMBER}"
)
_VALUE = r"([^ \t\r\n\"'\x00]{8,300})"
_ALONE = r"[\"']?[ \t]{0,40}(?:[#;][^\n]{0,1000})?(?:\r|\n|\Z)"
# Words, joined in whatever way; an address; names with dots, as of classes and files; a size or a time; a version.
_WRITTEN = (
    PLAIN + r"|(?:(?![A-Z][a-z][A-Z])[^0-9])*$|[a-z][a-z0-9+.\-]{1,20}:|[A-Za-z][\w\-]*(?:\.[A-Za-z_][\w\-]*)+$|"
    r"[0-9]+[A-Za-z]{1,12}$|[0-9.\-:]+$"
)
_NO_TRANSLATION = r"(?![^/]*(?i:message|label|string|i18n|l10n|lang|locale|translat|bundle))"
_WORDS = r"(?:config|configuration|settings|secrets?|credentials?|values)(?:[.\-_][\w.\-]{1,40})?"

GENERIC = (
    setting(
        "settings-secret",
        "Password or key in a file of settings",
        _MEDIUM,
        LINE + r"(?:export[ \t]{1,8})?[\"']?" + _NAME + r"[\"']?[ \t]{0,40}[=:][ \t]{0,40}[\"']?" + _VALUE + _ALONE,
        _NO_TRANSLATION
        + r"[^/]*\.(?:conf|cnf|cfg|ini|properties|toml|env)|\.env(?:\.[\w.\-]{1,60})?|\.envrc|"
        + _WORDS
        + r"\.ya?ml",
        2.8,
        allow=_WRITTEN,
    ),
    setting(
        "settings-json-secret",
        "Password or key in a file of settings",
        _MEDIUM,
        r"\"" + _NAME + r"\"\s{0,8}:\s{0,8}\"([^ \t\r\n\"\x00]{8,300})\"",
        _WORDS + r"\.json",
        2.8,
        allow=_WRITTEN,
    ),
)
