#!/usr/bin/env bash
# The Python package, from the source tree, against the library of this build.
set -euo pipefail
: "${NRM_SOURCE:?}" "${NRM_BUILD:?}"

if [ "${NRM_SANITIZED:-0}" = 1 ]; then
    echo "a sanitized library cannot be loaded into a Python that is not"
    exit 77
fi
python=${NRM_PYTHON:-/usr/bin/python3}
[ -x "$python" ] || python=$(command -v python3) || { echo "there is no python3"; exit 77; }
"$python" -c 'import numpy, pytest' || { echo "$python has no numpy or pytest"; exit 77; }
cd "$NRM_SOURCE/python"
exec "$python" -m pytest -q "$@"
