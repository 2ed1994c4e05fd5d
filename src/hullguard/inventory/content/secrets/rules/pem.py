"""What stands between the lines of a private key, for who looks for one and for who masks it."""

BETWEEN = r"\\[rn]|[\s\"'+.,>#*|\\]"
"""A line's end, as it is or escaped within a string, with what YAML, quoted text and literals put there."""
HEADERS = "Proc-Type|DEK-Info|Version|Comment"
"""What lines before the first one of the key itself begin with (RFC 1421, 4716 and 9580)."""
