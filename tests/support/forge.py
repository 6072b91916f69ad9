"""A server that answers `gh` as GitHub's interface does, over TLS with a certificate of its own."""

import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class FakeHub:
    """The pull requests of one repository, `team/shop`, and what was asked of it."""

    def __init__(self) -> None:
        self.pulls: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str, Any]] = []
        self.reviews: dict[int, Any] = {}
        self.queued: list[tuple[str, str]] = []
        self.has_drafts = True
        self.status = 200
        self.port = 0

    @property
    def host(self) -> str:
        return f"localhost:{self.port}"

    def answer(self, method: str, path: str, sent: Any) -> tuple[int, Any]:
        self.asked.append((method, path, sent))
        if self.status != 200:
            return self.status, {"message": "Not today"}
        if path == "/api/graphql":
            return 200, self._query(sent["query"], sent.get("variables", {}))
        parts = path.split("/")
        assert parts[1:7] == ["api", "v3", "repos", "team", "shop", "pulls"], path
        if method == "POST" and len(parts) == 7:
            return self._open(sent)
        pull = self.pulls[int(parts[7]) - 1]
        if method == "PATCH":
            pull |= {key: sent[key] for key in ("title", "body", "base") if key in sent}
            return 200, self._show(pull)
        assert parts[8] == "requested_reviewers", path
        if "author" in sent["reviewers"]:
            return 422, {"message": "Review cannot be requested from pull request author."}
        self.reviews[pull["number"]] = sent
        return 201, self._show(pull)

    def _open(self, sent: Any) -> tuple[int, Any]:
        if sent["draft"] and not self.has_drafts:
            return 422, {"message": "Draft pull requests are not supported in this repository."}
        pull = {**sent, "number": len(self.pulls) + 1, "state": "OPEN"}
        self.pulls.append(pull)
        return 201, self._show(pull)

    def _show(self, pull: dict[str, Any]) -> dict[str, Any]:
        number = pull["number"]
        return {
            "number": number, "draft": pull["draft"], "node_id": f"PR_{number}",
            "html_url": f"https://{self.host}/team/shop/pull/{number}",
        }  # fmt: skip

    def _query(self, query: str, variables: dict[str, Any]) -> Any:
        if query.startswith("mutation"):
            pull = self.pulls[int(variables["id"].removeprefix("PR_")) - 1]
            if "enablePullRequestAutoMerge" in query:
                if pull["draft"]:
                    return {"data": None, "errors": [{"message": "Pull request is in draft state"}]}
                style = query.partition("mergeMethod:")[2].partition("}")[0]
                self.queued.append((pull["head"], style))
            elif "markPullRequestReadyForReview" in query:
                pull["draft"] = False
            return {"data": {"done": {"clientMutationId": None}}}
        assert (variables["owner"], variables["repo"]) == ("team", "shop")
        names = {name: one for name, one in variables.items() if name not in {"owner", "repo"}}
        found = {
            name: {"nodes": [self._node(one) for one in self.pulls[::-1] if one["head"] == branch]}
            for name, branch in names.items()
        }
        return {"data": {"repository": found}}

    def _node(self, pull: dict[str, Any]) -> dict[str, Any]:
        shown = self._show(pull)
        return {
            "id": shown["node_id"], "number": pull["number"], "url": shown["html_url"],
            "title": pull["title"], "body": pull["body"], "state": pull["state"],
            "isDraft": pull["draft"], "isCrossRepository": False, "baseRefName": pull["base"],
            "headRefName": pull["head"], "reviewDecision": "REVIEW_REQUIRED",
            "commits": {"nodes": [{"commit": {"statusCheckRollup": {"state": "SUCCESS"}}}]},
        }  # fmt: skip


@contextmanager
def serve(hub: FakeHub, folder: Path) -> Iterator[dict[str, str]]:
    """Answer on a port of this machine; the variables by which `gh` finds it and trusts it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            status, answer = hub.answer(self.command, self.path, json.loads(self._read() or "null"))
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _read(self) -> bytes:
            if "Content-Length" in self.headers:
                return self.rfile.read(int(self.headers["Content-Length"]))
            # What `gh` is given on its standard input it sends on piece by piece.
            data = b""
            while size := int(self.rfile.readline(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data

        do_GET = do_POST = do_PATCH = _do  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    key, certificate = _make_certificate(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    hub.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield {
            "GH_HOST": hub.host,
            "SSL_CERT_FILE": str(certificate),
            "GH_ENTERPRISE_TOKEN": "secret",
            "GH_CONFIG_DIR": str(folder / "gh"),
        }
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _make_certificate(folder: Path) -> tuple[Path, Path]:
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, certificate
