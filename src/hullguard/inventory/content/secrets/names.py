"""What is called a secret: the one list for files, for instructions and for what reports quote."""

OF_KEYS = "SECRET|API|ACCESS|PRIVATE|ENCRYPTION|SIGNING|FERNET|MASTER|SESSION|COOKIE|JWT|HMAC"
"""What stands before ``KEY`` in the names of secret ones, in whichever way the two are joined."""
ANYWHERE = rf"PASSWORD|PASSWD|PASSPHRASE|SECRET|SECRET_KEY_BASE|TOKEN|_PAT|(?:{OF_KEYS})_?KEY"
"""What a name ends with, whatever is before it (``PGPASSWORD``)."""
APART = r"PASS|PGPASS|PWD|PW|(?:NPM|REDIS)_AUTH"
"""What is a word of its own at the end of a name: others end so as well (``BYPASS``)."""
PARTS = ("PASS", "PWD", "PW", "SECRET", "TOKEN", "KEY", "_PAT", "_AUTH")
"""Of these one stands in each such name."""
NUMBER = r"(?:_?[0-9]{1,2})?"
"""Of one of several (``PASSWORD_2``)."""
FINGERPRINT = r"(?:0x[0-9A-F]{8,40}|[0-9A-F]{40})"
"""Of somebody's public key, which a name such as ``SIGNING_KEY`` is given to as well."""
# What a shell puts something else in for ("$X", `x`, a$X), a word, a constant, a count, find's -print0, a place, an
# option, a fingerprint: much only sounds like a password.
PLAIN = (
    r"[^$`\\]*[$`\\]|[a-z_\-]{1,60}$|[A-Z_\-]{1,60}$|[0-9]{1,7}$|rint0$|[/~.(\-&|;>*?=,:\[]|"
    rf"{FINGERPRINT}$"
)
"""What a value that is no secret begins with."""
