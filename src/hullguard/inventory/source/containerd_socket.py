"""Where containerd answers on this machine: its own socket, or that of a Kubernetes that brings it along."""

import os
from pathlib import Path
from typing import Final

SOCKETS: Final = ("/run/containerd/containerd.sock", "/run/k3s/containerd/containerd.sock")
"""Its own, and that of k3s and RKE2."""


def containerd_socket() -> Path:
    """As ``CONTAINERD_ADDRESS`` says, else the first usual one that is there, else where containerd's own would be."""
    told = os.environ.get("CONTAINERD_ADDRESS")
    here = (place for place in SOCKETS if Path(place).exists())
    return Path(told or next(here, SOCKETS[0]))
