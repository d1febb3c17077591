"""Run the benchmarks named on the command line, or all."""
import argparse
import importlib
import os
import pathlib

NAMES = sorted(path.stem[6:] for path in pathlib.Path(__file__).parent.glob("bench_*.py"))

parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
parser.add_argument("names", nargs="*", metavar="NAME", help="of " + ", ".join(NAMES))
parser.add_argument("--quick", action="store_true", help="smaller sizes, fewer rounds")
parser.add_argument("--threads", type=int, default=1, help="of every contender (default 1)")
options = parser.parse_args()
chosen = [name.replace("-", "_") for name in options.names] or NAMES
for name in chosen:
    if name not in NAMES:
        parser.error(f"there is no benchmark {name}; there are {', '.join(NAMES)}")

# Thread counts are read when the libraries load.
os.environ["NORMA_BENCH_THREADS"] = str(options.threads)
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = str(options.threads)
for name in chosen:
    importlib.import_module(f"bench_{name}").main(options.quick)
