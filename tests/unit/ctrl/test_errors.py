import msgspec
import pytest

from hullguard.ctrl.errors import STATUS, Malformed, PreconditionMissing, decoding_error, status_of
from hullguard.model import errors
from hullguard.model.policy import PolicySpec


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.Invalid("x"), 422),
        (errors.NotFound("x"), 404),
        (errors.Conflict("x"), 409),
        (errors.Stale("x"), 412),
        (errors.QuotaExhausted("x"), 409),
        (errors.Unauthenticated("x"), 401),
        (errors.Denied("x"), 403),
        (errors.TooMany("x"), 429),
        (errors.Unavailable("x"), 503),
        (errors.LimitReached("x"), 413),
        (Malformed("x"), 400),
        (PreconditionMissing("x"), 428),
        (errors.HullguardError("x"), 500),
    ],
)
def test_every_nature_has_its_status(error, status):
    assert status_of(error) == status


def test_every_error_of_the_vocabulary_has_a_status():
    kinds = [
        each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.HullguardError)
    ]

    assert all(status_of(kind("x")) in STATUS.values() for kind in kinds if kind is not errors.HullguardError)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"[]", "$"),
        (b"{}", "$"),
        (b'{"name": 7}', "$.name"),
        (b'{"name": "x", "binding": {"nodes": [1]}}', "$.binding.nodes[0]"),
        (b'{"name": "x", "extra": 1}', "$"),
    ],
)
def test_a_wrong_value_is_named_by_its_path(body, field):
    with pytest.raises(msgspec.ValidationError) as cause:
        msgspec.json.decode(body, type=PolicySpec)
    error = decoding_error(cause.value)

    assert error.field == field
    assert " - at " not in str(error)
    assert status_of(error) == 422


def test_bad_syntax_is_not_a_wrong_value():
    with pytest.raises(msgspec.DecodeError) as cause:
        msgspec.json.decode(b"{", type=PolicySpec)

    assert status_of(decoding_error(cause.value)) == 400
