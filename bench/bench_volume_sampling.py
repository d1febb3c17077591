"""volume-sampling beside DPPy: a projection DPP of 100 features on 10^5 rows, Jacobi ensembles in one
and two variables.

DPPy is handed an orthonormal basis of the features; Norma takes the features as they are, so that its
time includes their QR factorisation.
"""
import numpy as np
from harness import THREADS, Report, interleave


def features(report, quick):
    import norma
    n, m = (20000, 50) if quick else (100000, 100)
    rng = np.random.default_rng(22)
    basis, _ = np.linalg.qr(rng.normal(size=(n, m)))
    found = [("norma", lambda: norma.volume_sampling(features=basis, scheme="dpp", threads=THREADS, seed=1))]
    try:
        from dppy.finite_dpps import FiniteDPP
        dpp = FiniteDPP("correlation", projection=True, K_eig_dec=(np.ones(m), basis))
        found += [(f"DPPy {mode}", lambda mode=mode: dpp.sample_exact(mode=mode, random_state=1)) for mode in ("GS", "GS_bis")]
    except ImportError:
        print("  (DPPy is not installed here)")
    report.case(f"one DPP of {m} features on {n} rows", interleave(found, rounds=3 if quick else 5, least=0.1), "norma")


def jacobi(report, m, dimension, quick):
    import norma
    side = int(np.ceil(m ** (1 / dimension)))
    options = dict(basis="legendre", dimension=dimension, index_set="tensor", degree=side - 1, scheme="dpp", threads=THREADS)
    seeds = iter(range(10 ** 9))
    found = [("norma", lambda: norma.volume_sampling(seed=next(seeds), **options))]
    try:
        from dppy.multivariate_jacobi_ope import MultivariateJacobiOPE
        peer = MultivariateJacobiOPE(side ** dimension, np.zeros((dimension, 2)))
        found.append(("DPPy MultivariateJacobiOPE", lambda: peer.sample(random_state=next(seeds))))
    except ImportError:
        pass
    report.case(f"one DPP of {side ** dimension} Legendre polynomials, dimension {dimension}",
                interleave(found, rounds=3 if quick else 5, least=0.2), "norma")


def main(quick):
    report = Report("volume-sampling", "ms", 1e3)
    features(report, quick)
    for m, dimension in ((100, 1), (100, 2)) if quick else ((100, 1), (1000, 1), (100, 2), (400, 2)):
        jacobi(report, m, dimension, quick)
    report.write()
