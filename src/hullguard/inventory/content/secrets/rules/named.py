"""Secrets whose form is nothing but their length, as that of the public ids of clients, forms and apps is.

So the name that one is given to must say both whose it is and that it is secret.
"""

NO_DIGIT = "[^0-9]*$"
"""A name in code; hardly anything of this length that was made at random has no digit."""


def named(maker: str, called: str) -> str:
    """Names, for ``Rule.words``, that begin like the maker and in which one of the words follows."""
    return rf"(?:{maker})[0-9a-z_.\-]{{0,24}}(?:{called})"
