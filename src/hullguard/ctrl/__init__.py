"""The REST control plane: what the console, the command line and integrations talk to.

It never talks to an agent: it writes intent into storage, and hostmgr carries it out.
"""
