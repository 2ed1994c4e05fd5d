"""``python -m hullguard``: the command line, for processes that start one another, too."""

from hullguard.app.cli.main import main

main()
