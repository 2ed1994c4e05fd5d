"""The family of sources: each knows one kind of place in which an image can lie. ``catalog.py`` lists them."""
