#!/bin/bash
# The programs in the documents: every C block behind a line <!-- test:c --> in docs/*.md is
# compiled with all warnings and run; it must end with 0.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
awk '$0 == "<!-- test:c -->" {on = 1; next}
     on && /^```/ {if (inside) {inside = on = 0; close(file)} else {inside = 1; n++; file = sprintf("block%02d.c", n)} next}
     inside {print > file}' "$NRM_SOURCE"/docs/*.md
count=0
for block in block*.c; do
    "$NRM_COMPILER" -std=c11 -Wall -Wextra -Werror -I"$NRM_SOURCE/include" "$block" -L"$NRM_BUILD" -lnorma -lm \
        -Wl,-rpath,"$NRM_BUILD" $([ "$NRM_SANITIZED" = 1 ] && echo -fsanitize=address,undefined) -o program ||
        { echo "documents: $block does not compile:"; cat "$block"; exit 1; }
    ./program >out || { echo "documents: $block failed:"; cat "$block" out; exit 1; }
    count=$((count + 1))
done
[ "$count" -ge 2 ] || { echo "documents: only $count blocks were found"; exit 1; }
echo "documents: $count programs run"
