#!/bin/bash
# tools/new-method in a copy of the tree: the skeleton builds without a warning, passes its own
# test and answers at the command, its reproduction runs, and only the named files changed.
set -euo pipefail
if [ "${NRM_SANITIZED:-0}" = 1 ] || [ "$(basename "$NRM_BUILD")" = clang ]; then exit 77; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -C "$NRM_SOURCE" --exclude=./build --exclude=./.git --exclude=./.venv --exclude=./norma-report -cf - . | tar -C "$work" -xf -
cp -r "$work" "$work.before"
trap 'rm -rf "$work" "$work.before"' EXIT
cd "$work"

tools/new-method demo-scale demo 13 >"$work.before/log"
changed=$(diff -rq "$work.before" "$work" | grep -v "$work.before: log" | sed "s|$work.before|.|; s|$work|.|g" | LC_ALL=C sort || true)
expected='Files ./include/norma/norma.h and ./include/norma/norma.h differ
Files ./papers/table.def and ./papers/table.def differ
Files ./src/method/table.def and ./src/method/table.def differ
Only in ./docs/methods: demo-scale.md
Only in ./include/norma: demo_scale.h
Only in ./papers: 13-demo-scale.c
Only in ./src: demo
Only in ./tests: test_demo_scale.c'
[ "$changed" = "$expected" ] || { echo "changed:"; echo "$changed"; exit 1; }
if tools/new-method demo-scale demo 2>/dev/null; then echo "a name was taken twice"; exit 1; fi
if tools/new-method 'Bad Name' demo 2>/dev/null; then echo "a bad name was taken"; exit 1; fi

cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_C_FLAGS=-O1 -DNRM_WERROR=ON >"$work.before/log"
cmake --build build --target norma_command test_demo_scale test_descriptors >"$work.before/log" || { cat "$work.before/log"; exit 1; }
build/tests/test_demo_scale
build/tests/test_descriptors
[ "$(build/norma demo-scale --x '[1,2,3]' --factor 4 --y - --quiet | tr '\n' ' ')" = "4 8 12 " ]
build/norma reproduce 13 --quick --out report --json | grep -q '"holds"'
echo "new-method: the skeleton builds, passes and answers"
