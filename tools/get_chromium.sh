#!/usr/bin/env bash
# The browser tests need a Chromium: install Debian's if there is none. Without apt or root, say what to do.
set -euo pipefail

if [ -n "${LIGHTLY_NB_CHROMIUM:-}" ]; then exit 0; fi
for name in chromium chromium-browser google-chrome chrome; do
    if command -v "$name" >/dev/null; then exit 0; fi
done
as_root=()
if [ "$(id -u)" != 0 ]; then as_root=(sudo -n); fi
install=(apt-get install -y --no-install-recommends chromium)
if command -v apt-get >/dev/null && { [ ${#as_root[@]} = 0 ] || sudo -n true 2>/dev/null; }; then
    echo "The browser tests need Chromium, installing it: ${install[*]}"
    export DEBIAN_FRONTEND=noninteractive
    ${as_root[@]+"${as_root[@]}"} apt-get update -qq
    ${as_root[@]+"${as_root[@]}"} "${install[@]}" -qq >/dev/null
else
    echo "note: no Chromium found, so the tests below tests/browser will fail. Install one, or set" \
        "LIGHTLY_NB_CHROMIUM to its path, or leave them out: .venv/bin/python -m pytest --ignore tests/browser" >&2
fi
