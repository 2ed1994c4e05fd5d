"""``python -m hullguard.app``: the command line, for processes that start one another."""

from hullguard.app.cli.main import main

main()
