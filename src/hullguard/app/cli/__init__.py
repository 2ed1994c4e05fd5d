"""The command line: one file per sub-command, ``commands`` puts them together, ``main`` is the process."""
