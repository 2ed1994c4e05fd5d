"""Updates and imports in a process of their own: what they need of memory, or break, is theirs alone."""
