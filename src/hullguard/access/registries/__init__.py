"""Registries that the platform reads: their passwords, sealed, and what may be said of one."""
