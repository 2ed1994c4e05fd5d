"""Path patterns: an absolute path, or one that ends in ``/*`` for everything below. The kernel knows no others."""

from collections.abc import Iterable

LONGEST = 240
"""In bytes; what fits into a key of the kernel's trie (``HG_TRIE`` in ``events.h``) with its end."""


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether any pattern covers the path."""
    return any(path.startswith(pattern[:-1]) if pattern.endswith("/*") else path == pattern for pattern in patterns)


def complaint(pattern: str) -> str | None:
    """What is wrong with a pattern, or None."""
    body = pattern.removesuffix("*") if pattern.endswith("/*") else pattern
    parts = body.split("/")
    if not pattern.startswith("/"):
        return "is not an absolute path"
    if "*" in body or "?" in body or "[" in body:
        return "has a wildcard elsewhere than as a last '/*'"
    if any(part in {".", ".."} for part in parts) or "//" in body or (body.endswith("/") and body == pattern):
        return "is not a plain path: write it without '.', '..', '//' and a last '/'"
    if any(ord(character) < 32 for character in pattern):
        return "has control characters"
    if len(pattern.encode(errors="surrogatepass")) > LONGEST:
        return f"is longer than {LONGEST} bytes"
    return None
