#!/usr/bin/env python3
"""Make leverage_values.h: leverage scores, Lewis weights and l_p sensitivities worked out slowly.

    python3 tests/reference/leverage.py > tests/reference/leverage_values.h

Inputs are dyadic fractions from integer formulas, so that the C tests make the same bits.
Section numbers are those of the account of Woodruff and Yasuda, 2023 (paper 24).
"""
from fractions import Fraction

import numpy as np
import scipy.linalg
import scipy.optimize


def pattern(m, n):
    i, j = np.indices((m, n))
    return ((i * 37 + j * 61 + i * j * 11 + i * i * 5) % 97 - 48) / 16.0


def nearly_dependent(m, n, shift):
    """Column j is column 0 plus 2^-shift times a pattern: condition about 2^shift."""
    a = pattern(m, n)
    a[:, 1:] = a[:, :1] + a[:, 1:] * 2.0**-shift
    return a


def exact_leverage(a):
    """Section 1, a_i' (A'A)^-1 a_i in rational numbers."""
    rows = [[Fraction(float(x)) for x in row] for row in a]
    d = len(rows[0])
    gram = [[sum(r[i] * r[j] for r in rows) for j in range(d)] + [Fraction(int(i == j)) for j in range(d)] for i in range(d)]
    for k in range(d):
        pivot = next(i for i in range(k, d) if gram[i][k] != 0)
        gram[k], gram[pivot] = gram[pivot], gram[k]
        gram[k] = [x / gram[k][k] for x in gram[k]]
        for i in range(d):
            if i != k:
                gram[i] = [x - gram[i][k] * y for x, y in zip(gram[i], gram[k])]
    inverse = [g[d:] for g in gram]
    return np.array([float(sum(r[i] * inverse[i][j] * r[j] for i in range(d) for j in range(d))) for r in rows])


def leverage(a):
    q, _ = np.linalg.qr(a)
    return (q * q).sum(axis=1)


def lewis(a, p):
    """Section 2, w <- w^(1 - t) tau^t."""
    w, t = np.full(len(a), a.shape[1] / len(a)), min(1, p / 2)
    for _ in range(5000):
        tau = leverage(w[:, None] ** (0.5 - 1 / p) * a)
        if np.abs(np.log(tau / w)).max() < 1e-13:
            break
        w = w ** (1 - t) * tau**t
    return w


def sensitivity(a, i, p):
    """Section 3, 1 / min {|Ax|_p^p : a_i'x = 1}: a linear program, or Newton's method in long steps."""
    n, d = a.shape
    if p == 1:
        cost = np.r_[np.zeros(d), np.ones(n)]
        above = np.block([[a, -np.eye(n)], [-a, -np.eye(n)]])
        r = scipy.optimize.linprog(cost, above, np.zeros(2 * n), np.r_[a[i], np.zeros(n)][None], [1], bounds=[(None, None)] * (d + n),
                                   method="highs", options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10})
        return 1 / r.fun
    basis, x = scipy.linalg.null_space(a[i:i + 1]), a[i] / (a[i] @ a[i])
    value = (np.abs(a @ x) ** p).sum()
    for _ in range(20000):
        r = a @ x
        slope = basis.T @ (a.T @ (np.abs(r) ** (p - 1) * np.sign(r)))
        c = p - 1 if p > 2 else 1
        curve = (a @ basis).T @ ((c * (np.abs(r) + 1e-300) ** (p - 2))[:, None] * (a @ basis))
        step = -np.linalg.solve(curve + 1e-13 * np.trace(curve) * np.eye(d - 1), slope)
        length = 1.0
        while (np.abs(a @ (x + length * basis @ step)) ** p).sum() > value and length > 1e-14:
            length /= 2
        if length <= 1e-14:
            break
        x = x + length * basis @ step
        value = (np.abs(a @ x) ** p).sum()
    return 1 / value


def emit(name, values):
    flat = np.asarray(values, dtype=float).ravel()
    text = [float(v).hex() if v else "0" for v in flat]
    print(f"static const double {name}[{len(flat)}] = {{")
    for start in range(0, len(text), 4):
        print("    " + ", ".join(text[start:start + 4]) + ",")
    print("};")


print("/* Made by tests/reference/leverage.py; do not edit. */")
emit("leverage_23x5", exact_leverage(pattern(23, 5)))
emit("leverage_dependent_20", exact_leverage(nearly_dependent(40, 4, 20)))
emit("leverage_dependent_26", exact_leverage(nearly_dependent(40, 4, 26)))
emit("leverage_powers", exact_leverage((np.arange(1, 31)[:, None] / 16.0) ** np.arange(9)))
for p in (1, 1.25, 3, 4, 6, 16):
    emit(f"lewis_23x5_{str(p).replace('.', '_')}", lewis(pattern(23, 5), p))
for p in (1, 1.5, 3, 8):
    emit(f"sensitivity_17x4_{str(p).replace('.', '_')}", [sensitivity(pattern(17, 4), i, p) for i in range(17)])
