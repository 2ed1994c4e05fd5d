"""What this node does about an attack: deny, and act on a container by order of a person or of a policy."""
