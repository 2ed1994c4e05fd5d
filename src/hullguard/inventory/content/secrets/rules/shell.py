"""Passwords in shell scripts, profiles, crontabs and histories: given to a variable, or to a program as an argument."""

from hullguard.inventory.content.secrets.rules.lines import HASH_COMMENT, SHOUTED, setting
from hullguard.model.severity import Severity

_HIGH = Severity.HIGH

_PATHS = (
    r"[^/]*\.(?:sh|zsh|ksh)|\.(?:ba|z|k|a|da)?sh_history|fish_history|"
    r"\.(?:bashrc|bash_profile|bash_login|bash_aliases|profile|zshrc|zprofile|zshenv|kshrc)|etc/(?:environment|profile|crontab)|"
    r"(?:docker-)?entrypoint|cron\.(?:d|hourly|daily|weekly|monthly)/[^/]+|spool/cron/(?:crontabs/)?[^/]+|"
    r"etc/(?:default|sysconfig)/[^/]+"
)
_SPACE = r"[ \t]{1,8}"
_WORD = r"[\"']?([^\s\"'\x00]{4,300})"
# What a shell puts something else in for ("$X", `x`, a$X), a word, a constant, a count, find's -print0, a place, an
# option: much in a script only sounds like a password.
_PLAIN = r"[^$`\\]*[$`\\]|[a-z_\-]{1,60}$|[A-Z_\-]{1,60}$|[0-9]{1,7}$|rint0$|[/~.(\-&|;>*?=,:\[]"
_ARGUMENTS = r"[^|;&\n]{0,200}?[ \t]"
_COMMANDS = (
    r"(?:mysql|mariadb)[a-z\-]{0,12}" + _ARGUMENTS + "-p",
    r"sshpass" + _SPACE + r"-p[ \t]{0,4}",
    r"login" + _ARGUMENTS + r"(?:-p[ \t]{0,4}|--password[= \t][ \t]{0,4})",
    r"(?:curl|wget)[ \t](?:[^|;\n]{0,300}?[ \t])?(?:-u|-U|--user|--proxy-user)[ \t=]{0,4}[\"']?[^\s:\"'$]{1,100}:",
    r"ldap[a-z]{2,10}" + _ARGUMENTS + r"-w[ \t]{0,4}",
    r"redis-cli" + _ARGUMENTS + r"(?:-a|--pass)[ \t]{1,4}",
    r"[ \t]-(?:store|key|deststore|srcstore|destkey|srckey)pass[ \t]{1,4}",
    r"[ \t]--?[a-z\-]{0,30}(?:password|passwd|passphrase)[= \t][ \t]{0,4}",
)

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
        allow=_PLAIN,
    ),
    setting(
        "shell-argument",
        "Password given to a program as an argument",
        _HIGH,
        HASH_COMMENT + r"|(?:" + "|".join(_COMMANDS) + ")" + _WORD,
        _PATHS,
        allow=_PLAIN,
    ),
    setting(
        "shell-chpasswd",
        "Password of a system user in a shell script",
        _HIGH,
        HASH_COMMENT
        + r"|[ \t\"'][a-z_][\w\-]{0,31}:([^\s\"'$`\\\x00]{4,300})[\"']?[ \t]{0,4}\|[ \t]{0,4}(?:sudo )?chpasswd",
        _PATHS,
    ),
)
