"""Whether a registry that refuses all of a sudden is asked once more: one that admitted this one may not mean it.

Behind one address several servers may answer, and one of them may know nothing yet of a token, or be restarting. A
password that was never accepted is not sent again for that: who sends a wrong one often is locked out.
"""

from typing import Final

SIGN_INS: Final = 3
"""How often one question is asked, each time with a new token."""
_IN_VAIN: Final = 8
"""How many questions are asked again without a better answer before refusals are believed at once."""


class Standing:
    """What all who ask one registry together have seen of how it takes them."""

    def __init__(self, *, admitted: bool) -> None:
        self._admitted = admitted
        self._admitted_by_name = admitted
        self._in_vain = 0

    def admitted(self, *, by_name: bool, attempt: int) -> None:
        """It answered, at which attempt, and whether to somebody who had given a name and a password or a token."""
        self._admitted = True
        self._admitted_by_name |= by_name
        if attempt > 1:
            self._in_vain = 0

    def may_not_mean_it(self, *, by_name: bool, attempt: int) -> bool:
        """Whether what it refused at this attempt is asked again."""
        before = self._admitted_by_name if by_name else self._admitted
        if not before or self._in_vain >= _IN_VAIN:
            return False
        if attempt == SIGN_INS:
            self._in_vain += 1
        return attempt < SIGN_INS
