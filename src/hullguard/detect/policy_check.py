"""Is a policy one that agents can run? Every complaint names the JSON path of what is wrong."""

from hullguard.detect import paths
from hullguard.detect.detectors.catalog import BY_ID
from hullguard.detect.rulebook import check_rules
from hullguard.model.detector import DetectorInfo, ParameterInfo, ParameterKind
from hullguard.model.errors import Invalid
from hullguard.model.policy import DetectorSettings, Parameter, PolicySpec
from hullguard.model.rollout import Mode, Rollout

_LONGEST_TEXT = 1000
_LONGEST_NAME = 64
_TYPES: dict[ParameterKind, tuple[type, str]] = {
    ParameterKind.FLAG: (bool, "true or false"),
    ParameterKind.NUMBER: (int, "a whole number"),
    ParameterKind.TEXT: (str, "a text"),
    ParameterKind.PATHS: (list, "a list of paths"),
    ParameterKind.NAMES: (list, "a list of names"),
}


def check(spec: PolicySpec) -> None:
    """Raises Invalid with ``field`` for the first thing that no agent could run."""
    for name, settings in spec.detectors.items():
        field = f"$.detectors['{name}']"
        detector = BY_ID.get(name)
        if detector is None:
            known = ", ".join(sorted(BY_ID))
            raise Invalid(
                f"There is no detector {name!r}; there are: {known}.",
                "policy.detector-unknown",
                field=field,
                detector=name,
            )
        _check_settings(detector.info, settings, field)
    check_rollout(spec.rollout, "$.rollout")
    check_rules(spec.rules)


def check_rollout(rollout: Rollout, field: str) -> None:
    """Raises Invalid for a canary on no node."""
    if rollout.mode is Mode.CANARY and not rollout.canary_nodes and not rollout.canary_percent:
        raise Invalid(
            "A canary needs nodes: name some in canary_nodes, or give a share in canary_percent.",
            "policy.canary-empty",
            field=f"{field}.canary_nodes",
        )


def _check_settings(info: DetectorInfo, settings: DetectorSettings, field: str) -> None:
    if settings.action not in info.actions:
        raise Invalid(
            f"The detector {info.id!r} cannot {settings.action.value}; it can: {', '.join(info.actions)}.",
            "policy.action-unsupported",
            field=f"{field}.action",
            detector=info.id,
            action=settings.action.value,
        )
    known = {parameter.name: parameter for parameter in info.parameters}
    for name, value in settings.parameters.items():
        if name not in known:
            raise Invalid(
                f"The detector {info.id!r} has no parameter {name!r}; it has: {', '.join(known) or 'none'}.",
                "policy.parameter-unknown",
                field=f"{field}.parameters.{name}",
                detector=info.id,
                parameter=name,
            )
        check_parameter(known[name], value, f"{field}.parameters.{name}")


def check_parameter(info: ParameterInfo, value: Parameter, field: str) -> None:
    """Raises Invalid if the value is not one for this parameter."""
    wanted, words = _TYPES[info.kind]
    # bool is an int to Python; to a reader of policies it is not.
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise Invalid(f"{info.name!r} must be {words}.", "policy.parameter-type", field=field, parameter=info.name)
    if isinstance(value, list):
        _check_items(info, value, field)
    elif isinstance(value, str):
        if len(value) > _LONGEST_TEXT:
            raise _out_of_bounds(info, field, f"must have at most {_LONGEST_TEXT} characters")
    else:
        _check_number(info, value, field)


def _check_number(info: ParameterInfo, value: int, field: str) -> None:
    if info.minimum is not None and value < info.minimum:
        raise _out_of_bounds(info, field, f"must be at least {info.minimum}")
    if info.maximum is not None and value > info.maximum:
        raise _out_of_bounds(info, field, f"must be at most {info.maximum}")


def _check_items(info: ParameterInfo, items: list[str], field: str) -> None:
    if len(items) > info.max_items:
        raise _out_of_bounds(info, field, f"must have at most {info.max_items} items, not {len(items)}")
    for position, item in enumerate(items):
        complaint = _item_complaint(info.kind, item)
        if complaint:
            raise Invalid(
                f"{item!r} in {info.name!r} {complaint}.",
                "policy.parameter-item",
                field=f"{field}[{position}]",
                parameter=info.name,
                item=item,
            )


def _item_complaint(kind: ParameterKind, item: str) -> str | None:
    if kind is ParameterKind.PATHS:
        return paths.complaint(item)
    if not item or len(item) > _LONGEST_NAME:
        return f"must have 1 to {_LONGEST_NAME} characters"
    if "/" in item or any(ord(character) < 32 for character in item):
        return "is not a plain name"
    return None


def _out_of_bounds(info: ParameterInfo, field: str, problem: str) -> Invalid:
    return Invalid(f"{info.name!r} {problem}.", "policy.parameter-bounds", field=field, parameter=info.name)
