"""softmax beside PyTorch, SciPy and NumPy: one long row in f32, inputs uniform in +-1000.

Every contender writes into memory that exists already where it can.  Several pairs (x, y),
together more than twice the last-level cache, are used in turn, so nothing is warm that a
caller would not find warm.
"""
import itertools

import numpy as np
from harness import THREADS, Report, interleave

L3_BYTES = 32 << 20


def contenders(n, rng):
    import norma

    pairs = max(1, -(-2 * L3_BYTES // (8 * n))) if n >= 1 << 20 else 1
    xs = [rng.uniform(-1000, 1000, n).astype(np.float32) for _ in range(pairs)]
    ys = [np.empty(n, np.float32) for _ in range(pairs)]

    def each(function):
        turn = itertools.cycle(range(pairs))

        def run():
            i = next(turn)
            function(xs[i], ys[i])
        return run

    def ours(**parameters):
        return each(lambda x, y: norma.softmax(x, out=y, threads=THREADS, **parameters))

    def by_hand(x, y):
        np.subtract(x, x.max(), out=y)
        np.exp(y, out=y)
        y /= y.sum()

    found = [("norma auto", ours()), ("norma two-pass", ours(algorithm="two-pass")),
             ("norma three-pass-recompute", ours(algorithm="three-pass-recompute")),
             ("norma three-pass-reload", ours(algorithm="three-pass-reload")),
             ("norma online (Milakov, Gimelshein)", ours(algorithm="online")), ("numpy by hand, in place", each(by_hand))]
    try:
        import torch
        torch.set_num_threads(THREADS)
        found.append(("torch.softmax, out=", each(
            lambda x, y: torch.softmax(torch.from_numpy(x), 0, out=torch.from_numpy(y)))))
    except ImportError:
        print("  (PyTorch is not installed here)")
    try:
        from scipy.special import softmax
        found.append(("scipy.special.softmax", each(lambda x, y: softmax(x))))
    except ImportError:
        print("  (SciPy is not installed here)")
    return found


def main(quick):
    report = Report("softmax", "ns/element", 1e9)
    rng = np.random.default_rng(1)
    for bits in (12, 20, 22) if quick else (12, 16, 20, 22, 24, 26):
        n = 1 << bits
        times = interleave(contenders(n, rng), rounds=3 if quick else 7, least=0.1 if quick else 0.3)
        report.case(f"one row of 2^{bits} = {n}", times, "norma auto", units=n)
    rows, cols = (256, 1000) if quick else (4096, 1000)
    x = rng.normal(size=(rows, cols)).astype(np.float32)
    y = np.empty_like(x)
    import norma
    found = [("norma auto", lambda: norma.softmax(x, out=y, threads=THREADS))]
    try:
        import torch
        tx, ty = torch.from_numpy(x), torch.from_numpy(y)
        found.append(("torch.softmax, out=", lambda: torch.softmax(tx, 1, out=ty)))
    except ImportError:
        pass
    times = interleave(found, rounds=3 if quick else 7, least=0.1 if quick else 0.3)
    report.case(f"{rows} rows of {cols}", times, "norma auto", units=rows * cols)
    report.write()
