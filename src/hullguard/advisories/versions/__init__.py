"""The family of version orders, one file per ecosystem. ``catalog.py`` says which ecosystem uses which."""
