"""The server: one page and one socket, for this computer alone.

It listens on 127.0.0.1, where no other computer can reach it. But any page that the browser shows could try:
a page from elsewhere may send requests to this computer, or make its own name point here. So the Host header
must be ours (against names that point here), a socket's Origin must be this very page, and a page may load
nothing from anywhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
import threading
import webbrowser
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from tinygrad_edu.playground.digits import Digits
from tinygrad_edu.playground.messages import LONGEST, MessageError, read_drawing, read_message
from tinygrad_edu.playground.worker import Worker
from tinygrad_edu.support import check_writable, needed

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send
    from starlette.websockets import WebSocket

HOST = "127.0.0.1"
PORT = 8765
#: How many ports are tried, one after the other, and how many pages may be open at once.
TRIES, MOST_PAGES = 20, 8

_KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
_PAGE = files("tinygrad_edu.playground") / "page"
#: Scripts come from here alone; that they may evaluate text is for browsers under test, which wait that way.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class OwnPageOnly:
    """Refuses requests for another host, and sockets from another page."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._hosts = {f"{name}:{port}" for name in (HOST, "localhost")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what comes from our own page."""
        if scope["type"] not in ("http", "websocket") or self._is_ours(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # before it has opened: 403
        else:
            from starlette.responses import PlainTextResponse

            refusal = PlainTextResponse("This page is for this computer alone.\n", 403)
            await refusal(scope, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        host, origin = headers.get("host", ""), headers.get("origin")
        own = origin == f"http://{host}"
        if origin is None:
            own = scope["type"] == "http"  # with a socket, every browser says where it comes from
        return host in self._hosts and own


async def _file(request: Request) -> Response:
    """Answer with one of the files of the page."""
    from starlette.responses import PlainTextResponse, Response

    name = request.path_params.get("name", "index.html")
    known = {file.name: file for file in _PAGE.iterdir()}
    kind = _KINDS.get(f".{name.rpartition('.')[2]}")
    if name not in known or kind is None:
        return PlainTextResponse("There is no such page.\n", 404, _HEADERS)
    return Response(known[name].read_bytes(), media_type=kind, headers=_HEADERS)


class _Pages:
    """All pages that are open, each with its worker."""

    def __init__(self, digits: Digits) -> None:
        self._digits = digits
        self.open = 0

    async def serve(self, page: WebSocket) -> None:
        """Connect a page with a worker of its own, until the page is closed."""
        await page.accept()
        if self.open >= MOST_PAGES:
            await page.close(4000, f"{MOST_PAGES} pages are open already; close one of them")
            return
        self.open += 1
        loop = asyncio.get_running_loop()
        answers: asyncio.Queue[Any] = asyncio.Queue()
        worker = Worker(lambda answer: _hand_over(loop, answers, answer), self._digits)
        worker.start()
        sending = asyncio.create_task(_send_all(page, answers))
        try:
            await _receive_all(page, worker)
        finally:
            sending.cancel()
            worker.close()
            self.open -= 1


def _hand_over(loop: asyncio.AbstractEventLoop, answers: asyncio.Queue[Any], answer: Any) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits for answers
        loop.call_soon_threadsafe(answers.put_nowait, answer)


async def _send_all(page: WebSocket, answers: asyncio.Queue[Any]) -> None:
    from starlette.websockets import WebSocketDisconnect

    with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # the page has gone
        while True:
            answer = await answers.get()
            if isinstance(answer, bytes):
                await page.send_bytes(answer)
            else:
                await page.send_text(json.dumps(answer, allow_nan=False))


async def _receive_all(page: WebSocket, worker: Worker) -> None:
    """Hand over what the page asks for; close it for what no page of ours would send."""
    while (received := await page.receive())["type"] == "websocket.receive":
        try:
            drawing = received.get("bytes")
            message = read_message(received["text"]) if drawing is None else read_drawing(drawing)
        except MessageError as error:
            await page.close(1008, str(error)[:100])
            break
        if not worker.ask(message):
            await page.close(1013, "too many messages at once")
            break


def make_app(port: int, digits: Digits) -> Starlette:
    """Return the application, for a server that listens on this port of 127.0.0.1."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.routing import Route, WebSocketRoute

    pages = _Pages(digits)
    return Starlette(
        routes=[
            Route("/", _file),
            Route("/page/{name}", _file),
            WebSocketRoute("/socket", pages.serve),
        ],
        middleware=[Middleware(OwnPageOnly, port=port)],
    )


def listen(port: int) -> socket.socket:
    """Return a socket on this port of 127.0.0.1, or on one of the next; says on stderr if it was taken.

    Raises OSError if none of `TRIES` ports is free.
    """
    for tried in range(port, min(port + TRIES, 65536)):
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, tried))
            listening.listen(64)
        except PermissionError:
            listening.close()
            raise PermissionError(
                f"port {tried} may not be used; take one from 1024, --port {PORT}"
            ) from None
        except OSError:
            listening.close()
            print(f"port {tried} is taken by another program, trying the next", file=sys.stderr)
            continue
        return listening
    raise OSError(f"no free port from {port} on; name another one with --port")


def serve(port: int = PORT, browser: bool = True, model: str | None = None) -> None:
    """Serve the page until Ctrl-C; `model` is a file for the network that reads digits, see `Digits`.

    Raises OSError if no port is free, or where the file can be neither read nor written; ImportError without
    the libraries of the extra `playground`.
    """
    if model is not None and not os.path.exists(model):
        check_writable(model)
    with needed("Starlette and uvicorn", "the playground", extra="playground"):
        import starlette  # noqa: F401
        import uvicorn
        import websockets  # noqa: F401
    listening = listen(port)
    port = listening.getsockname()[1]
    config = uvicorn.Config(
        make_app(port, Digits(model)),
        log_level="error",
        ws_max_size=LONGEST,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    address = f"http://{HOST}:{port}/"
    print(f"The playground is at {address}   (Ctrl-C ends it)", flush=True)
    if browser:  # some browsers keep whoever opens them waiting
        threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run([listening])
    print("The playground has ended.")
