"""rpm's packages: its database in three formats, each holding one header a package."""
