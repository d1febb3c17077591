"""row-sketch beside NumPy and SciPy: 2^20 rows of 64 to 512, and what one read of the table costs.

srht needs one pass over the table; `share of bandwidth` is the time of the fastest plain read of it (a BLAS
dot product with itself, or NumPy's sum) over that of srht.  NumPy's srht is the transform level by level and a
choice of rows, in place; SciPy has clarkson_woodruff_transform, a countsketch.
"""
import statistics

import numpy as np
import scipy.linalg
from harness import THREADS, Report, interleave


def numpy_srht(a, m, rng):
    n = len(a)
    x = a * rng.choice([-1.0, 1.0], n)[:, None]
    h = 1
    while h < n:
        y = x.reshape(n // (2 * h), 2, h, -1)
        upper = y[:, 0] + y[:, 1]
        np.subtract(y[:, 0], y[:, 1], out=y[:, 1])
        y[:, 0] = upper
        h *= 2
    return x[rng.choice(n, m, replace=False)] / np.sqrt(m)


def numpy_gaussian(a, m, rng):
    return sum(rng.standard_normal((m, 4096)) @ a[i:i + 4096] for i in range(0, len(a), 4096)) / np.sqrt(m)


def main(quick):
    import norma
    report = Report("row-sketch", "ms", 1e3)
    n, d, m = (2 ** 16 if quick else 2 ** 20), 64, 512
    rng = np.random.default_rng(6)
    a = rng.standard_normal((n, d))
    flat = a.ravel()

    def ours(kind):
        return lambda: norma.row_sketch(a, rows=m, sketch=kind, seed=1, threads=THREADS)

    fast = [(f"norma {kind}", ours(kind)) for kind in ("srht", "countsketch", "osnap")]
    fast += [("read by BLAS dot", lambda: flat @ flat), ("read by NumPy sum", flat.sum),
             ("SciPy clarkson_woodruff", lambda: scipy.linalg.clarkson_woodruff_transform(a, m, seed=1))]
    times = interleave(fast, rounds=3 if quick else 9, least=0.2)
    read = min(statistics.median(times["read by BLAS dot"]), statistics.median(times["read by NumPy sum"]))
    best = min(min(times["read by BLAS dot"]), min(times["read by NumPy sum"]))
    srht = times["norma srht"]
    report.case(f"{n} rows of {d} to {m}, one pass", times, "norma srht", units=1,
                **{"read GB/s": f"{a.nbytes / read / 1e9:.1f}",
                   "share of bandwidth, medians": f"{read / statistics.median(srht):.0%}",
                   "share of bandwidth, least times": f"{best / min(srht):.0%}"})
    slow = [("norma srht", ours("srht")), ("norma bgp", ours("bgp")), ("norma srct", ours("srct")),
            ("NumPy srht", lambda: numpy_srht(a, m, rng)), ("norma gaussian", ours("gaussian")),
            ("NumPy gaussian", lambda: numpy_gaussian(a, m, rng))]
    report.case(f"{n} rows of {d} to {m}, dense", interleave(slow, rounds=3, least=0.1), "norma srht", units=1)
    report.write()
