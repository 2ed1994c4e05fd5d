"""The family of feeds: each recognises its files by their content and loads them. ``catalog.py`` lists them."""
