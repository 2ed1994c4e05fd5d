"""How the agent replaces itself, and comes back when that fails."""
