"""Made-up credentials, put together when a test runs: the repository holds nothing that looks like one."""

import random
import re
import string

from hullguard.inventory.content.secrets.inspector import SecretInspector
from hullguard.inventory.content.secrets.judge import credible
from hullguard.inventory.content.secrets.rule import Rule
from hullguard.model.content import Secret

_parser = re._parser  # type: ignore[attr-defined]
_PLAIN = string.ascii_letters + string.digits
_INSPECTOR = SecretInspector()
WORD = "tr0ub4dor-Kq7"
"""A password."""


def rules_found(path: str, content: str) -> list[str]:
    """What is found in a file, in its order; of ``WORD`` no more than the beginning may be shown."""
    data = content.encode()
    hits = [hit for hit in _INSPECTOR.inspect(path, len(data), 0o644, iter([data])) if isinstance(hit, Secret)]
    assert WORD[4:] not in "".join(hit.match for hit in hits)
    return [hit.rule for hit in hits]


def specimen(rule: Rule, seed: int = 0) -> bytes:
    """A text that holds a credential of the rule, and nothing else."""
    for attempt in range(200):
        chance = random.Random(f"{rule.id} {seed} {attempt}")
        name = _made(_parser.parse(rule.words), chance) + "=" if rule.words else ""
        text = (name + _made(_parser.parse(rule.pattern), chance)).encode("ascii")
        match = rule.confirm().search(text)
        secret = match and match[1 if match.re.groups else 0]
        if secret and credible(rule, secret):
            return text
    raise AssertionError(f"no specimen of {rule.id} could be made")


def secret_of(rule: Rule, text: bytes) -> str:
    """The credential in a specimen."""
    pattern = rule.confirm()
    found = [match[1 if pattern.groups else 0] for match in pattern.finditer(text)]
    return next(secret for secret in found if secret is not None).decode("ascii")


def path_for(rule: Rule) -> str:
    """A path of a file in which the rule applies."""
    if not rule.paths:
        return "app/settings.txt"
    return _made(_parser.parse(rule.paths), random.Random(1))


def _made(nodes: object, chance: random.Random) -> str:
    return "".join(_node(str(kind), value, chance) for kind, value in nodes)  # type: ignore[attr-defined]


def _node(kind: str, value: object, chance: random.Random) -> str:
    match kind, value:
        case "LITERAL", int():
            return chr(value)
        case "AT", _:
            return ""
        case "NOT_LITERAL" | "ANY", _:
            return chance.choice(_PLAIN)
        case "IN", list():
            return _one_of(value, chance)
        case "BRANCH", (_, list() as branches):
            return _made(chance.choice(branches), chance)
        case "SUBPATTERN", (_, _, _, inner):
            return _made(inner, chance)
        case "MAX_REPEAT" | "MIN_REPEAT", (int() as least, int() as most, inner):
            count = max(least, min(most, 24)) if least < 24 else least
            return "".join(_made(inner, chance) for _ in range(count if most != 1 else least))
    raise AssertionError(f"{kind} is not for both engines")


def _one_of(choices: list[tuple[object, object]], chance: random.Random) -> str:
    pattern = re.compile("[" + "".join(_class(str(kind), value) for kind, value in choices) + "]")
    fitting = [char for char in _PLAIN if pattern.match(char)] or [
        c for c in map(chr, range(33, 127)) if pattern.match(c)
    ]
    return chance.choice(fitting or [" "])


def _class(kind: str, value: object) -> str:
    match kind, value:
        case "NEGATE", _:
            return "^"
        case "LITERAL", int():
            return re.escape(chr(value))
        case "RANGE", (int() as first, int() as last):
            return f"{re.escape(chr(first))}-{re.escape(chr(last))}"
        case "CATEGORY", _:
            return r"\s" if str(value).endswith("SPACE") else r"\w"
    raise AssertionError(f"{kind} is not for both engines")
