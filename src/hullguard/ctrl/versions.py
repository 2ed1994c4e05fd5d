"""What is edited has versions: an ETag goes out, and a change says in If-Match which version it was made from."""

import re
from typing import Any, Final, Protocol, TypeVar

from litestar import Request, Response

from hullguard.ctrl.errors import PreconditionMissing
from hullguard.model.errors import Invalid

_ETAG: Final = re.compile(r'"v([1-9][0-9]{0,17})"')


class Versioned(Protocol):
    """Anything with a version."""

    @property
    def version(self) -> int:
        """It grows with each change."""


Thing = TypeVar("Thing", bound=Versioned)


def if_match(request: Request[Any, Any, Any], what: str) -> int:
    """The version that the caller has seen of ``what``."""
    given = request.headers.get("if-match")
    if given is None:
        raise PreconditionMissing(
            f"Send the {what}'s ETag as If-Match, so that nobody's change is overwritten unseen.", "if-match-missing"
        )
    match = _ETAG.fullmatch(given)
    if match is None:
        raise Invalid('If-Match must be the ETag of one version, such as "v3".', "if-match-invalid", field="If-Match")
    return int(match[1])


def tagged(thing: Thing, status: int = 200) -> Response[Thing]:
    """An answer with the ETag of its version."""
    return Response(thing, status_code=status, headers={"etag": f'"v{thing.version}"'})
