"""Passwords in shell scripts, profiles, crontabs and histories: given to a variable, or to a program as an argument.

The same commands are looked for in the instructions of an image.
"""

from collections.abc import Mapping
from typing import Final

from hullguard.inventory.content.secrets.names import PARTS, PLAIN
from hullguard.inventory.content.secrets.rules.lines import HASH_COMMENT, SHOUTED, setting
from hullguard.model.severity import Severity

_HIGH = Severity.HIGH

_PATHS = (
    r"[^/]*\.(?:sh|zsh|ksh)|\.(?:ba|z|k|a|da)?sh_history|fish_history|"
    r"\.(?:bashrc|bash_profile|bash_login|bash_aliases|profile|zshrc|zprofile|zshenv|kshrc)|etc/(?:environment|profile|crontab)|"
    r"(?:docker-)?entrypoint|cron\.(?:d|hourly|daily|weekly|monthly)/[^/]+|spool/cron/(?:crontabs/)?[^/]+|"
    r"etc/(?:default|sysconfig)/[^/]+|dpkg/info/[^/]+\.(?:(?:pre|post)(?:inst|rm)|config)|pacman/local/[^/]+/install"
)
_SPACE = r"[ \t]{1,8}"
_WORD = r"[\"']?([^\s\"'\x00]{4,300})"
_TOLD = r"([^\s\"'$`\\\x00]{4,300})(?:\\n)?[\"']?"
_ECHO = rf"(?:echo|printf)[ \t]{{1,8}}(?:-[neE]{{1,3}}{_SPACE})?(?:[\"']?%s(?:\\n)?[\"']?{_SPACE})?[\"']?"
_ARGUMENTS = r"[^|;&\n]{0,200}?[ \t]"
_ARGUMENT = r"[^\s|;&]{1,200}" + _SPACE
_OPTIONS = r"(?:(?:-[A-Za-z]{1,8}|[0-9]{1,2})[ \t]{1,8}){0,4}"

ARGUMENTS: Final[Mapping[str, str]] = {
    "mysql": r"mysql[a-z\-]{0,12}" + _ARGUMENTS + "-p",
    "mariadb": r"mariadb[a-z\-]{0,12}" + _ARGUMENTS + "-p",
    "mongo": r"mongo[a-z]{0,8}" + _ARGUMENTS + "-p[ \t]{1,4}",
    "sshpass": r"sshpass" + _SPACE + r"-p[ \t]{0,4}",
    "login": r"login" + _ARGUMENTS + r"(?:-p[ \t=]{0,4}|--password[= \t][ \t]{0,4})",
    **{
        word: word + r"[ \t](?:[^|;\n]{0,300}?[ \t])?(?:-u|-U|--user|--proxy-user)[ \t=]{0,4}[\"']?[^\s:\"'$]{1,100}:"
        for word in ("curl", "wget")
    },
    "ldap": r"ldap[a-z]{2,10}" + _ARGUMENTS + r"-w[ \t]{0,4}",
    "redis-cli": r"redis-cli" + _ARGUMENTS + r"(?:-a|--pass)[ \t]{1,4}",
    "htpasswd": rf"htpasswd{_SPACE}{_OPTIONS}(?:-[A-Za-z]{{0,4}}b[A-Za-z]{{0,4}}{_SPACE}{_OPTIONS}{_ARGUMENT}|"
    rf"-[A-Za-z]{{0,3}}(?:n[A-Za-z]{{0,3}}b|b[A-Za-z]{{0,3}}n)[A-Za-z]{{0,3}}{_SPACE}{_OPTIONS}){_ARGUMENT}",
    " set": r"config(?:ure)?[ \t]{0,3} set[ \t]{1,4}[^\s=|;&]{0,200}"
    r"(?i:password|secret|secret_access_key|token|_auth)[ \t=]{1,4}",
    "composer": rf"composer{_SPACE}config{_SPACE}{_OPTIONS}(?:--[a-z]{{1,12}}{_SPACE})?[\"']?"
    rf"(?:http-basic\.[^\s\"']{{1,100}}[\"']?{_SPACE}{_ARGUMENT}|(?:github-oauth|gitlab-token|bearer)\.[^\s\"']{{1,100}}[\"']?{_SPACE})",
    "rabbitmqctl": rf"rabbitmqctl[^|;&\n]{{0,100}}?[ \t](?:add_user|change_password){_SPACE}{_ARGUMENT}",
    "mc ": rf"mc{_SPACE}(?:alias{_SPACE}set|config{_SPACE}host{_SPACE}add){_SPACE}{_ARGUMENT}{_ARGUMENT}{_ARGUMENT}",
    "openssl": r"openssl" + _ARGUMENTS + r"(?:-k[ \t]{1,4}|-pass(?:in|out)?[ \t]{1,4}[\"']?pass:)",
    **{word: word + _ARGUMENTS + r"-p[ \t]{1,4}" for word in ("useradd", "usermod")},
    "7z": r"7z[a-z]{0,2}" + _ARGUMENTS + "-p",
    "zip": r"zip" + _ARGUMENTS + r"-P[ \t]{0,4}",
    "net ": rf"net{_SPACE}(?:user{_SPACE}[^\s/]{{1,100}}|use{_SPACE}(?:[A-Za-z*]:?{_SPACE})?\\\\\S{{1,200}}){_SPACE}",
    "sqlcmd": r"sqlcmd" + _ARGUMENTS + r"-P[ \t]{0,4}",
    "-U": rf"(?:smbclient|rpcclient|smbget|winexe|wmic|net){_ARGUMENTS}-U[ \t]{{0,4}}[\"']?[^\s%\"'$]{{1,100}}%",
    "--masterauth": r"--masterauth[= \t][ \t]{0,4}",
    "pass": r"[ \t\"']-(?:-?(?:store|key|deststore|srcstore|destkey|srckey)pass|-[a-z\-]{0,30}pass|"
    r"-?[a-z\-]{0,30}(?:password|passwd|passphrase)|-requirepass)[= \t][ \t]{0,4}",
}
"""What stands before a password that a program is given, by a word that stands in each such command."""
PIPED: Final[Mapping[str, str]] = {
    "chpasswd": r"[ \t\"'][a-z_][\w\-]{0,31}:" + _TOLD + r"[ \t]{0,4}\|[ \t]{0,4}(?:sudo )?(?:/usr/s?bin/)?chpasswd",
    "|": _ECHO
    + _TOLD
    + r"[ \t]{0,4}\|[ \t]{0,4}[^|;&\n]{0,200}?(?:--password-stdin|passwd[ \t]{1,8}--stdin|sudo[ \t]{1,8}-S|vncpasswd)",
}
"""Passwords that a program is told by another one, likewise."""
KEPT: Final = (
    _ECHO + _TOLD + r"[ \t]{0,4}>{1,2}[ \t]{0,4}[\"']?(?:/(?:var/)?run/secrets/|[^\s;&|\"']{0,200}"
    r"(?:[/._\-](?:password|passphrase|secret|token)|[._\-]passwd)(?:\.txt)?(?:[\s\"';&|]|\Z))"
)
"""A password that is written to the file that a program reads it from."""


def given(before: str) -> str:
    """The pattern of a command that a password is given to; that is its group."""
    return f"(?:{before}){_WORD}"


SHELL = (
    setting(
        "shell-variable",
        "Password in a shell script",
        _HIGH,
        HASH_COMMENT
        + r"|(?:\A|[\n \t;&|(\"'])(?:"
        + SHOUTED
        + r"|SSHPASS|[a-z][a-z0-9_]{0,40}_(?:password|passwd|pass|secret|token)|password|passwd)="
        + _WORD,
        _PATHS,
        allow=PLAIN,
        needs=(*PARTS, "passw", "_pass", "secret", "token"),
    ),
    setting(
        "shell-argument",
        "Password given to a program as an argument",
        _HIGH,
        HASH_COMMENT + "|" + given("|".join(ARGUMENTS.values())),
        _PATHS,
        allow=PLAIN,
        needs=tuple(ARGUMENTS),
    ),
    setting(
        "shell-chpasswd",
        "Password of a system user in a shell script",
        _HIGH,
        HASH_COMMENT + "|" + PIPED["chpasswd"],
        _PATHS,
        needs=("chpasswd",),
    ),
    setting(
        "shell-piped",
        "Password told to a program in a shell script",
        _HIGH,
        HASH_COMMENT + "|" + PIPED["|"],
        _PATHS,
        allow=PLAIN,
        needs=("-stdin", "sudo", "vncpasswd"),
    ),
    setting(
        "shell-kept",
        "Password written to a file by a shell script",
        _HIGH,
        HASH_COMMENT + "|" + KEPT,
        _PATHS,
        allow=PLAIN,
        needs=("secret", "passw", "passphrase", "token"),
    ),
)
