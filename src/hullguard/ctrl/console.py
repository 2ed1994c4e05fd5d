"""The console's static files, read once and served from memory; any other path is the console's own route."""

import hashlib
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from litestar import Response, route
from litestar.params import FromPath
from msgspec import Struct

from hullguard.ctrl.decoding import StrictRequest

_INDEX: Final = "index.html"
_MAX_BYTES: Final = 64 * 1024 * 1024
_IMMUTABLE: Final = "public, max-age=31536000, immutable"
_REVALIDATE: Final = "no-cache"

_NOT_BUILT: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Hullguard</title></head>
<body><h1>Hullguard is running</h1>
<p>This installation has no console: its files were not built. Run <code>make console</code> in the source tree, or
install a released package. The REST API works without it:
<a href="/api/v1/openapi.json">/api/v1/openapi.json</a>.</p>
<p lang="zh">此安装未包含控制台：其文件尚未构建。请在源码目录中运行 <code>make console</code>，或安装正式发布的软件包。
REST API 不受影响。</p></body></html>
""".encode()


class StaticFile(Struct, frozen=True):
    """One file, ready to send."""

    content: bytes
    media_type: str
    etag: str
    cache_control: str


def load(folder: Path) -> Mapping[str, StaticFile]:
    """Every file below the folder by its URL path. A request is looked up here, so no path can lead outside."""
    files: dict[str, StaticFile] = {}
    total = 0
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if not path.is_file() or path.is_symlink():
            continue
        content = path.read_bytes()
        total += len(content)
        if total > _MAX_BYTES:
            raise ValueError(f"{folder} holds more than {_MAX_BYTES} bytes; it does not look like a built console")
        name = path.relative_to(folder).as_posix()
        files[name] = _static_file(name, content)
    return files


def _static_file(name: str, content: bytes) -> StaticFile:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    # The framework adds it to text/* itself.
    needs_charset = kind.endswith(("/javascript", "/json", "+json", "+xml")) and not kind.startswith("text/")
    return StaticFile(
        content,
        f"{kind}; charset=utf-8" if needs_charset else kind,
        f'"{hashlib.sha256(content).hexdigest()[:32]}"',
        # The bundler puts a hash of the content in the names below assets/.
        _IMMUTABLE if name.startswith("assets/") else _REVALIDATE,
    )


@route(
    ["/", "/{path:path}"],
    http_method=["GET", "HEAD"],
    why_open="The console's files hold no data; everything they show comes from the API.",
    include_in_schema=False,
)
async def console(request: StrictRequest, path: FromPath[str] = "") -> Response[bytes]:
    """The file with this name, or the page that makes sense of every other path."""
    files: Mapping[str, StaticFile] = request.app.state.console
    found = files.get(path.lstrip("/")) or files.get(_INDEX)
    if found is None:
        found = StaticFile(_NOT_BUILT, "text/html", '"not-built"', _REVALIDATE)
    headers = {"etag": found.etag, "cache-control": found.cache_control}
    if request.headers.get("if-none-match") == found.etag:
        return Response(b"", status_code=304, headers=headers, media_type=found.media_type)
    body = b"" if request.method == "HEAD" else found.content
    return Response(body, headers=headers, media_type=found.media_type)
