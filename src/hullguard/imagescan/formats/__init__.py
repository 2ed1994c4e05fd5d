"""The family of report formats. ``catalog.py`` lists them."""
