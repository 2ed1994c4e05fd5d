"""The rules by the trade of who issues the credential; ``catalog.py`` lists them all."""
