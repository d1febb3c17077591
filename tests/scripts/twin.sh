#!/usr/bin/env bash
# The same training in PyTorch, from the same weights and batches, has the same losses.
set -euo pipefail
: "${NRM_SOURCE:?}" "${NRM_BUILD:?}"

python=${NRM_PYTHON:-/usr/bin/python3}
[ -x "$python" ] || python=$(command -v python3) || { echo "there is no python3"; exit 77; }
"$python" -c 'import numpy, torch' 2>/dev/null || { echo "$python has no numpy or torch"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1
for name in gpt convnet mlp; do
    "$NRM_BUILD/tests/twin" "$name" "$work/$name.npz"
done
"$python" "$NRM_SOURCE/tests/reference/twin.py" "$work"/*.npz
