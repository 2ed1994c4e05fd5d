"""Images in registries (OCI distribution API v2): read as they download; only the indexes of layers are kept."""
