"""private-sparse-regression beside the same algorithms in NumPy, for there is no package of them: time for each person
and error, at equal eps, equal public bounds and equal numbers of people.

NumPy's is the literal algorithm 2 (LDP-IHT) with the same radius, groups and rounds, whole groups at once, and the
non-interactive release of x y alone; both with NumPy's own generator.
"""
import math

import numpy as np
from harness import THREADS, Report, interleave


def numpy_iht(x, y, k, rounds, tau, clip, eps, rng):
    n, d = x.shape
    m = n // rounds
    scale = clip * (math.exp(eps) + 1) / (math.exp(eps) - 1) * math.sqrt(math.pi) * math.exp(
        math.lgamma((d + 1) / 2) - math.lgamma(d / 2))
    theta = np.zeros(d)
    for t in range(rounds):
        rows = np.clip(x[t * m:(t + 1) * m], -tau, tau)
        v = rows * (rows @ theta - np.clip(y[t * m:(t + 1) * m], -tau, tau))[:, None]
        norm = np.linalg.norm(v, axis=1)
        v *= np.minimum(1, clip / norm)[:, None]
        norm = np.minimum(norm, clip)
        b = np.where(rng.random(m) < 0.5 + norm / (2 * clip), 1.0, -1.0)
        keep = np.where(rng.random(m) < math.exp(eps) / (1 + math.exp(eps)), 1.0, -1.0)
        z = rng.standard_normal((m, d))
        z /= np.linalg.norm(z, axis=1)[:, None]
        z *= (np.sign(np.einsum("ij,ij->i", z, v)) * b * keep * scale)[:, None]
        theta -= z.mean(axis=0)
        theta[np.argsort(-np.abs(theta), kind="stable")[k:]] = 0
        theta /= max(1, np.linalg.norm(theta))
    return theta


def numpy_moment(x, y, r, tau, sd, rng):
    rows = x * np.minimum(1, r / np.linalg.norm(x, axis=1))[:, None]
    return (rows * np.clip(y, -tau, tau)[:, None] + sd * rng.standard_normal(x.shape)).mean(axis=0)


def main(quick):
    import norma
    report = Report("private", "us/person", 1e6)
    rng = np.random.default_rng(20)
    for n, d in ((100_000, 16),) if quick else ((400_000, 16), (200_000, 100)):
        x = rng.standard_normal((n, d))
        truth = np.zeros(d)
        truth[:4] = 0.5, -0.5, 0.5, -0.5
        y = x @ truth + 0.5 * rng.standard_normal(n)
        error = {}

        def private(name, **options):
            def run():
                result = norma.private_sparse_regression(x=x, y=y, truth=truth, eps=1, tau1=5, tau2=5, threads=THREADS, **options)
                error[name] = result.info.raw_error
            return name, run

        def plain(name, function, *arguments):
            def run():
                error[name] = float(np.linalg.norm(function(x, y, *arguments, rng) - truth))
            return name, run

        times = interleave([private("norma iht", mode="iht", k=4, kprime=8, rounds=8, radius="score", score_bound=2),
                            plain("numpy iht", numpy_iht, 8, 8, 5.0, 2.0, 1.0)], rounds=3 if quick else 5)
        report.case(f"iht, {n} people, d = {d}", times, "norma iht", units=n, **{f"error {k}": f"{v:.3f}" for k, v in error.items()})
        error.clear()
        r = math.sqrt(d)
        times = interleave([private("norma isotropic", mode="isotropic", r=r),
                            private("norma isotropic, each message", mode="isotropic", r=r, each_message=True),
                            plain("numpy isotropic", numpy_moment, r, 5.0, 2 * r * 5 * 4.224679)], rounds=3 if quick else 5)
        report.case(f"isotropic, {n} people, d = {d}", times, "norma isotropic", units=n, **{f"error {k}": f"{v:.3f}" for k, v in error.items()})
    report.write()
