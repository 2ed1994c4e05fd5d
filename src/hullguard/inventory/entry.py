"""What a file of the cache is called. Whoever only wants to know whether there is one need not load what reads it."""

import hashlib
from pathlib import Path


def entry(directory: Path, name: str, signature: str) -> Path:
    """The place of what is kept under a name, and depends on what the signature says."""
    return directory / f"{hashlib.sha256(f'{name} {signature}'.encode()).hexdigest()}.layer"
