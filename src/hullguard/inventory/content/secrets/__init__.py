"""Credentials in files: ``rules/`` says what they look like, ``matcher.py`` finds, ``inspector.py`` reports."""
