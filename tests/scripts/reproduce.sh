#!/usr/bin/env bash
# `norma reproduce all --quick`: the report as data, the page as text, and the page as a
# browser shows it, on a phone and on a desk, light and dark.
set -euo pipefail
norma=$NRM_BUILD/norma
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export NRM_REPORT=$folder/report HOME=$folder

# Sanitized code is some ten times as slow: two pages go through the kit; test_b1 has the benchmark of the others.
pages=all
if [ "${NRM_SANITIZED:-0}" = 1 ]; then pages="11 32"; fi
export NRM_PAGES=$pages
echo "== run"
# shellcheck disable=SC2086 # several words
"$norma" reproduce $pages --quick --out "$NRM_REPORT" >"$folder/summary" 2>"$folder/errors"
test ! -s "$folder/errors" # no progress line where there is no terminal
grep -q "$NRM_REPORT/index.html" "$folder/summary"

echo "== report.json"
python3 - <<'PYTHON'
import json, os, shutil
folder = os.environ["NRM_REPORT"]
report = json.load(open(folder + "/report.json"))
page = open(folder + "/index.html", encoding="utf-8").read()
words = ("holds", "holds in direction", "does not hold here", "not measured")
count = dict.fromkeys(words, 0)
plots = 0
assert report["papers"] and len(report["all_papers"]) == 33 and report["quick"] and not report["stopped"]
if os.environ["NRM_PAGES"] == "all":
    assert {p["number"] for p in report["papers"] if p["number"] > 0} == {p["number"] for p in report["all_papers"] if p["implemented"]}
for paper in report["papers"]:
    assert paper["state"] == "done", (paper["number"], paper["message"])
    assert paper["claims"] and paper["about"] and paper["plots"], paper["number"]
    plots += len(paper["plots"])
    for claim in paper["claims"]:
        name = (paper["number"], claim["id"])
        count[claim["verdict"]] += 1
        assert claim["statement"] and claim["where"] and claim["holds_when"], name
        assert claim["reason"] or claim["verdict"] == "holds", name
        assert claim["reason"] != "The experiment gave no value for this claim.", name
        if claim["verdict"] == "not measured":
            continue
        values, value = sorted(claim["values"]), claim["value"]
        assert values[0] <= value <= values[-1], name
        limit = {"at-least": lambda limit: value >= limit, "at-most": lambda limit: value <= limit,
                 "true": lambda limit: value >= limit,
                 "within": lambda limit: abs(value - claim["target"]) <= limit}[claim["relation"]]
        assert limit(claim["holds"]) == (claim["verdict"] == "holds"), name
    for table in paper["tables"]:
        assert all(len(row) == len(table["columns"]) for row in table["rows"]), (paper["number"], table["title"])
assert report["summary"] == count, (report["summary"], count)

print("== index.html stands alone")
for foreign in ("http:", "https:", "//www", "@import", "<script", "<link", "<img", "<iframe", "src="):
    assert foreign not in page, foreign
assert page.count('class="card"') == len(report["papers"])
if shutil.which("gnuplot"):
    assert page.count("role='img'") == plots, (page.count("role='img'"), plots)
    assert "gnuplot is missing" not in page
print("claims:", ", ".join(f"{n} {word}" for word, n in count.items()))
PYTHON

echo "== --json is the same report"
quickest=$(python3 -c 'import json, sys
print(min(json.load(open(sys.argv[1]))["papers"], key=lambda paper: paper["seconds"])["slug"])' "$NRM_REPORT/report.json")
"$norma" reproduce "$quickest" --quick --json --out "$folder/one" >"$folder/one.json"
cmp "$folder/one.json" "$folder/one/report.json"

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$browser" ]; then
    echo "no chromium here: the page was not looked at"
    exit 77
fi
browse() { # width scheme (0 dark, 1 light) page option ...
    local width=$1 scheme=$2 page=$3
    shift 3
    timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars \
        --user-data-dir="$folder/profile" --force-device-scale-factor=1 --window-size="$width,2400" \
        --blink-settings=preferredColorScheme="$scheme" "$@" "file://$page" 2>/dev/null
}

echo "== in a browser"
# A copy that says how wide it came out: nothing may stick out to the side.  It sits in a
# frame, because the window itself cannot be as narrow as a phone.
{ cat "$NRM_REPORT/index.html"
  echo '<script>parent.postMessage("width " + document.documentElement.scrollWidth + " of " + innerWidth, "*")</script>'
} >"$folder/measured.html"
for width in 320 390 1280; do
    cat >"$folder/frame.html" <<HTML
<!doctype html><body><script>onmessage = message => document.body.append("[" + message.data + "]")</script>
<iframe width="$width" height="900" style="border:0" src="measured.html"></iframe>
HTML
    said=$(browse 1400 1 "$folder/frame.html" --dump-dom | grep -o '\[width [0-9]* of [0-9]*\]')
    read -r _ is _ of <<<"${said//[\[\]]/}"
    echo "$width: content $is of $of"
    [ "$of" = "$width" ] && [ "$is" -le "$of" ]
done
for width in 390 1280; do
    for scheme in 0 1; do
        browse "$width" "$scheme" "$NRM_REPORT/index.html" --screenshot="$folder/$width-$scheme.png" >/dev/null
        test -s "$folder/$width-$scheme.png"
    done
done
python3 - "$folder" <<'PYTHON'
import struct, sys, zlib

def pixels(path):
    """Rows of an 8-bit RGB or RGBA PNG, filters undone, as bytes."""
    data = open(path, "rb").read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
            assert depth == 8 and colour in (2, 6)
            step = 3 if colour == 2 else 4
        if kind == b"IDAT":
            packed += body
        at += length + 12
    raw, stride, before, rows = zlib.decompress(packed), width * step, bytes(width * step), []
    for y in range(height):
        kind, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride) if kind else ():
            left, up, corner = (row[i - step] if i >= step else 0), before[i], (before[i - step] if i >= step else 0)
            if kind == 4:
                guess = left + up - corner
                near = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]
            else:
                near = (0, left, up, (left + up) // 2)[kind]
            row[i] = row[i] + near & 255
        before = bytes(row)
        rows.append(before)
    return width, step, rows

for width in (390, 1280):
    ground = {}
    for scheme in (0, 1):
        found, step, rows = pixels(f"{sys.argv[1]}/{width}-{scheme}.png")
        assert found == width
        colours = {row[i:i + 3] for row in rows[::7] for i in range(0, len(row), 3 * step)}
        assert len(colours) > 60, f"{width} px, scheme {scheme}: {len(colours)} colours, a blank page?"
        ground[scheme] = sum(rows[2][:3]) / 3
    assert ground[0] < 60 and ground[1] > 200, ground
print("screenshots: drawn, dark is dark and light is light")
PYTHON
