"""A detector's parameters as its policy sets them, with the detector's defaults behind."""

from hullguard.model.detector import DetectorInfo
from hullguard.model.policy import DetectorSettings


def strings(info: DetectorInfo, settings: DetectorSettings, name: str) -> tuple[str, ...]:
    """The value of a PATHS or NAMES parameter.

    A policy reaches an agent only after ``policy_check``; a value of another type, which a server of another version
    may have let through, counts as not set.
    """
    default = next(parameter.default for parameter in info.parameters if parameter.name == name)
    value = settings.parameters.get(name, default)
    if not isinstance(value, list):
        value = default if isinstance(default, list) else []
    return tuple(value)
