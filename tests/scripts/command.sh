#!/bin/bash
# The command from outside: golden cases, every page, completions, terminals, fuzzed
# command lines.  Told by CTest where things are:
#   NRM_SOURCE  the tree      NRM_BUILD  the build, with the command as NRM_BUILD/norma
set -u
: "${NRM_SOURCE:?}" "${NRM_BUILD:?}"
[ -x "$NRM_BUILD/norma" ] || { echo "there is no $NRM_BUILD/norma"; exit 1; }
export PATH="$NRM_BUILD:$PATH" LC_ALL=C.UTF-8
python=${PYTHON:-/usr/bin/python3}
cases=$NRM_SOURCE/tests/cli
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
[ "${NRM_SANITIZED:-0}" = 1 ] && export NRM_SLOWNESS=5

fail() { echo "failed: $*"; failures=$((failures + 1)); }
have() { command -v "$1" >/dev/null 2>&1; }

echo "--- golden cases"
"$python" "$cases/run_cases.py" "$cases"/*.case || fail "golden cases"

echo "--- lists and pages"
norma list --json | "$python" -c '
import json, sys
methods = json.load(sys.stdin)
assert methods == sorted(methods, key=lambda m: m["name"]) and len(methods) >= 3
for m in methods:
    for key in ("name", "summary", "paper", "outputs", "parameters", "info"):
        assert m[key], (m["name"], key)
    print(m["name"], "Examples" if m["examples"] else "")
' > "$work/parts" || fail "norma list --json"
cut -d " " -f 1 "$work/parts" > "$work/methods"
commands="list help replay reproduce bench completion man reference install-docs"
for name in $(cat "$work/methods") $commands; do
    norma help "$name" > "$work/help" || fail "norma help $name"
    norma "$name" --help | cmp -s - "$work/help" || fail "norma $name --help is not norma help $name"
    [ -s "$work/help" ] || fail "norma help $name is empty"
    awk 'length($0) > 80 && !/norma [a-z-]+ --/' "$work/help" | grep -q . && fail "norma help $name is wider than 80 columns"
done
while read -r name examples; do
    for part in Usage Outputs Parameters Reported $examples Paper "Exit codes"; do
        norma help "$name" | grep -qx "$part" || fail "norma help $name has no part $part"
    done
    [ -n "$examples" ] || ! norma help "$name" | grep -qx Examples || fail "norma help $name has an empty part Examples"
done < "$work/parts"

echo "--- examples of every page run as they are printed"
while read -r name examples; do
    [ -n "$examples" ] || continue # it needs a file that another method writes
    norma help "$name" | sed -n "s/^    \(norma $name.*\)/\1/p" > "$work/examples"
    [ -s "$work/examples" ] || fail "norma help $name shows no example"
    while read -r line; do
        (cd "$work" && bash -c "$line" > out 2> err)
        code=$?
        case $code in 0|4) ;; *) fail "$line: exit code $code: $(cat "$work/err")" ;; esac
    done < "$work/examples"
done < "$work/parts"

echo "--- manual pages and completions"
norma install-docs "$work/share" > "$work/installed" || fail "norma install-docs"
while read -r file; do [ -s "$file" ] || fail "$file was not written"; done < "$work/installed"
for page in norma $(sed 's/^/norma-/' "$work/methods") $(printf 'norma-%s ' $commands); do
    [ -s "$work/share/man/man1/$page.1" ] || fail "there is no page $page"
done
for page in "$work"/share/man/man1/*.1; do
    if have groff; then
        warnings=$(groff -man -Tutf8 -ww -z "$page" 2>&1)
        [ -z "$warnings" ] || fail "groff on $page: $warnings"
    fi
    if have man; then
        warnings=$(MANWIDTH=80 man --warnings -l "$page" 2>&1 >/dev/null)
        [ -z "$warnings" ] || fail "man on $page: $warnings"
    fi
done
bash -n "$work/share/bash-completion/completions/norma" || fail "the completion for bash"
have zsh && { zsh -n "$work/share/zsh/site-functions/_norma" || fail "the completion for zsh"; }
have fish && { fish -n "$work/share/fish/vendor_completions.d/norma.fish" || fail "the completion for fish"; }
complete_in_bash() { # words so far, the last one to be completed
    bash -c 'source "$1"; shift; compopt() { :; }; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _norma; printf "%s\n" "${COMPREPLY[@]}"' \
        - "$work/share/bash-completion/completions/norma" "$@"
}
complete_in_bash norma soft | grep -qx softmax || fail "bash completes methods"
complete_in_bash norma softmax --alg | grep -qx -- --algorithm || fail "bash completes parameters"
complete_in_bash norma softmax --algorithm two | grep -qx two-pass || fail "bash completes choices"
complete_in_bash norma softmax --algorithm = two | grep -qx two-pass || fail "bash completes choices after ="
(cd "$work" && touch scores.npy && complete_in_bash norma softmax --x sco | grep -qx scores.npy) || fail "bash completes files"
complete_in_bash norma help spar | grep -qx sparse-ot || fail "bash completes topics"
if have fish; then
    fish -c "source $work/share/fish/vendor_completions.d/norma.fish; complete -C 'norma softmax --algorithm two'" |
        grep -q '^two-pass' || fail "fish completes choices"
fi

if have zsh; then
    zsh -fc 'autoload -U compinit; compinit -u -D; source "$1"; [[ ${_comps[norma]} == _norma ]]' - \
        "$work/share/zsh/site-functions/_norma" || fail "zsh takes the completion"
fi

echo "--- benches"
norma bench top-eigenvector --quick --json | "$python" -c '
import json, sys
r = json.load(sys.stdin)
assert r["version"] and r["threads"] == 1 and r["machine"]["cpu"] and r["machine"]["compiler"]
measures = r["benches"][0]["measures"]
assert len(measures) >= 7 and all(m["median"] > 0 for m in measures), measures
' || fail "norma bench --json"

echo "--- reference pages"
norma reference "$work/reference" > /dev/null || fail "norma reference"
diff -r "$work/reference" "$NRM_SOURCE/docs/reference" > "$work/difference" ||
    fail "docs/reference is not up to date; run 'norma reference docs/reference': $(head -20 "$work/difference")"

echo "--- terminals"
"$python" "$cases/terminal.py" || fail "terminals"

echo "--- fuzzed command lines"
lines=300
if [ "${NRM_SANITIZED:-0}" = 1 ]; then lines=100; fi
"$python" "$cases/fuzz_command.py" $lines 20 || fail "fuzzed command lines"

echo "$failures failed"
[ "$failures" = 0 ]
