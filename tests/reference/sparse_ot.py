"""Reference values of sparse-ot, by other means than the library's.

    python3 tests/reference/sparse_ot.py > tests/reference/sparse_ot_values.h

Problem (Liu, Puigcerver, Blondel 2023): S(alpha) = <alpha, a> - sum_j Omega*_bj(alpha - c_j).
- building blocks: every support of at most k rows is tried;
- smooth cases: the quadratic programme over the plan itself, by its optimality conditions,
  from SciPy's L-BFGS-B on the dual of (alpha, beta) with a sort-free formula;
- k = 1: exact transport by SciPy's linear programme and assignment solvers;
- cases with kinks: Kelley's cutting planes, each step a linear programme (HiGHS), until the
  upper model and the best value agree;
- the true optimum of the non-convex problem: every assignment of supports of the 4 x 2
  example, each a small convex programme (SLSQP).
"""
import itertools
import textwrap

import numpy as np
from scipy.optimize import linear_sum_assignment, linprog, minimize

MASK = (1 << 64) - 1


class Stream:
    """splitmix64: nrm_test_uniform of tests/testkit.c."""

    def __init__(self, state):
        self.state = state

    def uniform(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return ((z ^ (z >> 31)) >> 11) * 2.0**-53

    def array(self, *shape):
        return np.array([self.uniform() for _ in range(int(np.prod(shape)))]).reshape(shape)


def conjugate_mass(s, k, gamma, mass):
    """max over supports of at most k: on a support, t = [s - tau]/gamma if that is >= 0."""
    best = (-np.inf, None)
    for size in range(1, k + 1):
        for rows in itertools.combinations(range(len(s)), size):
            u = s[list(rows)]
            tau = (u.sum() - gamma * mass) / size
            t = (u - tau) / gamma
            if (t < 0).any():
                continue  # a smaller support covers it
            value = u @ t - gamma / 2 * t @ t
            if value > best[0] + 1e-15:
                full = np.zeros(len(s))
                full[list(rows)] = t
                best = (value, full)
    return best


def column(s, k, gamma, mass):
    """The same by sorting, for the larger problems."""
    order = np.argsort(-s, kind="stable")[:k]
    u = s[order]
    sums = np.cumsum(u) - gamma * mass
    rho = np.nonzero(u * np.arange(1, len(u) + 1) > sums)[0][-1] + 1
    tau = sums[rho - 1] / rho
    t = np.zeros(len(s))
    t[order[:rho]] = (u[:rho] - tau) / gamma
    return s @ t - gamma / 2 * t @ t, t


def semi_dual(alpha, a, b, C, k, gamma):
    value, rows = alpha @ a, a.copy()
    for j in range(len(b)):
        omega, t = column(alpha - C[:, j], k, gamma, b[j])
        value -= omega
        rows -= t
    return value, rows


def smooth(a, b, C, gamma):
    """Quadratically regularised transport from the dual of (alpha, beta)."""
    m, n = C.shape

    def f(x):
        s = np.maximum(x[:m, None] + x[None, m:] - C, 0)
        return (-(x[:m] @ a + x[m:] @ b - (s**2).sum() / (2 * gamma)),
                -np.concatenate([a - s.sum(1) / gamma, b - s.sum(0) / gamma]))

    x = np.zeros(m + n)
    for _ in range(20):
        r = minimize(f, x, jac=True, method="L-BFGS-B",
                     options=dict(maxiter=20000, maxfun=100000, ftol=1e-17, gtol=1e-13, maxcor=50))
        x = r.x
    return -r.fun


def exact(a, b, C):
    m, n = C.shape
    A = np.zeros((m + n, m * n))
    for i in range(m):
        A[i, i * n:(i + 1) * n] = 1
    for j in range(n):
        A[m + j, j::n] = 1
    return linprog(C.ravel(), A_eq=A, b_eq=np.concatenate([a, b]), method="highs").fun


def kelley(a, b, C, k, gamma, rounds=3000, tol=1e-9):
    """max t subject to t <= S_i + <g_i, alpha - alpha_i>, |alpha| <= box, sum alpha = 0."""
    m = len(a)
    rows, rhs, best, box, alpha = [], [], -np.inf, 3.0, np.zeros(m)
    for it in range(rounds):
        value, g = semi_dual(alpha, a, b, C, k, gamma)
        best = max(best, value)
        rows.append(np.concatenate([-g, [1]]))
        rhs.append(value - g @ alpha)
        r = linprog(np.concatenate([np.zeros(m), [-1]]), A_ub=np.array(rows), b_ub=np.array(rhs),
                    A_eq=np.concatenate([np.ones(m), [0]])[None], b_eq=[0],
                    bounds=[(-box, box)] * m + [(None, None)], method="highs-ds")
        upper = -r.fun
        if upper - best < tol:
            break
        alpha = r.x[:m]
    assert upper - best < 10 * tol, (upper, best, it)
    assert np.abs(alpha).max() < box
    return best


def brute(a, b, C, k, gamma):
    m, n = C.shape
    best = np.inf
    supports = [s for s in itertools.combinations(range(m), min(k, m))]
    for choice in itertools.product(supports, repeat=n):
        cells = [(i, j) for j in range(n) for i in choice[j]]
        if {i for i, _ in cells} != set(range(m)):
            continue
        A = np.zeros((m + n, len(cells)))
        for q, (i, j) in enumerate(cells):
            A[i, q] = A[m + j, q] = 1
        c = np.array([C[i, j] for i, j in cells])
        rhs = np.concatenate([a, b])
        t0 = linprog(c, A_eq=A, b_eq=rhs, method="highs")
        if t0.status != 0:
            continue
        r = minimize(lambda t: c @ t + gamma / 2 * t @ t, t0.x, jac=lambda t: c + gamma * t,
                     bounds=[(0, None)] * len(cells), method="SLSQP",
                     constraints=[dict(type="eq", fun=lambda t: A[:-1] @ t - rhs[:-1], jac=lambda t: A[:-1])],
                     options=dict(ftol=1e-14, maxiter=500))
        if np.abs(A @ r.x - rhs).max() < 1e-9:
            best = min(best, r.fun)
    return best


def bins(case):
    x = np.arange(32.0)
    g = lambda mean, spread: np.exp(-0.5 * ((x - mean) / spread) ** 2)
    unit = lambda v: v / v.sum()
    a, b = ((g(10, 4), g(16, 5)), (g(16, 5), unit(g(8, 5)) / 2 + unit(g(24, 5)) / 2))[case]
    C = (x[:, None] - x[None]) ** 2
    return unit(a), unit(b), C / C.max()


def show(name, values):
    flat = ", ".join(repr(float(v)) for v in np.atleast_1d(values).ravel())
    print(textwrap.fill(f"static const double {name}[] = {{{flat}}};", 100, subsequent_indent="    "))


def main():
    print("/* Made by tests/reference/sparse_ot.py; do not edit. */")
    stream = Stream(11)
    s = stream.array(7) * 2 - 1
    out = [conjugate_mass(s, k, 0.7, 0.4) for k in range(1, 8)]
    show("reference_conjugate_value", [v for v, _ in out])
    show("reference_conjugate_t", np.array([t for _, t in out]))

    a, b, C = bins(0)
    show("reference_bins_exact", exact(a, b, C))
    show("reference_bins_smooth", [smooth(a, b, C, 0.1), smooth(a, b, C, 1.0)])
    a, b, C = bins(1)
    show("reference_bins_split_smooth", smooth(a, b, C, 0.1))

    stream = Stream(12)
    C = stream.array(12, 12)
    r, c = linear_sum_assignment(C)
    show("reference_assignment_cost", C[r, c].sum() / 12)
    show("reference_assignment_column", c)

    stream = Stream(13)
    C = stream.array(6, 5)
    a, b = stream.array(6) + 0.1, stream.array(5) + 0.1
    a, b = a / a.sum(), b / b.sum()
    show("reference_small_semi_dual", [kelley(a, b, C, k, 0.3) for k in (2, 3, 6)])
    show("reference_small_row_semi_dual", [kelley(b, a, C.T.copy(), k, 0.3) for k in (1, 2)])

    C = np.array([[0, 1], [1, 0], [0.5, 0.6], [0.2, 0.9]])
    a, b = np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.6, 0.4])
    show("reference_example_dual", [kelley(a, b, C, k, 1.0) for k in (2, 3)])
    show("reference_example_primal", [brute(a, b, C, k, 1.0) for k in (2, 3)])


if __name__ == "__main__":
    main()
