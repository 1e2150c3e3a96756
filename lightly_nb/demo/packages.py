"""Where the demo's photographs come from: Debian packages, fetched but not installed, and wheels.

`apt-get download` and `dpkg-deb -x` need no root and install nothing. Nothing but the package
registries is asked.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from lightly_nb.demo.photographs import ROOTS, WHEELS, Photograph
from lightly_nb.errors import DatasourceError
from lightly_nb.events import Listener, Stage, say

STEP = "DOWNLOADING PACKAGES"
NOT_IN_THIS_DISTRIBUTION = ("Unable to locate package", "no installation candidate", "Can't find a source")


def has_apt() -> bool:
    """Whether this machine can fetch and unpack Debian packages."""
    return shutil.which("apt-get") is not None and shutil.which("dpkg-deb") is not None


def wheel_folder(package: str) -> Path:
    """Return the folder of an installed wheel's pictures, without importing the package.

    Raises
    ------
    DatasourceError
        If the package is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise DatasourceError(
            f"the demo photographs need the package {WHEELS[package]}, which is not installed; "
            "run: pip install 'lightly_nb[demo]'"
        )
    return Path(spec.origin).parent / ROOTS[package]


def unpacked_debian_packages(packages: Iterable[str], folder: Path, on_event: Listener) -> dict[str, Path]:
    """Download Debian packages into `folder`, unpack them there, and return where their pictures are.

    A package that this distribution does not have is left out with a warning.

    Raises
    ------
    DatasourceError
        If a package cannot be downloaded, or if there is none of them.
    """
    apt = _Apt(folder)
    found, missing = {}, []
    packages = list(packages)
    with Stage(on_event, STEP, total=len(packages), unit="package") as stage:
        for package in packages:
            deb = apt.downloaded(package)
            if deb is None:
                missing.append(package)
            else:
                found[package] = _unpacked(deb, folder / package) / ROOTS[package]
            stage.advance(1)
    if not found:
        raise DatasourceError(_no_network(apt.complaint))
    if missing:
        say(on_event, STEP, f"not in this distribution, left out: {', '.join(missing)}", "warning")
    return found


def present(photographs: Iterable[Photograph], folders: dict[str, Path]) -> list[tuple[Photograph, Path]]:
    """Return the photographs whose file is there, with its path: packages change from release to release."""
    pairs = [
        (photo, folders[photo.package] / photo.file) for photo in photographs if photo.package in folders
    ]
    return [(photo, path) for photo, path in pairs if path.is_file()]


class _Apt:
    """`apt-get download` into one folder, with package lists of its own when the system's do not serve."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.private_lists: list[str] = []
        self.complaint = ""

    def downloaded(self, package: str) -> Path | None:
        """Return the package's file, or None if this distribution does not have it."""
        done = self._run("download", package)
        if done.returncode and not self.private_lists:
            self._update()
            done = self._run("download", package)
        if done.returncode:
            if any(words in done.stderr for words in NOT_IN_THIS_DISTRIBUTION):
                return None
            raise DatasourceError(_no_network(done.stderr))
        return next(self.folder.glob(f"{package}_*.deb"))

    def _update(self) -> None:
        """Fetch the package lists into `folder`: fresh ones, and no root needed."""
        for part in ("state/lists/partial", "cache/archives/partial"):
            (self.folder / part).mkdir(parents=True)
        state, cache = self.folder / "state", self.folder / "cache"
        self.private_lists = ["-o", f"Dir::State={state}", "-o", f"Dir::Cache={cache}"]
        self.complaint = self._run("update").stderr

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        options = ["-o", "APT::Sandbox::User=", "-o", "Acquire::Retries=2", "-o", "Acquire::http::Timeout=30"]
        return subprocess.run(
            ["apt-get", "-q", *options, *self.private_lists, *arguments],
            cwd=self.folder,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def _unpacked(deb: Path, folder: Path) -> Path:
    folder.mkdir(parents=True)
    subprocess.run(["dpkg-deb", "-x", str(deb), str(folder)], check=True, capture_output=True)
    deb.unlink()
    return folder


def _no_network(complaint: str) -> str:
    last = " ".join(complaint.split("\n")[-4:]).strip() or "no message"
    return (
        f"the demo photographs ship in Debian packages, but apt-get could not fetch them: {last}. "
        "Check that this machine reaches its package mirror (try: apt-get download mate-backgrounds), or "
        "gather fewer different photographs, from the installed wheels alone: "
        "python -m lightly_nb.demo --wheels-only"
    )
