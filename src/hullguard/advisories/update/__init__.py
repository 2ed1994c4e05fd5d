"""Brings the advisory database up to date from a mirror of OSV's dumps, KEV and EPSS."""
