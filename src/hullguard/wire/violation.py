"""The peer broke the protocol: the session ends with a refusal that carries the code."""

import enum

from hullguard.model.errors import Invalid


class Code(enum.StrEnum):
    """Why hostmgr refuses. Agents and dashboards rely on these words; add, never rename."""

    MESSAGE_TOO_LARGE = "message-too-large"
    MESSAGE_MALFORMED = "message-malformed"
    KIND_UNKNOWN = "kind-unknown"
    HELLO_EXPECTED = "hello-expected"
    PROTOCOL_UNSUPPORTED = "protocol-unsupported"
    OUT_OF_ORDER = "out-of-order"
    CREDIT_EXCEEDED = "credit-exceeded"
    TOO_FAST = "too-fast"
    SILENT = "silent"

    CERTIFICATE_REQUIRED = "certificate-required"
    CERTIFICATE_UNKNOWN = "certificate-unknown"
    NODE_FOREIGN = "node-foreign"
    NODE_REMOVED = "node-removed"
    SESSION_REPLACED = "session-replaced"

    TOKEN_MALFORMED = "token-malformed"  # noqa: S105 -- a code, not a password
    TOKEN_FOREIGN = "token-foreign"  # noqa: S105
    TOKEN_USED = "token-used"  # noqa: S105
    TOKEN_EXPIRED = "token-expired"  # noqa: S105
    TOKEN_REVOKED = "token-revoked"  # noqa: S105
    REQUEST_INVALID = "request-invalid"

    SERVER_BUSY = "server-busy"
    SERVER_STOPPING = "server-stopping"
    SERVER_ERROR = "server-error"

    @property
    def final(self) -> bool:
        """The same agent with the same certificate or token can never succeed: it stops trying and says so."""
        return self in _FINAL


_FINAL = frozenset(
    {
        Code.PROTOCOL_UNSUPPORTED,
        Code.CERTIFICATE_UNKNOWN,
        Code.NODE_REMOVED,
        Code.TOKEN_MALFORMED,
        Code.TOKEN_FOREIGN,
        Code.TOKEN_USED,
        Code.TOKEN_EXPIRED,
        Code.TOKEN_REVOKED,
        Code.REQUEST_INVALID,
    }
)


class Violation(Invalid):
    """What the other end sent, or did, is against the protocol."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message, code)
        self.refusal = code
