"""VEX documents: what a maker says of vulnerabilities in a product."""

from hullguard.imagescan.suppress.vex.catalog import describe, read, statements

__all__ = ["describe", "read", "statements"]
