"""Identity: passwords, sessions, API tokens, roles, and the one place where a permission is decided."""
