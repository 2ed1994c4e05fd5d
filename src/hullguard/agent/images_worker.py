"""Reads one image in a process of its own: ``python -m hullguard.agent.images_worker``.

Reading an image takes tens of megabytes for seconds; a process gives them back when it ends, and one that dies of a
hostile image takes nobody with it. The slices lie in ``job.output``.
"""

import os
from pathlib import Path

from hullguard.agent.images_job import Answer, Job
from hullguard.inventory import LayerCache, apart, read
from hullguard.model.errors import HullguardError
from hullguard.wire.inventory import split

_SCANNERS = frozenset({"secret", "malware", "config"})


def work(job: Job) -> Answer:
    """Read the image and write its slices, one after the other, each but the last of the same size."""
    try:
        inventory = read(
            f"docker:{job.image_id}",
            cache=LayerCache(Path(job.layers), 256 << 20),
            docker_host=job.docker_host,
            scanners=_SCANNERS,
            loadables=True,
            licenses=True,
        )
        slices = split(job.image_id, inventory)
    except HullguardError as bad:
        return Answer(code=bad.code, message=str(bad)[:2000])
    with open(os.open(job.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as output:  # noqa: PTH123 -- the mode matters
        output.writelines(part.data for part in slices)
    return Answer(parts=len(slices), packages=len(inventory.packages), complete=inventory.complete)


if __name__ == "__main__":
    apart.answer(Job, work)
