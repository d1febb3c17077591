#!/bin/bash
# The README's "three doors" block, run as it stands: the blocks between the markers
# <!-- test:sh -->, <!-- test:c --> and <!-- test:python --> and the next fence's end.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
block() { awk -v mark="<!-- test:$1 -->" '$0 == mark {on = 1; next} on && /^```/ {if (inside) exit; inside = 1; next} inside' \
    "$NRM_SOURCE/README.md"; }
expect="0.244728 0.665241 0.090031"
cd "$work"
export PATH=$NRM_BUILD:$PATH

block sh >door.sh
test -s door.sh
bash -euo pipefail door.sh 2>summary >sh.out
tr '\n' ' ' <sh.out | grep -q '0.24472.*0.66524.*0.09003' || { echo "the command's block gave:"; cat sh.out; exit 1; }

block c >door.c
"$NRM_COMPILER" -std=c11 -Wall -Wextra -Werror -I"$NRM_SOURCE/include" door.c -L"$NRM_BUILD" -lnorma \
    -Wl,-rpath,"$NRM_BUILD" $([ "$NRM_SANITIZED" = 1 ] && echo -fsanitize=address,undefined) -o door
[ "$(./door)" = "$expect" ] || { echo "the C block gave: $(./door)"; exit 1; }

if [ "$NRM_SANITIZED" != 1 ]; then
    block python >door.py
    test -s door.py
    NORMA_LIBRARY=$NRM_BUILD/libnorma.so PYTHONPATH=$NRM_SOURCE/python /usr/bin/python3 door.py >py.out
    grep -q '0.24472847.*0.66524096.*0.09003057' py.out || { cat py.out; exit 1; }
fi
echo "readme: the same numbers through three doors"
