"""l_p regression of tall data: Norma direct and through a coreset beside an exact linear program
(SciPy's HiGHS), reweighted least squares in NumPy and scikit-learn's QuantileRegressor.

HiGHS (dual simplex on the dual program) takes minutes from 10^5 rows on and runs once a case.  At
10^6 rows it runs only where NORMA_BENCH_FULL is set: without it that case has no exact program to
compare with."""
import os
import time

import numpy as np
from harness import THREADS, Report, interleave


def highs(a, b):
    """min |A x - b|_1 by its dual, which is the quicker form: max b'y, A'y = 0, |y| <= 1."""
    from scipy.optimize import linprog
    start = time.perf_counter()
    found = linprog(-b, A_eq=a.T, b_eq=np.zeros(a.shape[1]), bounds=(-1, 1), method="highs-ds")
    return time.perf_counter() - start, -found.fun


def quantile_regressor(a, b):
    """scikit-learn hands HiGHS the longer form: minutes from 20 000 rows on."""
    from sklearn.linear_model import QuantileRegressor
    start = time.perf_counter()
    QuantileRegressor(quantile=0.5, alpha=0, fit_intercept=False, solver="highs").fit(a, b)
    return time.perf_counter() - start


def reweighted(a, b, p, tol=1e-10, most=500):
    """IRLS with delta halved from the median to 1e-12 of the largest residual."""
    x = np.linalg.lstsq(a, b, rcond=None)[0]
    r = a @ x - b
    delta, least, before = np.median(np.abs(r)), 1e-12 * np.abs(r).max(), np.inf
    for _ in range(most):
        w = (r * r + delta * delta) ** (p / 2 - 1)
        step = np.linalg.solve(a.T @ (w[:, None] * a), a.T @ (w * r))
        x = x - (step if p <= 2 else step / (p - 1))
        r = a @ x - b
        loss = (np.abs(r) ** p).sum()
        if abs(before - loss) <= tol * loss and delta <= 1e-6 * np.abs(r).max():
            break
        before, delta = loss, max(delta / 2, least)
    return x


def problem(n, d):
    rng = np.random.default_rng(24)
    a = rng.standard_normal((n, d))
    a[: n // 1000] *= 30
    return a, a.sum(1) + rng.standard_t(1.5, n)


def main(quick):
    import norma
    report = Report("lp_regression", "s", 1)
    d = 20
    a, b = problem(3_000, d)
    found = interleave([("norma, direct", lambda: norma.lp_regression(a, b, threads=THREADS))], rounds=3, least=0.1)
    found["SciPy, HiGHS (one run)"] = [highs(a, b)[0]]
    found["scikit-learn, QuantileRegressor (one run)"] = [quantile_regressor(a, b)]
    report.case(f"p = 1, 3000 x {d}", found, "norma, direct")
    sizes = [20_000] if quick else [100_000, 200_000, 1_000_000]
    for n in sizes:
        a, b = problem(n, d)

        def ours(p=1, **options):
            return norma.lp_regression(a, b, p=p, threads=THREADS, **options)  # noqa: B023
        coreset = {"method": "coreset", "rows": 4000, "scheme": "lewis", "refine": 0}
        found = interleave([("norma, coreset", lambda: ours(**coreset)), ("norma, coreset and a round", lambda: ours(**{**coreset, "refine": 1})),
                            ("norma, direct", lambda: ours(method="direct"))], rounds=1 if quick else 3, least=0)
        best = ours(method="direct").info.objective
        facts = {"excess_coreset": ours(**coreset).info.objective / best - 1,
                 "excess_proved_after_a_round": ours(**{**coreset, "refine": 1}).info.excess}
        if n < 1_000_000 or os.environ.get("NORMA_BENCH_FULL"):
            seconds, loss = highs(a, b)
            found["SciPy, HiGHS (one run)"] = [seconds]
            facts["highs_loss_over_ours"] = loss / best - 1
        report.case(f"p = 1, {n} x {d}, coreset of 4000", found, "norma, coreset", **facts)
        if n > 200_000:
            continue
        for p in (1.5, 3):
            found = interleave([("norma, direct", lambda: ours(p=p, method="direct")),  # noqa: B023
                                ("NumPy, reweighted", lambda: reweighted(a, b, p))], rounds=3, least=0)  # noqa: B023
            loss = (np.abs(a @ reweighted(a, b, p) - b) ** p).sum()
            report.case(f"p = {p}, {n} x {d}", found, "norma, direct", numpy_loss_over_ours=loss / ours(p=p, method="direct").info.objective - 1)
    report.write()
