"""Static files over HTTP: of which type each is, that none outside its folder is given, and none twice for nothing.

They are read anew for each request, so that whoever writes a page sees a change at the next reload, and no other server
is needed for that; what has not changed since the client got it is not sent again (304).
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path, PurePath

import trio
from quart import Response, request

from narrate.server.problems import Refused

WEB = Path(__file__).parents[1] / "web"
"""The framework's own files."""

CONTENT_TYPES: Mapping[str, str] = {
    ".avif": "image/avif",
    ".css": "text/css; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".gif": "image/gif",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".md": "text/plain; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".ts": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
"""By the end of a file's name. Not by `mimetypes`, which knows on each machine what that machine was told."""

UNKNOWN = "application/octet-stream"

READ_AT_ONCE = 4


class Files:
    """The files that `find` knows where they are, by the paths that are asked for; None where one must not be given."""

    def __init__(self, find: Callable[[str], Path | None]) -> None:
        self._find = find
        # Threads of its own: the steps of runs may have taken all others.
        self._limiter = trio.CapacityLimiter(READ_AT_ONCE)

    async def answer(self, asked: str, headers: Mapping[str, str]) -> Response:
        """The file that is asked for, with these headers. Raises Refused (404)."""
        content = await trio.to_thread.run_sync(self._maybe_content, asked, limiter=self._limiter)
        if content is None:
            raise Refused(HTTPStatus.NOT_FOUND, "There is no such file.")
        kind = CONTENT_TYPES.get(PurePath(asked).suffix.lower(), UNKNOWN)
        response = Response(content, headers=dict(headers), content_type=kind)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return await unless_known(response)

    def _maybe_content(self, asked: str) -> bytes | None:
        try:
            file = self._find(asked)
            return file.read_bytes() if file is not None else None
        except OSError:  # it may not be read, or has gone this moment
            return None


def maybe_below(folder: Path, asked: str) -> Path | None:
    """Where the file at this path below a folder is; None where there is none that may be given to anybody.

    None may that is hidden (a name in its path begins with a dot), or that only a link finds, outside the folder.
    """
    try:
        root = folder.resolve(strict=True)
        found = (root / asked).resolve(strict=True)
        below = found.relative_to(root)
    except (OSError, ValueError, RuntimeError):  # it is not there, is outside, is no name, or is a link to itself
        return None
    hidden = any(not name or name.startswith(".") for name in (*asked.split("/"), *below.parts))
    return found if found.is_file() and not hidden else None


def maybe_in(folder: Path, asked: str) -> Path | None:
    """The file of this name in a folder of our own, wherever an installer has linked it to; None where there is none.

    By the folder's listing: what is asked for never becomes a path.
    """
    return next((file for file in folder.iterdir() if file.name == asked and file.is_file()), None)


async def unless_known(response: Response) -> Response:
    """The response with an `ETag`; or that the client has it already (304). Raises Refused (412)."""
    response.set_etag(sha256(await response.get_data(as_text=False)).hexdigest()[:32])
    await response.make_conditional(request)
    if response.status_code == HTTPStatus.PRECONDITION_FAILED:
        raise Refused(HTTPStatus.PRECONDITION_FAILED, "It is another one by now.", field="If-Match")
    return response
