"""Input is read strictly: a body by its route's struct, a query by its route's filter struct, nothing else."""

import asyncio
from functools import lru_cache
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.datastructures import MultiDict
from msgspec import Struct
from msgspec import inspect as types

from hullguard.ctrl.errors import NotAcceptable, TooSlow, decoding_error
from hullguard.ctrl.names import check_shown
from hullguard.model.errors import Invalid

BODY_SECONDS: Final = 30


class StrictRequest(Request[Any, Any, Any]):
    """Decodes a JSON body straight into the type that the handler's ``data`` has.

    The framework would decode to dictionaries first and convert those leniently: ``"false"`` would
    become a flag and ``"7"`` a number.
    """

    async def body(self) -> bytes:
        """The body, if it arrives in time: who sends a byte a minute must not keep a place for ever."""
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await super().body()
        except TimeoutError as cause:
            raise TooSlow(f"The body did not arrive within {BODY_SECONDS} seconds.", "body-too-slow") from cause

    async def json(self) -> Any:
        """The body as the handler's ``data``."""
        content_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != "application/json":
            # A browser sends any other type across origins without asking first.
            raise NotAcceptable("Send the body as application/json.", "media-type")
        field = self.route_handler.parsed_data_field
        return decode_body(await self.body(), field.annotation if field else Any)


def decode_body(content: bytes, kind: Any) -> Any:
    """A JSON body as its route's type; raises ``Invalid`` with the field that is wrong."""
    try:
        decoded = _decoder(kind).decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as cause:
        raise decoding_error(cause) from cause
    except RecursionError as cause:
        raise Invalid("The body is nested too deeply.", "body-too-deep", field="$") from cause
    check_shown(decoded, kind)
    return decoded


@lru_cache(maxsize=256)
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, strict=True)


def decode_query(given: MultiDict[str], kind: type[Struct]) -> Struct:
    """The query as its route's filter struct. A name that the struct does not have is an error, not a shrug:

    a misspelt filter would otherwise answer with everything.
    """
    names, lists = _fields(kind)
    values: dict[str, Any] = {}
    for name in given:
        if name not in names:
            raise _unknown(name)
        every = given.getall(name)
        if name in lists:
            values[name] = [part for one in every for part in one.split(",") if part]
        elif len(every) > 1:
            raise Invalid(f"The parameter {name} is given twice.", "query-invalid", field=name)
        else:
            values[name] = every[0]
    try:
        asked = msgspec.convert(values, kind, strict=False)
        check_shown(asked, kind)
    except msgspec.ValidationError as cause:
        error = decoding_error(cause)
        raise Invalid(str(error), "query-invalid", field=(error.field or "").removeprefix("$.") or None) from cause
    return asked


def refuse_query(given: MultiDict[str]) -> None:
    """For routes that take no parameters."""
    for name in given:
        raise _unknown(name)


def _unknown(name: str) -> Invalid:
    return Invalid(f"This route has no parameter {name[:64]!r}.", "query-invalid", field=name[:64])


@lru_cache(maxsize=64)
def _fields(kind: type[Struct]) -> tuple[frozenset[str], frozenset[str]]:
    """The names of all fields, and of those that take a comma-separated list."""
    info = types.type_info(kind)
    fields = info.fields if isinstance(info, types.StructType) else ()
    lists = (field.encode_name for field in fields if isinstance(field.type, types.VarTupleType))
    return frozenset(field.encode_name for field in fields), frozenset(lists)
