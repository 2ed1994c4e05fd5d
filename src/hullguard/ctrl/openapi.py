"""The OpenAPI 3.1 document, built from the routes' own signatures and the structs they read and answer.

The console's client is generated from it, so it states what is true: a field of an answer is required when the
encoder always writes it, and every struct is described once, under its own name.
"""

import http
import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream
from msgspec import Struct
from msgspec import inspect as types

from hullguard import __version__
from hullguard.ctrl.errors import PROBLEM_JSON, Problem
from hullguard.ctrl.routes.catalog import PREFIX, RESOURCES

Json = dict[str, Any]

_REF: Final = "#/components/schemas/{name}"
_PATH_PARAMETER: Final = re.compile(r"\{(\w+):(\w+)\}")
_PAGE: Final = re.compile(r"\bPage_(\w+)_")
_SECURITY: Final[list[Json]] = [{"session": []}, {"token": []}]
_SCHEMES: Final = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "hg_session",
        "description": "Set by signing in.",
    },
    "token": {"type": "http", "scheme": "bearer", "description": "An API token, hgt_…"},
}
_ETAG: Final = {"ETag": {"schema": {"type": "string"}, "description": "For If-Match."}}


def document() -> Json:
    """The whole document, as JSON-ready dictionaries."""
    operations = [_Operation(tag, handler) for tag, handlers in RESOURCES.items() for handler in handlers]
    roots = list(dict.fromkeys(kind for operation in operations for kind in operation.kinds()))
    shapes, components = msgspec.json.schema_components([*roots, Problem], ref_template=_REF)
    schema_of = dict(zip(roots, shapes, strict=False))
    answered = _names(operation.answer for operation in operations if operation.answer is not None)
    asked = _names(operation.body for operation in operations if operation.body is not None)
    for name in set(answered) - set(asked):
        _require_what_is_always_written(components[name], answered[name])
    paths: Json = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method] = operation.describe(schema_of)
    whole: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "Hullguard",
            "version": __version__,
            "description": "The REST API of the Hullguard container security platform. Errors are RFC 9457 problems.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in RESOURCES],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": _SCHEMES,
            "responses": {
                "Problem": {
                    "description": "Refused, and why.",
                    "content": {PROBLEM_JSON: {"schema": {"$ref": _REF.format(name="Problem")}}},
                }
            },
        },
    }
    renamed: Json = _renamed(whole)
    return renamed


class _Operation:
    """One route, read from its handler."""

    def __init__(self, tag: str, handler: HTTPRouteHandler) -> None:
        self.tag, self.handler, self.opt = tag, handler, handler.opt
        self.method = next(iter(handler.http_methods)).lower()
        template = PREFIX + next(iter(handler.paths))
        self.path = _PATH_PARAMETER.sub(r"{\1}", template)
        self.path_parameters = _PATH_PARAMETER.findall(template)
        hints = get_type_hints(handler.fn, include_extras=True)
        self.body: Any = self.opt.get("packed_body", _bare(hints.get("data")))
        self.filters: type[Struct] | None = _bare(hints.get("filters"))
        answer = hints["return"]
        if get_origin(answer) is Response:
            (answer,) = get_args(answer)
        self.answer: Any = None if answer in (None, type(None), bytes, Stream) else answer

    def kinds(self) -> Iterator[Any]:
        """Every type that needs a schema."""
        yield from (kind for kind in (self.body, self.answer) if kind is not None)
        if self.filters is not None:
            yield from (field.type for field in msgspec.structs.fields(self.filters))

    def describe(self, schema_of: Mapping[Any, Json]) -> Json:
        """The Operation Object."""
        summary, _, rest = inspect.cleandoc(self.handler.fn.__doc__ or "").partition("\n\n")
        name = self.handler.fn.__name__
        described: Json = {
            "operationId": re.sub(r"_(\w)", lambda match: match[1].upper(), name),
            "tags": [self.tag],
            "summary": summary.replace("\n", " ").rstrip("."),
            "description": self._description(rest),
            "parameters": [*self._parameters(schema_of)],
            "responses": self._responses(schema_of),
            "security": [] if "why_open" in self.opt else _SECURITY,
        }
        if self.body is not None:
            described["requestBody"] = {
                "required": True,
                "content": {"application/json": {"schema": schema_of[self.body]}},
            }
        elif self.opt.get("binary_body"):
            described["requestBody"] = {
                "required": True,
                "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            }
        return described

    def _description(self, rest: str) -> str:
        needs = "" if "why_open" in self.opt else f"Needs: `{self.opt['permission']}`."
        return "\n\n".join(part for part in (rest, needs) if part)

    def _parameters(self, schema_of: Mapping[Any, Json]) -> Iterator[Json]:
        for name, kind in self.path_parameters:
            shape = {"type": "integer", "minimum": 1} if kind == "int" else {"type": "string"}
            yield {"name": name, "in": "path", "required": True, "schema": shape}
        if self.opt.get("if_match"):
            yield {"name": "If-Match", "in": "header", "required": True, "schema": {"type": "string"}}
        if self.opt.get("idempotent"):
            yield {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255}}
        for field in msgspec.structs.fields(self.filters) if self.filters else ():
            shape = _without_null(schema_of[field.type])
            if field.default is not msgspec.NODEFAULT and field.default is not None:
                shape["default"] = msgspec.to_builtins(field.default)
            described: Json = {"name": field.encode_name, "in": "query", "schema": shape, "required": field.required}
            if "description" in shape:
                described["description"] = shape.pop("description")
            if isinstance(types.type_info(field.type), types.VarTupleType):
                described |= {"style": "form", "explode": False}
            yield described

    def _responses(self, schema_of: Mapping[Any, Json]) -> Json:
        status = self.handler.status_code
        success: Json = {"description": http.HTTPStatus(status).phrase}
        files = {media: {"schema": {"type": "string", "format": "binary"}} for media in self.opt.get("files", ())}
        if self.answer is not None:
            success["content"] = files | {"application/json": {"schema": schema_of[self.answer]}}
        elif files:
            success["content"] = files
        elif "media" in self.opt:
            success["content"] = {self.opt["media"]: {"schema": {"type": "string"}}}
        if self.opt.get("versioned"):
            success["headers"] = _ETAG
        problem = {"$ref": "#/components/responses/Problem"}
        return {str(status): success, **{str(code): problem for code in sorted(self._refusals())}, "default": problem}

    def _refusals(self) -> Iterator[int]:
        yield from self.opt.get("refusals", ())
        if "why_open" not in self.opt:
            yield from (401, 403)
        if self.path_parameters:
            yield 404
        if self.body is not None:
            yield from (400, 413, 415)
        if self.opt.get("if_match"):
            yield from (412, 428)
        yield 422


def _bare(hint: Any) -> Any:
    """Without the marker that tells the framework where an argument comes from."""
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _without_null(schema: Json) -> Json:
    """A parameter is left out, never null."""
    some = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    return dict(some[0]) if len(some) == 1 else dict(schema)


def _names(kinds: Iterator[Any]) -> dict[str, types.StructType]:
    """Every struct that can be reached, by the name its schema has."""
    found: dict[str, types.StructType] = {}
    for info in types.multi_type_info(list(kinds)):
        _collect(info, found)
    return found


def _collect(info: Any, found: dict[str, types.StructType]) -> None:
    if isinstance(info, types.StructType):
        # A generic struct's schema is called after its arguments too: Page[Node] is Page_Node_.
        name = "_".join([info.cls.__name__, *(f"{each.__name__}_" for each in get_args(info.cls))])
        if name in found:
            return
        found[name] = info
        for field in info.fields:
            _collect(field.type, found)
    for attribute in ("type", "item_type", "key_type", "value_type"):
        if isinstance(inner := getattr(info, attribute, None), types.Type):
            _collect(inner, found)
    for attribute in ("types", "item_types"):
        for inner in getattr(info, attribute, ()):
            _collect(inner, found)


def _require_what_is_always_written(schema: Json, info: types.StructType) -> None:
    """Say which fields are always there, and drop the defaults: a default is for whoever writes, not for a reader."""
    for shape in schema.get("properties", {}).values():
        shape.pop("default", None)
    if "properties" in schema and not (get_origin(info.cls) or info.cls).__struct_config__.omit_defaults:
        fields = msgspec.structs.fields(get_origin(info.cls) or info.cls)
        unset = {field.encode_name for field in fields if field.default is msgspec.UNSET}
        schema["required"] = [name for name in schema["properties"] if name not in unset]


def _renamed(node: Any) -> Any:
    """``Page_Node_`` is ``NodePage`` to whoever reads the generated client."""
    if isinstance(node, dict):
        return {_PAGE.sub(r"\1Page", key): _renamed(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_renamed(value) for value in node]
    return _PAGE.sub(r"\1Page", node) if isinstance(node, str) else node
