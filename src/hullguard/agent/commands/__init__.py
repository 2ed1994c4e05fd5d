"""What the server may ask of this agent."""
