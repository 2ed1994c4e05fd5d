"""Every parser that meets foreign bytes, as the fuzzers know it."""

from tests.fuzz.target import Target
from tests.fuzz.targets import advisories, agents, content, control, engines, images, packages, peers, rules, suppress

TARGETS: tuple[Target, ...] = (
    *images.TARGETS,
    *packages.TARGETS,
    *content.TARGETS,
    *peers.TARGETS,
    *advisories.TARGETS,
    *suppress.TARGETS,
    *agents.TARGETS,
    *control.TARGETS,
    *engines.TARGETS,
    *rules.TARGETS,
)
