#!/bin/bash
# Install into a fresh prefix; build and run a stranger's project through the CMake package
# and through pkg-config; compile every public header alone, as C11 and as C++; compare the
# exported symbols with the list in git; look at the SONAME.
set -euo pipefail
if [ "${NRM_SANITIZED:-0}" = 1 ]; then exit 77; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

cmake --install "$NRM_BUILD" --prefix "$prefix" >"$work/install.log"
library=$(find "$prefix" -name libnorma.so)
package=$(dirname "$library")
"$prefix/bin/norma" --version >/dev/null

cmake -S "$NRM_SOURCE/tests/consumer" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" >"$work/configure.log"
cmake --build "$work/cmake" >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
[ "$("$work/cmake/consumer")" = "0.244728 0.665241 0.090031" ]
"$work/cmake/consumer_cpp"

export PKG_CONFIG_PATH=$package/pkgconfig
cc -std=c11 -Wall -Wextra -Wpedantic -Werror "$NRM_SOURCE/tests/consumer/consumer.c" \
    $(pkg-config --cflags --libs norma) -Wl,-rpath,"$package" -o "$work/consumer"
[ "$("$work/consumer")" = "0.244728 0.665241 0.090031" ]

for header in "$prefix"/include/norma/*.h; do
    cc -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$prefix/include" -fsyntax-only -x c "$header" 2>&1 |
        { ! grep -v '#pragma once in main file' | grep .; }
    c++ -std=c++17 -Wall -Wextra -Werror -I"$prefix/include" -fsyntax-only -x c++ "$header"
done

objdump -p "$library" | grep -q 'SONAME.*libnorma\.so\.0$'
"$NRM_SOURCE/tools/symbols" "$library" | diff -u "$NRM_SOURCE/cmake/symbols.txt" - || {
    echo "The exported symbols changed; if that is meant: make symbols"; exit 1; }
! "$NRM_SOURCE/tools/symbols" "$library" | grep -v '^nrm_'
test -s "$prefix/share/man/man1/norma.1"
echo "consumer: install, CMake package, pkg-config, headers, symbols: right"
