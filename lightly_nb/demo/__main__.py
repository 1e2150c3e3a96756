"""`python -m lightly_nb.demo [FOLDER]`: gather the demo photographs."""

from __future__ import annotations

import argparse
import sys

from lightly_nb.demo.gather import demo_images
from lightly_nb.errors import LightlyNBError


def main(arguments: list[str] | None = None) -> int:
    """Gather the demo photographs; return 0, or 1 after one line on what went wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m lightly_nb.demo", description="Gather real photographs from installable packages."
    )
    parser.add_argument("folder", nargs="?", default="demo/photographs")
    parser.add_argument(
        "--wheels-only", action="store_true", help="no Debian packages: fewer photographs, no network"
    )
    options = parser.parse_args(arguments)
    try:
        demo_images(options.folder, wheels_only=options.wheels_only)
    except LightlyNBError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
