#!/usr/bin/env python3
"""Command lines made of real and garbage words, always the same ones.

    fuzz_command.py [COUNT [SEED [METHODS]]]   (norma must be on PATH; METHODS: how names begin)

Whatever is asked, the command ends by itself with a documented exit code; a failure comes
with a sentence; no sanitiser reports anything; nothing half-written is left.
"""
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time

DOCUMENTED = {0, 1, 2, 3, 4}  # 130 needs a Ctrl-C
LIMIT_SECONDS = 20

GARBAGE = ["", "-", "--", "---", "-x", "--=", "--=1", "=", "[", "[]", "[[]]", "[[1,2],[3]]", "[1,", "[nan]", "[1e400]",
           "[\"a\"]", "[null]", "nan", "inf", "-inf", "1e999", "-1", "0", "0x10", "9223372036854775808", "1.5", "true",
           "false", "\u2207f", "\udcff", "a" * 300, "--" + "b" * 300, "%s%n%d", "../../etc/passwd", "/", "/dev/null",
           "/dev/full", "nowhere/x.npy", ".", "..", "\n", " ", "'", "\"", "--help", "--version", "-h", "--json=1",
           "--seed", "--seed=-1", "--seed=1e3", "--threads=0", "--threads=1", "--threads=99999999999", "--quiet",
           "--json", "--save-problem", "--save-problem=p.npz", "--no-log", "--no-json", "--no-"]


# A method that works for as long as it is told to is told to be brief, and nothing else of that.
BRIEF = {"train": ["--steps=1", "--batch=1", "--context=4", "--evaluate-batches=1"]}
BRIEF_NAMES = {name: [word.split("=")[0] for word in words] for name, words in BRIEF.items()}


def words_of(methods):
    """Words by method: names of options with likely values, some wrong."""
    literals = ["[1,2,3]", "[[1,2],[3,4]]", "[0.5,0.5]", "[[0,1],[1,0]]", "[]", "[-1,2]", "x.npy", "cut.npy", "-",
                "object.npy", "missing.npy", "table.csv", "."]
    result = {}
    for m in methods:
        words = []
        for port in m["inputs"]:
            words += [["--" + port["name"], value] for value in random.sample(literals, 4)]
        for port in m["outputs"]:
            words += [["--" + port["name"], value] for value in ("-", "out.npy", "out.csv", "out.mtx", "out.npz",
                                                                 "out.json", "out.what", ".")]
            words += [["--" + port["name"], "out.txt"]] if port["is_text"] else []
        for p in m["parameters"]:
            name = "--" + p["name"].replace("_", random.choice("-_"))
            if p["kind"] == "flag":
                words += [[name], ["--no-" + p["name"]], [name + "=false"], [name + "=7"]]
            elif p["kind"] == "choice":
                words += [[name, word] for word in p["choices"]] + [[name + "=what"]]
            elif p["kind"] == "text":
                words += [[name, value] for value in ("", "two words", "x.npy", ".", "\u2207f", "\udcff", "\n", "[", "'")]
                words += [[name + "=--quiet"], [name + "="]]
            else:
                likely = [str(p[key]) for key in ("default", "least", "most") if p[key] not in (None, "> 0")]
                words += [[name, value] for value in likely * 3 + ["1", "2", "0", "-1", "nan", "1e-3", "x"]]
        kept = BRIEF_NAMES.get(m["name"], [])
        result[m["name"]] = [w for w in words if w[0].replace("_", "-").split("=")[0] not in kept]
    return result


def make_files(folder):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }"
    header += b" " * (117 - len(header)) + b"\n"
    whole = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(24)
    open(f"{folder}/x.npy", "wb").write(whole)
    open(f"{folder}/cut.npy", "wb").write(whole[:-9])
    open(f"{folder}/object.npy", "wb").write(whole.replace(b"'<f8'", b"'|O' "))
    open(f"{folder}/table.csv", "w").write("a,b\n1,2\n3,4\n")


def examples_of(methods):
    """Good calls by method, as pairs of words."""
    result = {}
    for m in methods:
        flags = {p["name"] for p in m["parameters"] if p["kind"] == "flag"}
        calls = []
        for example in m["examples"]:
            found = re.findall(r"([^\s=]+)(?:=('(?:[^']|'')*'|\[.*?\](?=\s|$)|\S+))?", example["call"])
            pairs = [(name, value[1:-1].replace("''", "'") if value[:1] == "'" else value) for name, value in found]
            calls.append([["--" + name] if name in flags else ["--" + name, value] for name, value in pairs])
        result[m["name"]] = calls or [[]]
    return result


def long_when_bare(methods):
    """Methods that need nothing and then work on data of their own: they are always given an example's."""
    return {m["name"] for m in methods if m["inputs"] and m["examples"]
            and all(port["optional"] for port in m["inputs"]) and not any(p["required"] for p in m["parameters"])}


def one_line(dice, by_method, examples, bare):
    topics = list(by_method) * 4 + ["list", "help", "replay", "completion", "man", "reference", "install-docs"]
    topic = dice.choice(topics) if dice.random() < 0.95 else dice.choice(GARBAGE)
    argv = [topic]
    own = by_method.get(topic)
    if topic in bare or own and dice.random() < 0.7:  # mostly what a person might mean: each name once
        names = set()
        if topic in bare or dice.random() < 0.8:
            for words in dice.choice(examples[topic]):
                argv += words
                names.add(words[0])
        for words in dice.sample(own, min(len(own), dice.randrange(0, 5))):
            name = words[0].split("=")[0]
            if name not in names:
                argv += words
            names.add(name)
    for _ in range(dice.choice([0, 0, 0, 0, 1, 3])):
        if own and dice.random() < 0.5:
            argv += dice.choice(own)
        else:
            argv.append(dice.choice(GARBAGE) if dice.random() < 0.8 else dice.choice(list(by_method)))
    for word in BRIEF.get(topic, []):
        if word.split("=")[0] not in argv:
            argv.append(word)
    return argv


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    dice = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 20)
    random.seed(1)
    methods = json.loads(subprocess.run(["norma", "list", "--json"], capture_output=True, check=True).stdout)
    methods = [m for m in methods if m["name"].startswith("".join(sys.argv[3:]))]
    by_method, examples, bare = words_of(methods), examples_of(methods), long_when_bare(methods)
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    failures, seen, start = 0, {}, time.monotonic()

    with tempfile.TemporaryDirectory() as folder:
        make_files(folder)
        for _ in range(count):
            argv = [os.fsencode(word) if "\udcff" not in word else word.encode("utf-8", "surrogateescape")
                    for word in one_line(dice, by_method, examples, bare)]
            try:
                done = subprocess.run([b"norma"] + argv, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                      capture_output=True, timeout=LIMIT_SECONDS)
            except subprocess.TimeoutExpired:
                print("too slow:", argv)
                failures += 1
                continue
            seen[done.returncode] = seen.get(done.returncode, 0) + 1
            err = done.stderr
            wrong = ""
            if done.returncode not in DOCUMENTED:
                wrong = f"exit code {done.returncode}"
            elif b"Sanitizer" in err or b"runtime error" in err:
                wrong = "a sanitiser report"
            elif done.returncode in (1, 2, 3) and not err.startswith(b"norma: "):
                wrong = "a failure without a sentence"
            elif b"internal" in err.lower() or b"(null)" in err:
                wrong = "a sentence that says nothing"
            if wrong:
                failures += 1
                print(f"{wrong}: {argv}\n{err.decode('utf-8', 'replace')[:2000]}")
        for parent, _, names in os.walk(folder):
            left = [name for name in names if ".tmp" in name or ".norma-" in name]
            if left:
                failures += 1
                print("left behind:", parent, left)
    codes = ", ".join(f"{code}: {seen[code]}" for code in sorted(seen))
    print(f"{count} command lines in {time.monotonic() - start:.1f} s (exit codes {codes}), {failures} failed")
    sys.exit(1 if failures else 0)


main()
