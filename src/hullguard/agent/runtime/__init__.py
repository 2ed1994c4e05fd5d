"""The container runtime on this node, as the agent sees it."""
