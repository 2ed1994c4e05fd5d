"""What is expensive is started once for the whole run."""

from tests.support.docker import docker_host

__all__ = ["docker_host"]
