"""Asks one registry in a process of its own: ``python -m hullguard.worker.registry_reader``.

It lists the registry or reads one of its images. A hostile image or registry kills this process at worst; it gets
nothing of the worker but its job, and leaves what it found in ``job.output``.
"""

from pathlib import Path

import msgspec

from hullguard.access.registries.access import access_of
from hullguard.inventory import apart
from hullguard.inventory.source.registry.listing import list_registry
from hullguard.inventory.stock import take_stock
from hullguard.model.errors import HullguardError
from hullguard.wire.inventory import split
from hullguard.worker.registry_job import Answer, ListJob, ReadJob

LAYERS_BYTES = 1 << 30
_SENTENCE = 2000


def work(job: ListJob | ReadJob) -> Answer:
    """List or read, and leave the outcome in the output."""
    try:
        content = _listed(job) if isinstance(job, ListJob) else _read(job)
    except HullguardError as bad:
        after = bad.params.get("retry_after")
        return Answer(bad.nature, bad.code, str(bad)[:_SENTENCE], after if isinstance(after, int) else None)
    apart.leave(job.output, [content])
    return Answer()


def _listed(job: ListJob) -> bytes:
    known = {(repository, tag): digest for repository, tag, digest in job.known}
    return msgspec.msgpack.encode(list_registry(job.spec, access_of(job.spec, job.password), known))


def _read(job: ReadJob) -> bytes:
    name = f"{job.spec.address}/{job.repository}@{job.digest}"
    access = access_of(job.spec, job.password, admitted=True)  # it has just been listed
    inventory = take_stock(f"registry:{name}", Path(job.layers), LAYERS_BYTES, registry=access, platform=job.platform)
    return b"".join(part.data for part in split(name, inventory))


if __name__ == "__main__":
    apart.answer(ListJob | ReadJob, work)
