"""Signed bundles of advisories, for networks without a way out."""
