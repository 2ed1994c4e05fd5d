"""What is expensive is started once for the whole run."""

from hypothesis import settings

from tests.support.docker import docker_host
from tests.support.images import vulnerable_image

__all__ = ["docker_host", "vulnerable_image"]

# How long an example takes says more about the machine than about the code.
settings.register_profile("hullguard", deadline=None)
settings.load_profile("hullguard")
