"""Real git servers: `git daemon`, and `git http-backend` behind an HTTP server that can fail."""

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Faults:
    """What goes wrong with pushes from now on, each as often as it says.

    A request is `cut` before git has it; an answer is `dropped` once git has done all it was asked.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.cut = 0
        self.dropped = 0
        self.struck = 0

    def take(self, kind: str) -> bool:
        """Whether this one is struck."""
        with self._lock:
            left: int = getattr(self, kind)
            if left:
                setattr(self, kind, left - 1)
                self.struck += 1
            return left > 0


class GitHttpServer(ThreadingHTTPServer):
    """Smart HTTP for the repositories in a folder."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.faults = Faults()

    def address(self, repo: Path) -> str:
        return f"http://127.0.0.1:{self.server_port}/{repo.relative_to(self.root)}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: GitHttpServer

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self._read_body())

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        parts = []
        while size := int(self.rfile.readline().strip(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _serve(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        pushes = self.command == "POST" and path.endswith("/git-receive-pack")
        # The first of two requests of a push only asks whether one may.
        counts = pushes and len(body) > 8
        if counts and self.server.faults.take("cut"):
            self._hang_up()
            return
        env = {
            **os.environ,
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_USER": "somebody",
            "REMOTE_ADDR": "127.0.0.1",
        }
        done = subprocess.run(
            ["git", "http-backend"], input=body, env=env, capture_output=True, check=False
        )
        if counts and self.server.faults.take("dropped"):
            self._hang_up()
            return
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = [line.split(": ", 1) for line in head.decode().splitlines()]
        status = next((value for name, value in fields if name == "Status"), "200 OK")
        self.send_response(int(status.split()[0]))
        for name, value in fields:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *args: object) -> None:
        """Nobody reads it."""


@contextmanager
def serve_http(hub: Path) -> Iterator[tuple[str, Faults]]:
    """The address of a bare repository over HTTP, and what may go wrong with it."""
    subprocess.run(["git", "-C", str(hub), "config", "http.receivepack", "true"], check=True)
    with GitHttpServer(hub.parent) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.address(hub), server.faults
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def serve_daemon(hub: Path) -> Iterator[str]:
    """The address of a bare repository that `git daemon` serves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    daemon = subprocess.Popen(
        ["git", "daemon", "--listen=127.0.0.1", f"--port={port}", f"--base-path={hub.parent}",
         "--export-all", "--enable=receive-pack", "--reuseaddr"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    address = f"git://127.0.0.1:{port}/{hub.name}"
    try:
        # Until it listens, git is refused, and says so at once.
        while subprocess.run(
            ["git", "ls-remote", address], capture_output=True, check=False
        ).returncode:
            assert daemon.poll() is None, "the daemon has ended"
        yield address
    finally:
        # Its children too: one that serves outlives the listener.
        os.killpg(daemon.pid, 15)
        daemon.wait()
