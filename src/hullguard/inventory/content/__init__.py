"""The family of inspectors: what is wrong with a file by itself. ``catalog.py`` lists them."""
