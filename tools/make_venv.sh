#!/usr/bin/env bash
# Make a virtual environment with pip in folder $1, unless it is there, with the first Python >= 3.11 found.
set -euo pipefail
venv=$1

works() { "$venv/bin/python" -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
new_enough() { "$1" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

if works; then exit 0; fi
for python in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14}; do
    if new_enough "$python"; then found=$python && break; fi
done
if [ -z "${found:-}" ]; then
    echo "error: no Python 3.11 or newer found (tried ${PYTHON:-python3, python3.11 … 3.14});" \
        "install one, or name it: make PYTHON=/path/to/python" >&2
    exit 1
fi

rm -rf "$venv"
if "$found" -m venv "$venv" >/dev/null 2>&1 && works; then exit 0; fi
# Debian and Ubuntu ship Python without ensurepip unless python3-venv is installed: use the pip outside.
rm -rf "$venv"
"$found" -m venv --without-pip "$venv"
if ! "$found" -m pip --python "$venv/bin/python" install --quiet pip; then
    rm -rf "$venv"
    echo "error: $found can make no virtual environment with pip; install it first:" \
        "apt-get install python3-venv (or python3-pip)" >&2
    exit 1
fi
