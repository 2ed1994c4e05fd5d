"""Chiselled images of Ubuntu: what Chisel lists of the slices of packages that it cut."""
