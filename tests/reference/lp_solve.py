"""Least p-norms of residuals by other means, for tests/test_lp_solve.c: p = 1 by SciPy's HiGHS,
   min sum u + v  with  A x - b = u - v,  u, v >= 0,
others by SciPy's minimisers on the loss itself.  Rows come from splitmix64, as in the test.

    python tests/reference/lp_solve.py > tests/lp_solve_data.h"""
import numpy as np
from scipy.optimize import linprog, minimize
from scipy.sparse import csr_matrix, hstack, identity

MASK = (1 << 64) - 1


class Draws:
    """nrm_test_next and nrm_test_normal of tests/testkit.c."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def uniform(self):
        return (self.next() >> 11) * 2.0 ** -53


def problem(seed, n, d):
    """Entries in [-1, 1); b = sum of the row + cubed noise, every seventh 20 times as large."""
    draws = Draws(seed)
    a = np.empty((n, d))
    b = np.empty(n)
    for i in range(n):
        for j in range(d):
            a[i, j] = 2 * draws.uniform() - 1
        noise = 2 * draws.uniform() - 1
        b[i] = a[i].sum() + noise ** 3 * (20 if i % 7 == 0 else 1)
    return a, b


def least(a, b, p):
    n, d = a.shape
    if p == 1:
        eye = identity(n)
        system = hstack([csr_matrix(a), -eye, eye]).tocsr()
        cost = np.concatenate([np.zeros(d), np.ones(2 * n)])
        bounds = [(None, None)] * d + [(0, None)] * (2 * n)
        return linprog(cost, A_eq=system, b_eq=b, bounds=bounds, method="highs-ds",
                       options={"dual_feasibility_tolerance": 1e-10, "primal_feasibility_tolerance": 1e-10}).fun
    x = np.linalg.lstsq(a, b, rcond=None)[0]
    for power in [q for q in (3, 5, 8) if 2 < q < p] + [p]:
        def loss(x):
            r = a @ x - b
            return (np.abs(r) ** power).sum()

        def gradient(x):
            r = a @ x - b
            return power * a.T @ (np.sign(r) * np.abs(r) ** (power - 1))
        for _ in range(20):
            x = minimize(loss, x, jac=gradient, method="BFGS", options={"gtol": 1e-13, "maxiter": 5000}).x
    return loss(x)


CASES = [(1, 40, 3), (2, 41, 7), (3, 200, 12), (4, 9, 8)]
POWERS = [1, 1.3, 1.5, 2, 2.5, 3, 4, 8]
print("/* lp_solve_data.h -- made by tests/reference/lp_solve.py.  Least sums of |a x - b|^p. */")
print("static const double lp_powers[%d] = {%s};" % (len(POWERS), ", ".join("%g" % p for p in POWERS)))
print("static const struct { int seed, n, d; double least[%d]; } lp_cases[%d] = {" % (len(POWERS), len(CASES)))
for seed, n, d in CASES:
    a, b = problem(seed, n, d)
    print("    {%d, %d, %d, {%s}}," % (seed, n, d, ", ".join("%.13g" % least(a, b, p) for p in POWERS)))
print("};")
