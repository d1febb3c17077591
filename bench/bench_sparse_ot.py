"""sparse-ot beside POT: points in the plane, squared distances over their maximum, uniform weights.

The quadratic case (k = m) has one optimum; what is compared is the value of the dual at the
potentials that each side ends with, a lower bound of the optimum for both, and the error of
the plan's marginals.
"""
import contextlib
import io
import warnings

import numpy as np
from harness import THREADS, Report, interleave


def problem(n, rng):
    xs = rng.normal(size=(n, 2))
    xt = rng.normal(size=(n, 2)) @ np.array([[1, -0.7], [-0.7, 1]]) + 4
    cost = ((xs[:, None, :] - xt[None, :, :]) ** 2).sum(-1)
    weights = np.full(n, 1 / n)
    return weights, weights.copy(), cost / cost.max()


def semi_dual(alpha, a, b, cost, gamma, k):
    """S(alpha): each column keeps its k largest, thresholded to its mass."""
    s = np.sort((alpha[:, None] - cost).T, axis=1)[:, ::-1][:, :k]
    tau = (np.cumsum(s, axis=1) - gamma * b[:, None]) / np.arange(1, k + 1)
    rho = (s > tau).sum(axis=1)
    tau = tau[np.arange(len(b)), rho - 1]
    kept = np.where(np.arange(k) < rho[:, None], s, tau[:, None])
    return float(alpha @ a - ((kept**2 - tau[:, None] ** 2).sum() / (2 * gamma)))


def main(quick):
    import norma
    report = Report("sparse-ot", "s", 1.0)
    rng = np.random.default_rng(11)
    gamma = 1.0
    try:
        import ot
    except ImportError:
        ot = None
        print("  (POT is not installed here)")
    for n in (100, 256) if quick else (256, 1000):
        a, b, cost = problem(n, rng)
        for k in (n, 2):
            kept = {}

            def ours():
                kept["norma"] = norma.sparse_ot(a, b, cost, k=k, gamma=gamma, threads=THREADS)

            def peer(solve, name, **parameters):
                def run():
                    with contextlib.redirect_stdout(io.StringIO()):  # POT prints shapes
                        kept[name] = solve(a, b, cost, gamma, log=True, **parameters)
                return run

            found = [("norma", ours)]
            if ot:
                if k == n:
                    found.append(("POT smooth_ot_dual l2", peer(ot.smooth.smooth_ot_dual, "dual", reg_type="l2", stopThr=1e-9)))
                    found.append(("POT smooth_ot_semi_dual l2",
                                  peer(ot.smooth.smooth_ot_semi_dual, "semi", reg_type="l2", stopThr=1e-9)))
                else:
                    found.append(("POT semi_dual sparsity", peer(
                        ot.smooth.smooth_ot_semi_dual, "semi", reg_type="sparsity_constrained", max_nz=k, stopThr=1e-9)))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                times = interleave(found, rounds=3, least=0.05)
            mine = kept["norma"]
            facts = {"norma": f"dual {mine.info.value:.9f}, marginal error {mine.info.row_residual:.1e}, status {mine.status}"}
            for name in ("dual", "semi"):
                if name in kept:
                    plan, log = kept[name]
                    alpha = log["alpha"] if "alpha" in log else log["res"].x[:n]
                    facts[f"POT {name}"] = (f"dual {semi_dual(alpha, a, b, cost, gamma, k):.9f}, "
                                            f"marginal error {np.abs(plan.sum(1) - a).max():.1e}")
            report.case(f"n = m = {n}, k = {k}, gamma = {gamma:g}", times, "norma", **facts)
    report.write()
