#!/usr/bin/env python3
"""Run golden cases of the command.

    run_cases.py CASE_FILE...        (norma must be on PATH)

A case file is a small script; each file runs in a fresh temporary folder.

    # words for the reader
    % command            set-up: must succeed, its output is not looked at
    $ command            a case: run by bash
    > line               its standard output, line by line
    ! line               its standard error
    = code               its exit code (0 where it is not said)

In expected lines '*' stands for anything within a line; a line '...' stands for any
number of lines.  What is not written is not there: a case without '>' lines must print
nothing.
"""
import os
import re
import subprocess
import sys
import tempfile


def read_cases(path):
    """Yield (kind, text, out, err, code, line number)."""
    steps = []
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        line = line.rstrip("\n")
        if not line.strip() or line.startswith("#"):
            continue
        mark, text = line[0], line[2:]
        if mark in "$%":
            steps.append({"kind": mark, "command": text, "out": [], "err": [], "code": 0, "line": number})
        elif not steps or mark not in ">!=":
            sys.exit(f"{path}:{number}: a line must begin with # % $ > ! or =")
        elif mark == "=":
            steps[-1]["code"] = int(text)
        else:
            steps[-1]["out" if mark == ">" else "err"].append(text)
    return steps


def matches(expected, got):
    pattern = ""
    for line in expected:
        if line == "...":
            pattern += r"(?:[^\n]*\n)*"
        else:
            pattern += "[^\n]*".join(re.escape(piece) for piece in line.split("*")) + r"\n"
    if got and not got.endswith("\n"):
        got += "\n"
    return re.fullmatch(pattern, got) is not None


def show(name, expected, got):
    return f"  {name}, expected:\n" + "".join(f"    {l}\n" for l in expected) + \
           f"  {name}, got:\n" + "".join(f"    {l}\n" for l in got.splitlines())


def run_file(path):
    environment = dict(os.environ, LC_ALL="C.UTF-8", TERM="xterm", OMP_NUM_THREADS="2")
    environment.pop("NO_COLOR", None)
    failures = count = 0
    with tempfile.TemporaryDirectory() as folder:
        environment["HERE"] = folder
        for step in read_cases(path):
            done = subprocess.run(["bash", "-c", step["command"]], cwd=folder, env=environment, timeout=60,
                                  stdin=subprocess.DEVNULL, capture_output=True)
            out, err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
            wrong = ""
            if done.returncode != step["code"]:
                wrong += f"  exit code {done.returncode}, expected {step['code']}\n"
            if step["kind"] == "$":
                count += 1
                if not matches(step["out"], out):
                    wrong += show("standard output", step["out"], out)
                if not matches(step["err"], err):
                    wrong += show("standard error", step["err"], err)
            elif wrong:
                wrong += show("standard error", [], err)
            if wrong:
                failures += 1
                print(f"{path}:{step['line']}: $ {step['command']}\n{wrong}", end="")
    return count, failures


def main():
    total = failed = 0
    for path in sys.argv[1:]:
        count, failures = run_file(path)
        total, failed = total + count, failed + failures
    print(f"{total} cases, {failed} failed")
    sys.exit(1 if failed or total == 0 else 0)


main()
