"""Falco's rule files: read, checked, compiled, judged. Pure."""
