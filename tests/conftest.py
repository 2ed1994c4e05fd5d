"""What is expensive is started once for the whole run."""

from tests.support.docker import docker_host
from tests.support.images import vulnerable_image

__all__ = ["docker_host", "vulnerable_image"]
