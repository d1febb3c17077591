#!/bin/bash
# The methods of tests/trial at the command and in Python: text parameters and outputs, no inputs.
set -u
: "${NRM_SOURCE:?}" "${NRM_BUILD:?}"
trial=$NRM_BUILD/tests/trial
[ -x "$trial/norma" ] || { echo "there is no $trial/norma"; exit 1; }
export PATH="$trial:$PATH" LC_ALL=C.UTF-8
python=${NRM_PYTHON:-/usr/bin/python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

fail() { echo "failed: $*"; failures=$((failures + 1)); }
have() { command -v "$1" >/dev/null 2>&1; }

echo "--- golden cases"
"$python" "$NRM_SOURCE/tests/cli/run_cases.py" "$NRM_SOURCE/tests/trial/trial.case" || fail "golden cases"

echo "--- examples of the pages run as they are printed"
for name in z-trial-words z-trial-alone; do
    norma help "$name" | sed -n "s/^    \(norma $name.*\)/\1/p" > "$work/examples"
    [ "$(wc -l < "$work/examples")" -ge 2 ] || fail "norma help $name shows no example"
    while read -r line; do
        (cd "$work" && bash -c "$line" > out 2> err) || fail "$line: $(cat "$work/err")"
    done < "$work/examples"
done
for name in z-trial-words z-trial-alone z-trial-text; do
    norma man "$name" > "$work/page.1"
    if have groff; then
        warnings=$(groff -man -Tutf8 -ww -z "$work/page.1" 2>&1)
        [ -z "$warnings" ] || fail "groff on $name: $warnings"
    fi
done

echo "--- completions"
for shell in bash zsh fish; do
    norma completion $shell > "$work/completion.$shell"
    have $shell && { $shell -n "$work/completion.$shell" || fail "the completion for $shell"; }
done
complete_in_bash() { # words so far, the last one to be completed
    (cd "$work" && bash -c 'source "$1"; shift; compopt() { :; }; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _norma; printf "%s\n" "${COMPREPLY[@]}"' \
        - completion.bash norma z-trial-words "$@")
}
mkdir "$work/somewhere" && touch "$work/something"
complete_in_bash --data some | grep -qx something || fail "bash completes the files of a text"
[ "$(complete_in_bash --folder some)" = somewhere ] || fail "bash completes the folders of a text"
[ -z "$(complete_in_bash --prompt some)" ] || fail "bash completes free words"
grep -q -- "'--data=\[where to read\]:file:_files'" "$work/completion.zsh" || fail "zsh completes the files of a text"
grep -q -- "'--prompt=\[what to begin with\]:text:'" "$work/completion.zsh" || fail "zsh knows a text"
grep -q -- "z-trial-words' -l folder -x -a '(__fish_complete_directories)'" "$work/completion.fish" || fail "fish completes folders"

echo "--- terminals"
"$python" "$NRM_SOURCE/tests/cli/terminal.py" trial_text || fail "terminals"

echo "--- fuzzed command lines"
"$python" "$NRM_SOURCE/tests/cli/fuzz_command.py" 120 21 z-trial || fail "fuzzed command lines"

echo "--- Python"
if [ "${NRM_SANITIZED:-0}" != 1 ] && "$python" -c 'import numpy, pytest' 2> /dev/null; then
    (cd "$NRM_SOURCE/python" && NRM_BUILD=$trial "$python" -m pytest -q tests/test_text.py tests/test_examples.py \
        tests/test_interface.py -k 'not stub_is_fresh') || fail "Python"
fi

echo "$failures failed"
[ "$failures" = 0 ]
