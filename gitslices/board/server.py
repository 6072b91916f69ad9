"""The page and its answers, for those who have the token."""

import hmac
import ipaddress
import json
import signal
import socket
import threading
import webbrowser
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib.resources import files
from types import FrameType
from typing import Any, Final

import uvicorn
from msgspec import Struct, structs
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from gitslices.board.actions import ACTIONS, Wish, carry_out, name_command
from gitslices.board.view import make_output, make_slice
from gitslices.board.watcher import Watcher
from gitslices.core.errors import GitslicesError, InputError
from gitslices.core.model import SliceId
from gitslices.output.document import describe_failure
from gitslices.workspace import Workspace

_PARTS: Final = {
    "": ("page.html", "text/html; charset=utf-8"),
    "board.css": ("board.css", "text/css; charset=utf-8"),
    "board.js": ("board.js", "text/javascript; charset=utf-8"),
    "slice.js": ("slice.js", "text/javascript; charset=utf-8"),
    "parts.js": ("parts.js", "text/javascript; charset=utf-8"),
    "icon.svg": ("icon.svg", "image/svg+xml"),
}
_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_BEAT: Final = 15.0
"""Seconds after which a silent stream says that it is alive."""
_LARGEST_REQUEST: Final = 64 * 1024
_GRACE: Final = 1
_BACKLOG: Final = 128


class BoardSettings(Struct, frozen=True, kw_only=True):
    """Who may come in and what they may do; `user` is who acts, None where nobody may.

    `open_workspace` gives a workspace of its own to each thread, with nothing half done in it.
    """

    open_workspace: Callable[[], Workspace]
    token: str
    host: str
    user: str | None


def listen(host: str, port: int) -> socket.socket:
    """A socket at which a server can answer; raises `InputError` where there can be none."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        made = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise InputError(
            f"cannot listen on {host!r} at port {port}: {error.strerror}",
            hint="name an address of this machine: --host"
            if isinstance(error, socket.gaierror)
            else "take another --port, or none for one that is free",
        ) from error
    made.set_inheritable(False)
    return made


def name_url(host: str, port: int, token: str) -> str:
    """The address of the page; of a server for everybody one that a phone can reach, too."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104
        host = _find_own_address()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/{token}/"


def _find_own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: the system only chooses the way, here to an address for examples.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def serve(settings: BoardSettings, there: socket.socket, browse: str | None) -> None:
    """Answer until Ctrl-C; `browse` is the address that is opened in the user's browser."""
    watcher = Watcher(settings.open_workspace, settings.user)
    config = uvicorn.Config(
        make_app(settings, watcher), log_level="error", access_log=False, server_header=False,
        proxy_headers=False, timeout_graceful_shutdown=_GRACE, lifespan="on",
    )  # fmt: skip
    if browse is not None:
        # It may take as long as it likes to start, and the page is there already.
        threading.Thread(target=webbrowser.open, args=(browse,), daemon=True).start()
    server = _Server(config, watcher)
    server.run(sockets=[there])
    # Where whoever started it has SIGINT ignored, uvicorn's own raising of it comes to nothing.
    if server.is_interrupted:
        raise KeyboardInterrupt


class _Server(uvicorn.Server):  # type: ignore[misc]  # an extra is Any to mypy
    """Ends its streams with the signal: by itself it waits for them, and then breaks them off."""

    def __init__(self, config: uvicorn.Config, watcher: Watcher) -> None:
        super().__init__(config)
        self._watcher = watcher
        self.is_interrupted = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Ctrl-C, or SIGTERM."""
        self._watcher.stop()
        self.is_interrupted = sig == signal.SIGINT
        super().handle_exit(sig, frame)


def make_app(settings: BoardSettings, watcher: Watcher) -> Any:
    """The application: whatever comes in passes the guard first."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        watcher.start()
        yield
        watcher.stop()

    async def tell_events(request: Request) -> Response:
        return StreamingResponse(_stream(watcher), media_type="text/event-stream")

    async def tell_slice(request: Request) -> Response:
        return await _read(settings, request, make_slice)

    async def tell_output(request: Request) -> Response:
        return await _read(settings, request, make_output)

    async def act(request: Request) -> Response:
        return await _act(settings, request)

    app = Starlette(
        routes=[
            *(Route(f"/{name}", _make_part(*part)) for name, part in _PARTS.items()),
            Route("/events", tell_events),
            Route("/slice", tell_slice),
            Route("/output", tell_output),
            Route("/act", act, methods=["POST"]),
        ],
        lifespan=lifespan,
    )
    return _Guard(app, settings)


def _make_part(name: str, kind: str) -> Callable[[Request], Any]:
    content = files("gitslices.board").joinpath(name).read_bytes()

    async def tell_part(request: Request) -> Response:
        return Response(content, media_type=kind)

    return tell_part


async def _stream(watcher: Watcher) -> AsyncIterator[bytes]:
    seen = 0
    while not watcher.is_over:
        found = await watcher.wait(seen, _BEAT)
        if found is None:
            yield b": alive\n\n"
        else:
            seen, document = found
            yield b"data: " + document + b"\n\n"


async def _read(
    settings: BoardSettings,
    request: Request,
    make: Callable[[Workspace, SliceId, str | None], bytes],
) -> Response:
    asked = request.query_params

    def read() -> bytes:
        workspace = settings.open_workspace()
        return make(workspace, SliceId(asked.get("id", "")), asked.get("goal"))

    try:
        return Response(await run_in_threadpool(read), media_type="application/json")
    except GitslicesError as error:
        return _refuse(404, describe_failure(error).document["error"])


async def _act(settings: BoardSettings, request: Request) -> Response:
    """Carry out an action, or with `only_name` tell the command that it stands for."""
    if settings.user is None:
        return _refuse(403, _explain("this board is read-only"))
    asked = await _read_wish(request, settings.user)
    if asked is None:
        return _refuse(400, _explain("no such action"))
    name, wish, only_name = asked
    command = name_command(ACTIONS[name], wish)
    if only_name:
        return JSONResponse({"command": command})

    def run() -> Any:
        return carry_out(settings.open_workspace(), ACTIONS[name], wish)

    try:
        done = await run_in_threadpool(run)
    except GitslicesError as error:
        told = describe_failure(error).document["error"]
        told["problems"] = [structs.asdict(one) for one in error.problems]
        return _refuse(409, {**told, "command": command})
    return JSONResponse({"command": command, "ok": done.ok, "text": done.text})


async def _read_wish(request: Request, user: str) -> tuple[str, Wish, bool] | None:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LARGEST_REQUEST:
            return None
    try:
        asked = json.loads(body)
        fields = {str(name): str(value) for name, value in asked.get("fields", {}).items()}
        name = asked["action"]
        wish = Wish(
            goal_id=str(asked["goal"]), slice_id=SliceId(str(asked["id"])), user=user, fields=fields
        )
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
    return (name, wish, asked.get("only_name") is True) if name in ACTIONS else None


def _explain(message: str) -> Mapping[str, str]:
    return {"message": message}


def _refuse(status: int, error: Mapping[str, Any]) -> Response:
    return JSONResponse({"ok": False, "error": error}, status_code=status)


class _Guard:
    """Lets in who asks this very server, from its own page, with the token in the path.

    The token is in no cookie: a page of another origin, though it can send requests here, has none
    to send. `Host` is looked at because a name of theirs may lead here (DNS rebinding).
    """

    def __init__(self, app: Any, settings: BoardSettings) -> None:
        self._app = app
        self._token = settings.token.encode()
        self._names = {"localhost", settings.host.lower(), socket.gethostname().lower()}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        token, _, rest = scope["path"].removeprefix("/").partition("/")
        fault = self._find_fault(scope, headers, token)
        inner = {**scope, "path": f"/{rest}", "raw_path": f"/{rest}".encode()}
        app = self._app if fault is None else _refuse(403, _explain(fault))

        async def send_guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await app(inner, receive, send_guarded)

    def _find_fault(self, scope: Any, headers: Mapping[bytes, str], token: str) -> str | None:
        host = headers.get(b"host", "")
        if not self._is_own(host):
            return "this server has another name"
        origin, site = headers.get(b"origin"), headers.get(b"sec-fetch-site", "none")
        if origin not in {None, f"http://{host}"} or site not in {"same-origin", "none"}:
            return "only its own page may ask this server"
        if scope["method"] not in {"GET", "HEAD"}:
            # A form can send anything but this, and a script of another page has to ask before.
            is_json = headers.get(b"content-type", "") == "application/json"
            if origin is None or not is_json:
                return "only its own page may ask this server"
        if not hmac.compare_digest(token.encode(), self._token):
            return "the address lacks its token; it stands in the terminal of gitslices board"
        return None

    def _is_own(self, host: str) -> bool:
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if name.lower() in self._names:
            return True
        try:
            # An address is no name that somebody else could lead here.
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True
