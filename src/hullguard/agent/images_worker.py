"""Reads one image in a process of its own: ``python -m hullguard.agent.images_worker``.

Reading an image takes tens of megabytes for seconds; a process gives them back when it ends, and one that dies of a
hostile image takes nobody with it. The slices lie in ``job.output``.
"""

import os
from pathlib import Path

from hullguard.agent.images_job import Answer, Job
from hullguard.inventory import apart
from hullguard.inventory.stock import take_stock
from hullguard.model.errors import HullguardError
from hullguard.wire.inventory import split

_LAYERS_BYTES = 256 << 20


def work(job: Job) -> Answer:
    """Read the image and write its slices, one after the other, each but the last of the same size."""
    os.environ.update(job.variables)
    try:
        inventory = take_stock(job.target, Path(job.layers), _LAYERS_BYTES, docker_host=job.docker_host)
        slices = split(job.image_id, inventory)
    except HullguardError as bad:
        return Answer(code=bad.code, message=str(bad)[:2000])
    apart.leave(job.output, (part.data for part in slices))
    return Answer(parts=len(slices), packages=len(inventory.packages), complete=inventory.complete)


if __name__ == "__main__":
    apart.answer(Job, work)
