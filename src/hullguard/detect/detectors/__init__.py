"""One file per detector; ``catalog.py`` lists them."""
