"""Debian's copyright files: the licences of dpkg's packages, whose database names none."""
