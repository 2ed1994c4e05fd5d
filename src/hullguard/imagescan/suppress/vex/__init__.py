"""VEX documents: what a maker says of vulnerabilities in a product."""

from hullguard.imagescan.suppress.vex.catalog import read

__all__ = ["read"]
