"""The full advisory data, which is no part of this repository."""

import os
from pathlib import Path

import pytest

SHARED_DATA = Path(os.environ.get("HULLGUARD_SHARED_DATA") or Path(__file__).parents[3] / "shared" / "data")

needs_shared_data = pytest.mark.skipif(
    not (SHARED_DATA / "advisories").is_dir(),
    reason=f"there is no advisory data at {SHARED_DATA}; name its directory in HULLGUARD_SHARED_DATA",
)
