#!/usr/bin/env bash
# The tests of the workspace need a PostgreSQL server to start: install Debian's if there is none.
set -euo pipefail

if [ -n "${LIGHTLY_NB_POSTGRES_BIN:-}" ] || command -v initdb >/dev/null; then exit 0; fi
if compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then exit 0; fi
as_root=()
if [ "$(id -u)" != 0 ]; then as_root=(sudo -n); fi
install=(apt-get install -y --no-install-recommends postgresql)
if command -v apt-get >/dev/null && { [ ${#as_root[@]} = 0 ] || sudo -n true 2>/dev/null; }; then
    echo "The tests of the workspace need PostgreSQL, installing it: ${install[*]}"
    export DEBIAN_FRONTEND=noninteractive
    ${as_root[@]+"${as_root[@]}"} apt-get update -qq
    ${as_root[@]+"${as_root[@]}"} "${install[@]}" -qq >/dev/null
else
    echo "note: no PostgreSQL found, so tests below tests/workspace will fail. Install one, or set" \
        "LIGHTLY_NB_POSTGRES_BIN to the folder of its initdb" >&2
fi
