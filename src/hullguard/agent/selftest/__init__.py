"""Whether this node's protection works, end to end: harmless attacks in scratch containers, and what fired."""
