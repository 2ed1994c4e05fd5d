"""The resources of the API, one file each; ``catalog.py`` lists them."""
