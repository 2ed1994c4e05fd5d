"""What is counted: units of the node quota."""
