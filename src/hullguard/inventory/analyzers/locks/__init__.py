"""Lock files: what a project under development has chosen, whether or not it is installed."""
