"""Programs that carry their own list of dependencies, or only their own version."""
