"""What is expensive is started once for the whole run."""

import os

from hypothesis import settings

from tests.support.docker import docker_host
from tests.support.images import vulnerable_image

__all__ = ["docker_host", "vulnerable_image"]

# Agents of tests run beside the machine's own, and beside those of another run of the tests.
os.environ["HULLGUARD_AGENT_BESIDE"] = "1"

# How long an example takes says more about the machine than about the code.
settings.register_profile("hullguard", deadline=None)
settings.load_profile("hullguard")
