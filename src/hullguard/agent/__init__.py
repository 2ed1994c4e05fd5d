"""The part that runs on every node as root: watches the kernel, judges, reports, obeys. It carries no server code."""
