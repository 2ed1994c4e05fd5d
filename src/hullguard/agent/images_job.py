"""What the agent and the process that reads images say to each other; here, so that the agent loads no reader."""

import msgspec


class Job(msgspec.Struct, frozen=True):
    """What to read and where to put it."""

    image_id: str
    target: str
    """Where it is read, as ``hullguard.inventory.read`` is asked."""
    docker_host: str
    layers: str
    """The directory of layer indexes: a layer that several images share is read once."""
    output: str
    variables: dict[str, str] = {}
    """Of the environment, for the target's engine."""


class Answer(msgspec.Struct, frozen=True):
    """``parts`` slices were written; or why not."""

    parts: int = 0
    packages: int = 0
    complete: bool = True
    code: str = ""
    message: str = ""
