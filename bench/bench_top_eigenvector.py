"""top-eigenvector beside scikit-learn's IncrementalPCA (24 components, batches of 256) and the exact answer.

Rows from memory, one pass, spiked covariance; what is compared is time and <v, v1>^2.
"""
import numpy as np
from harness import THREADS, Report, interleave


def spiked(n, d, ratio, rng):
    a = rng.normal(size=(n, d))
    a[:, 0] *= np.sqrt(ratio)
    q, _ = np.linalg.qr(rng.normal(size=(d, d)))
    return a @ q


def main(quick):
    import norma
    report = Report("top-eigenvector", "us/row", 1e6)
    rng = np.random.default_rng(26)
    for n, d in ((20000, 64),) if quick else ((20000, 64), (50000, 512)):
        a = spiked(n, d, 4.0, rng)
        exact = np.linalg.eigh(a.T @ a)[1][:, -1]
        kept = {}

        def ours(algorithm):
            def run():
                kept[f"norma {algorithm}"] = norma.top_eigenvector(a, algorithm=algorithm, threads=THREADS).v
            return run

        found = [(f"norma {name}", ours(name)) for name in ("heavy-light", "oja", "frequent-directions", "exact")]
        try:
            from sklearn.decomposition import IncrementalPCA

            def peer():
                model = IncrementalPCA(n_components=24, batch_size=256)
                model.mean_ = np.zeros(d)
                kept["sklearn IncrementalPCA(24)"] = model.fit(a).components_[0]
            found.append(("sklearn IncrementalPCA(24)", peer))
        except ImportError:
            print("  (scikit-learn is not installed here)")

        def full():
            kept["numpy eigh of A'A"] = np.linalg.eigh(a.T @ a)[1][:, -1]
        found.append(("numpy eigh of A'A", full))
        times = interleave(found, rounds=3 if quick else 5, least=0.1)
        facts = {f"<v, v1>^2 {name}": f"{float(np.dot(v, exact) ** 2):.5f}" for name, v in kept.items()}
        report.case(f"{n} rows of {d}, spike 4", times, "norma heavy-light", units=n, **facts)
    report.write()
