"""The family of analyzers: each knows one way in which packages are installed. ``catalog.py`` lists them."""
