"""A little AWS: STS that gives out credentials for a role, and S3 that takes nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

ROLE = "arn:aws:iam::123456789012:role/reader"
EXTERNAL_ID = "hush-external-id"

_ASSUMED = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<Credentials><AccessKeyId>ASIA{number}</AccessKeyId><SecretAccessKey>secret-{number}</SecretAccessKey>
<SessionToken>session-{number}</SessionToken><Expiration>{expiration}</Expiration></Credentials>
</AssumeRoleResult></AssumeRoleResponse>"""
_DENIED = (
    "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized</Message></Error></ErrorResponse>"
)
_FORBIDDEN = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


@dataclass
class RoleServer:
    """What the server holds and what it was asked."""

    url: str = ""
    seconds: int = 3600
    """How long credentials are valid."""
    files: dict[str, bytes] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    """The session tokens given out, the last one valid."""
    written_with: list[str | None] = field(default_factory=list)
    """The encryption key that each write asked for."""


@contextmanager
def role_server() -> Iterator[RoleServer]:
    """Start it on a loopback port."""
    state = RoleServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = parse_qs(self.body().decode())
            if asked["RoleArn"] != [ROLE] or asked["ExternalId"] != [EXTERNAL_ID]:
                self.answer(403, _DENIED)
                return
            number = len(state.tokens)
            state.tokens.append(f"session-{number}")
            expiration = datetime.now(UTC) + timedelta(seconds=state.seconds)
            self.answer(200, _ASSUMED.format(number=number, expiration=f"{expiration:%Y-%m-%dT%H:%M:%SZ}"))

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if self.headers["x-amz-security-token"] not in state.tokens[-1:]:
                self.answer(403, _FORBIDDEN)
            elif "list-type" in url.query:
                prefix = parse_qs(url.query).get("prefix", [""])[0]
                found = [name for name in state.files if name.startswith(prefix)]
                rows = "".join(
                    f"<Contents><Key>{name}</Key><Size>{len(state.files[name])}</Size><ETag>x</ETag>"
                    "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
                    for name in found
                )
                self.answer(200, f"<ListBucketResult>{rows}</ListBucketResult>")
            else:
                content = state.files.get(unquote(url.path).removeprefix("/bucket/"))
                self.answer(404 if content is None else 200, content or b"")

        do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

        def do_PUT(self) -> None:
            state.files[unquote(urlsplit(self.path).path).removeprefix("/bucket/")] = self.body()
            state.written_with.append(self.headers["x-amz-server-side-encryption-aws-kms-key-id"])
            self.answer(200, "")

        def body(self) -> bytes:
            return self.rfile.read(int(self.headers.get("content-length", 0)))

        def answer(self, status: int, content: str | bytes) -> None:
            data = content.encode() if isinstance(content, str) else content
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
