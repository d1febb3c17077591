"""sparse-ot beside POT: points in the plane, squared distances over their maximum, uniform weights.

The quadratic case (k = m) has one optimum: both sides must reach it, and the difference is
printed.  The sparse cases compare the best semi-dual value reached, since POT's solver may stop
on a kink.
"""
import warnings

import numpy as np
from harness import THREADS, Report, interleave


def problem(n, rng):
    xs = rng.normal(size=(n, 2))
    xt = rng.normal(size=(n, 2)) @ np.array([[1, -0.7], [-0.7, 1]]) + 4
    cost = ((xs[:, None, :] - xt[None, :, :]) ** 2).sum(-1)
    weights = np.full(n, 1 / n)
    return weights, weights.copy(), cost / cost.max()


def value_of(plan, cost, gamma):
    return float((plan * cost).sum() + gamma / 2 * (plan**2).sum())


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
                    kept[name] = solve(a, b, cost, gamma, **parameters)
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
            facts = {"norma value": f"{kept['norma'].info.value:.9f}, marginal residual {kept['norma'].info.row_residual:.1e}"}
            for name in ("dual", "semi"):
                if name in kept:
                    plan = kept[name]
                    facts[f"POT {name} primal value"] = (
                        f"{value_of(plan, cost, gamma):.9f}, marginal residual {np.abs(plan.sum(1) - a).max():.1e}")
            report.case(f"n = m = {n}, k = {k}, gamma = {gamma:g}", times, "norma", **facts)
    report.write()
