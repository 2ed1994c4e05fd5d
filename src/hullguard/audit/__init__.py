"""Who did what to which thing, in a chain that shows every later change.

``record`` writes in the caller's transaction, so a deed and its record are kept together or not at all; ``verify``
walks the chain. How a record is hashed is written down in ``chain.py``.
"""

from hullguard.audit.anchor import Anchor, read_anchors, write_anchor
from hullguard.audit.chain import GENESIS, digest, record
from hullguard.audit.verify import Verification, verify

__all__ = ["GENESIS", "Anchor", "Verification", "digest", "read_anchors", "record", "verify", "write_anchor"]
