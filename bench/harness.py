"""Fair timing: every contender in turn, round after round; medians and spread.

A contender is a name and a function without arguments.  Within its turn it runs until
`least` seconds have passed, and the turn's time per run is kept; the order of the turns is
rotated from round to round so that no contender always follows the same neighbour.
"""
from __future__ import annotations

import json
import os
import pathlib
import platform
import statistics
import time
from importlib import metadata

THREADS = int(os.environ.get("NORMA_BENCH_THREADS", "1"))
RESULTS = pathlib.Path(__file__).with_name("results")


def interleave(contenders, rounds=7, least=0.2):
    """{name: [seconds per run, one a round]}; one warm-up each first."""
    times = {name: [] for name, _ in contenders}
    for _, run in contenders:
        run()
    for turn in range(rounds):
        shift = turn % len(contenders)
        for name, run in contenders[shift:] + contenders[:shift]:
            runs, start = 0, time.perf_counter()
            while True:
                run()
                runs += 1
                elapsed = time.perf_counter() - start
                if elapsed >= least:
                    break
            times[name].append(elapsed / runs)
    return times


def machine():
    model = platform.processor()
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    versions = {}
    for package in ("numpy", "scipy", "torch", "POT", "scikit-learn", "dppy"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            pass
    return {"cpu": model, "cores": os.cpu_count(), "threads": THREADS, "python": platform.python_version(),
            "versions": versions}


class Report:
    """Collects cases, prints each as it comes, writes them all at the end."""

    def __init__(self, name, unit, scale):
        self.name, self.unit, self.scale = name, unit, scale
        self.cases = []
        print(f"\n{name}, {THREADS} thread(s), median [least .. most] in {unit}; ratio to Norma")

    def case(self, title, times, ours, units=1.0, **facts):
        """times: {contender: seconds}; units: what a run is divided by (elements, say)."""
        base = statistics.median(times[ours])
        print(f"  {title}")
        rows = []
        for contender, seconds in times.items():
            shown = [s / units * self.scale for s in seconds]
            middle, ratio = statistics.median(shown), statistics.median(seconds) / base
            print(f"    {contender:<34} {middle:10.4g} [{min(shown):.4g} .. {max(shown):.4g}]   {ratio:6.2f} x")
            rows.append({"contender": contender, "median": middle, "rounds": shown, "ratio": ratio})
        for key, value in facts.items():
            print(f"    {key}: {value}")
        self.cases.append({"title": title, "unit": self.unit, "rows": rows, **facts})

    def write(self):
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self.name}.json"
        path.write_text(json.dumps({"benchmark": self.name, "machine": machine(), "cases": self.cases}, indent=1) + "\n")
        print(f"  written: {path.relative_to(pathlib.Path.cwd())}")
