"""linf-regression beside LAPACK's dgels, the normal equations (BLAS), and SciPy's sketch with lstsq.

2^20 x 200 in f64 from memory.  SciPy's CountSketch gets as many rows as it takes to reach the largest
coordinate error of linf-regression; [A b] is put together for it beforehand.  On normal A and b that is the
same number of rows (medians over seeds).  On the hard problem of the paper (A = [I; 0], b on 16 rows below)
a collision of two rows spoils a coordinate, and to keep that as rare takes many more (nine in ten of 40
seeds).  dgels works on a copy in columns, the normal equations where A lies.
"""
import statistics

import numpy as np
from harness import THREADS, Report, interleave


def errors(solve, exact, seeds):
    return statistics.median(float(np.abs(solve(seed) - exact).max()) for seed in range(seeds))


def case(report, n, d, rounds, seeds):
    import norma
    from scipy.linalg import cho_factor, cho_solve, clarkson_woodruff_transform, lapack, lstsq
    random = np.random.default_rng(6)
    ab = random.standard_normal((n, d + 1))
    ab[:, d] += ab[:, :d].sum(axis=1)
    a, b = np.ascontiguousarray(ab[:, :d]), np.ascontiguousarray(ab[:, d])
    columns = np.asfortranarray(a)
    work = int(lapack.dgels_lwork(n, d, 1)[0])

    def normal():
        return cho_solve(cho_factor(a.T @ a), a.T @ b)

    def ours(seed=0, **options):
        return norma.linf_regression(a, b, seed=seed, threads=THREADS, **options)

    def theirs(rows, seed=0):
        small = clarkson_woodruff_transform(ab, rows, seed=seed)
        return lstsq(small[:, :d], small[:, d])[0]

    exact = normal()
    m = ours(eps=1.0).info.rows
    of_us = errors(lambda seed: ours(seed, eps=1.0).x, exact, seeds)
    of_them = errors(lambda seed: theirs(m, seed), exact, seeds)
    rows = max(m, int(m * (of_them / of_us) ** 2))
    contenders = [("norma srht, eps 1", lambda: ours(eps=1.0)),
                  ("norma countsketch, as many rows", lambda: ours(sketch="countsketch", rows=m)),
                  ("norma srht, refined to 1e-8", lambda: ours(eps=1.0, refine=20, tolerance=1e-8)),
                  ("norma exact (rows = n)", lambda: ours(rows=n)),
                  (f"SciPy CountSketch + lstsq, {rows} rows", lambda: theirs(rows)),
                  ("normal equations (BLAS)", normal),
                  ("LAPACK dgels", lambda: lapack.dgels(columns, b, lwork=work))]
    times = interleave(contenders, rounds=rounds, least=0.0)
    report.case(f"{n} x {d}, {m} rows", times, contenders[0][0], largest_error_of_a_coordinate=f"norma {of_us:.3g}, SciPy {of_them:.3g} "
                f"with as many rows")


def hard(report, n, d, rounds):
    import norma
    from scipy.linalg import clarkson_woodruff_transform, lstsq
    spread, seeds = 16, 40

    def problem(rows):
        ab = np.zeros((rows, d + 1))
        ab[np.arange(d), np.arange(d)] = 1
        ab[d:d + spread, d] = spread ** -0.5
        return ab

    def ours(a, b, seed=0):
        return norma.linf_regression(a, b, seed=seed, eps=1.0, threads=THREADS)

    def theirs(ab, rows, seed=0):
        small = clarkson_woodruff_transform(ab, rows, seed=seed)
        return lstsq(small[:, :d], small[:, d])[0]

    def nine_in_ten(solve):  # the exact x is 0, |r| and |A^+| are 1
        return float(np.quantile([np.abs(solve(seed)).max() for seed in range(seeds)], 0.9))

    tall, ab = problem(1 << 14), problem(n)
    a, b = np.ascontiguousarray(ab[:, :d]), np.ascontiguousarray(ab[:, d])
    m = ours(a, b).info.rows
    of_us, rows = nine_in_ten(lambda seed: ours(tall[:, :d], tall[:, d], seed).x), m
    while (of_them := nine_in_ten(lambda seed: theirs(tall[:d + spread], rows, seed))) > of_us:  # rows of zeros add nothing
        rows *= 2
    contenders = [("norma srht, eps 1", lambda: ours(a, b)),
                  (f"SciPy CountSketch + lstsq, {rows} rows", lambda: theirs(ab, rows))]
    report.case(f"hard, {n} x {d}, {m} rows", interleave(contenders, rounds=rounds, least=0.0), contenders[0][0],
                error_nine_in_ten=f"norma {of_us:.3g}, SciPy {of_them:.3g}")


def main(quick):
    report = Report("linf-regression", "s", 1.0)
    if quick:
        case(report, 1 << 17, 100, 3, 5)
        hard(report, 1 << 17, 100, 3)
    else:
        hard(report, 1 << 20, 200, 5)
        case(report, 1 << 20, 200, 3, 3)
        case(report, 1 << 18, 50, 3, 3)
    report.write()
