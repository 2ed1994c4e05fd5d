"""Passwords in what describes machines and clusters: manifests of Kubernetes, Ansible's files, sources of packages."""

from hullguard.inventory.content.secrets.rules.lines import CALLED, HASH_COMMENT, IS, LINE, VALUE, setting
from hullguard.model.severity import Severity

_HIGH = Severity.HIGH

_YAML = r"[^/]*\.ya?ml"
_KIND = r"kind:[ \t]{1,4}[\"']?Secret[\"']?[ \t\r]{0,4}\n"
_DATA = r"(?:data|stringData):[ \t\r]{0,4}\n"
# The next document, or the next item of a list, begins with a dash.
_OTHER_LINES = r"(?:(?:[^\n\-][^\n]{0,1000})?\n){0,40}?[ \t]{0,8}"
_ENTRY_VALUE = r"[\"']?:[ \t]{1,8}[\"']?([^ \t\r\n\"'\x00|>#][^ \t\r\n\"'\x00]{3,3000})"
_NAMED = r"[Kk]ey|KEY|PASS|auth|config|dockerconfigjson|\.dockercfg|keytab"
_ENTRIES = (
    r"(?:(?:[ \t][^\n]{0,1000}\n){0,30}?[ \t]{1,12}[\"']?[\w.\-]{0,80}(?:"
    + CALLED
    + "|"
    + _NAMED
    + ")"
    + _ENTRY_VALUE
    + ")"
)
# In Base64: admin, password, changeme, and how a certificate and a public key begin. What is folded or an anchor.
_KNOWN_VALUE = r"YWRtaW4=?=?$|cGFzc3dvcmQ=?$|Y2hhbmdl|LS0tLS1CRUdJTiBDRVJU|LS0tLS1CRUdJTiBQVUJM|[&!*]"

# The same in JSON. A word in quotes is one piece, so that what stands between the kind and the data ends with the
# object that has both; the metadata may lie between them, with objects of its own.
_JSON = r"[^/]*\.json"
_SPACE = r"[ \t\r\n]{0,40}"
_APART = r"[^{}\"\x00]{0,400}"
_PIECES = rf"{_APART}(?:\"(?:[^\"\\\n\x00]|\\.){{0,20000}}\"{_APART}){{0,%d}}"
_METADATA = rf"\{{{_PIECES % 60}(?:\{{{_PIECES % 60}\}}{_PIECES % 60}){{0,4}}\}}"
_JSON_KIND = rf"\"kind\"{_SPACE}:{_SPACE}\"Secret\""
_JSON_ENTRY = (
    rf"\"(?:data|stringData)\"{_SPACE}:{_SPACE}\{{{_PIECES % 100}?\"[\w.\-]{{0,80}}(?:{CALLED}|{_NAMED})\""
    rf"{_SPACE}:{_SPACE}\"([^\"\\\r\n\x00]{{4,3000}})\""
)

CLUSTERS = (
    setting(
        "kubernetes-secret",
        "Secret in a manifest of Kubernetes",
        _HIGH,
        _KIND + _OTHER_LINES + _DATA + _ENTRIES,
        _YAML,
        allow=_KNOWN_VALUE,
    ),
    setting(
        "kubernetes-secret-exported",
        "Secret in a manifest of Kubernetes",
        _HIGH,
        r"\n[ \t]{0,8}" + _DATA + _ENTRIES + r"[\"']?[ \t\r]{0,4}\n" + _OTHER_LINES + _KIND,
        _YAML,
        allow=_KNOWN_VALUE,
    ),
    setting(
        "kubernetes-secret-json",
        "Secret in a manifest of Kubernetes",
        _HIGH,
        f"{_JSON_KIND}{_PIECES % 8}(?:{_METADATA}{_PIECES % 8})?{_JSON_ENTRY}",
        _JSON,
        allow=_KNOWN_VALUE,
        needs=('"Secret"',),
    ),
    setting(
        "kubernetes-secret-json-exported",
        "Secret in a manifest of Kubernetes",
        _HIGH,
        rf"{_JSON_ENTRY}{_PIECES % 100}\}}{_PIECES % 4}{_JSON_KIND}",
        _JSON,
        allow=_KNOWN_VALUE,
        needs=('"Secret"',),
    ),
    setting(
        "ansible-password",
        "Password in an inventory of Ansible",
        _HIGH,
        HASH_COMMENT + r"|ansible_(?:ssh_|become_|sudo_|su_|winrm_|httpapi_)?pass(?:word|phrase)?[\"']?" + IS + VALUE,
        r"hosts|inventor(?:y|ies)(?:/[^/]+)*|(?:group|host)_vars/.+|[^/]*inventory[^/]*\.ini|" + _YAML,
    ),
    setting(
        "package-source-password",
        "Password of a source of packages",
        _HIGH,
        LINE + r"(?:proxy_)?password[ \t]{0,8}=[ \t]{0,8}" + VALUE,
        r"[^/]*\.repo|yum\.conf|dnf\.conf|zypp/credentials\.d/[^/]+|\.zypp/credentials\.cat",
    ),
)
