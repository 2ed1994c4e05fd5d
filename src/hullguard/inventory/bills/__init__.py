"""Bills of materials: what programs say that something is made of, as a target of a scan or as a file of an image."""
