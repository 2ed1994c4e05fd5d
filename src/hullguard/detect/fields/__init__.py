"""The fields of rules: their names and types, and how each is read from an event. Pure."""
