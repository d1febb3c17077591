#!/usr/bin/env python3
"""Make student_values.h: quantiles of Student's t distribution, by SciPy, polished with mpmath.

    python3 tests/reference/make_student.py > tests/reference/student_values.h
"""
import mpmath
from scipy import stats

mpmath.mp.dps = 40


def log_tail(t, degrees):
    if degrees == float("inf"):
        return mpmath.log(mpmath.erfc(t / mpmath.sqrt(2)) / 2)
    x = degrees / (degrees + t * t)
    return mpmath.log(mpmath.betainc(mpmath.mpf(degrees) / 2, mpmath.mpf(1) / 2, 0, x, regularized=True) / 2)


print("/* student_values.h -- made by make_student.py: tail, degrees of freedom (0: infinite), quantile. */")
print("static const double reference_student[][3] = {")
for tail in (0.49, 0.25, 0.025, 1e-3, 0.05 / 400, 1e-9, 1e-60):
    for degrees in (1, 2, 3, 4.5, 17, 40, 255, 10000, 1e7, float("inf")):
        start = stats.norm.isf(tail) if degrees == float("inf") else stats.t.isf(tail, degrees)
        root = mpmath.findroot(lambda u: log_tail(mpmath.exp(u), degrees) - mpmath.log(tail), mpmath.log(start))
        quantile = float(mpmath.exp(root))
        print(f"    {{{tail!r}, {0 if degrees == float('inf') else degrees!r}, {quantile!r}}},")
print("};")
