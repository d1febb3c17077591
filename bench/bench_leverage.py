"""Leverage scores and Lewis weights of tall matrices beside the same algorithms in NumPy and SciPy.

Norma's second-order steps need about half the rounds: the same number of them (the same work), and the
same error. The reference takes the Gram matrix of scaled rows, its Cholesky factor and a triangular solve, which
is the fastest that whole-array programs can do (a QR factorisation takes several times as long); it
stands for what users write, as no package offers Lewis weights.
"""
import warnings

import numpy as np
from harness import THREADS, Report, interleave


def leverage(a):
    import scipy.linalg
    r = np.linalg.cholesky(a.T @ a)
    y = scipy.linalg.solve_triangular(r, a.T, lower=True, check_finite=False)
    return np.einsum("ij,ij->j", y, y)


def lewis(a, p, rounds):
    w, t = np.full(len(a), a.shape[1] / len(a)), min(1, p / 2)
    for _ in range(rounds + 1):  # the first is from equal weights, and Norma does not count it
        w = w ** (1 - t) * leverage(w[:, None] ** (0.5 - 1 / p) * a) ** t
    return w


def lewis_to(a, p, tol):
    w, t = np.full(len(a), a.shape[1] / len(a)), min(1, p / 2)
    while True:
        tau = leverage(w[:, None] ** (0.5 - 1 / p) * a)
        if np.abs(np.log(tau / w)).max() <= tol:
            return w
        w = w ** (1 - t) * tau ** t


def main(quick):
    import norma
    warnings.simplefilter("ignore")  # five rounds are too few for tol = 0, and it says so
    report = Report("leverage", "ms", 1e3)
    rng = np.random.default_rng(1)
    for n, d in ([(100_000, 50)] if quick else [(1_000_000, 50), (200_000, 200)]):
        a = rng.standard_normal((n, d))
        a[::1000] *= 30
        rounds, repeats = 5, 3 if quick else 5
        found = [("norma", lambda: norma.lewis_weights(a, p=2, threads=THREADS)), ("NumPy", lambda: leverage(a))]
        report.case(f"leverage scores, {n} x {d}", interleave(found, rounds=repeats, least=0.1), "norma",
                    difference=float(np.abs(norma.lewis_weights(a, p=2).weights - leverage(a)).max()))
        for p in (1, 4):
            ours = lambda: norma.lewis_weights(a, p=p, tol=0, max_iter=rounds, threads=THREADS)  # noqa: E731, B023
            found = [("norma", ours), ("NumPy", lambda: lewis(a, p, rounds))]  # noqa: B023
            error = ours().info.error
            w = lewis(a, p, rounds)
            theirs = float(np.abs(np.log(leverage(w[:, None] ** (0.5 - 1 / p) * a) / w)).max())
            report.case(f"Lewis weights, p = {p}, {rounds} rounds, {n} x {d}", interleave(found, rounds=min(repeats, 3), least=0.1), "norma",
                        error_norma=error, error_numpy=theirs)
            found = [("norma", lambda: norma.lewis_weights(a, p=p, tol=1e-6, threads=THREADS)),  # noqa: B023
                     ("NumPy", lambda: lewis_to(a, p, 1e-6))]  # noqa: B023
            report.case(f"Lewis weights, p = {p}, error 1e-6, {n} x {d}", interleave(found, rounds=min(repeats, 3), least=0.1), "norma")
    report.write()
