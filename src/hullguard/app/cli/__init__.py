"""The command line: one file per sub-command, ``main`` puts them together."""
