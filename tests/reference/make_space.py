"""Values of orthonormal functions and distribution functions for tests/test_space.c.

Run with NumPy and SciPy:  python tests/reference/make_space.py > tests/reference/space_values.h
Polynomials come from scipy.special (normalised by their known norms), distribution functions of phi_k^2 mu from quadrature of the same polynomials.
"""
import numpy as np
from scipy import integrate, special, stats


def family(name):
    """phi(k, t); the density is (t - low)^exponent rest(t); a Gauss rule."""
    if name == "legendre":
        return lambda k, t: np.sqrt(2 * k + 1) * special.eval_legendre(k, t), -1.0, 0, lambda t: 0.5, special.roots_legendre
    if name == "hermite":
        return (lambda k, t: special.eval_hermitenorm(k, t) / np.sqrt(special.factorial(k)), -14.0, 0, stats.norm.pdf,
                special.roots_hermitenorm)
    if name == "chebyshev":
        return (lambda k, t: (np.sqrt(2) if k else 1) * special.eval_chebyt(k, t), -1.0, -0.5, lambda t: 1 / (np.pi * np.sqrt(1 - t)),
                special.roots_chebyt)
    if name.startswith("jacobi"):
        a, b = [float(v) for v in name[7:-1].split(",")]
        total = 2 ** (a + b + 1) * special.beta(a + 1, b + 1)

        def phi(k, t):
            if k == 0:
                return 1 + 0 * t
            log_h = ((a + b + 1) * np.log(2) - np.log(2 * k + a + b + 1) + special.gammaln(k + a + 1) + special.gammaln(k + b + 1)
                     - special.gammaln(k + a + b + 1) - special.gammaln(k + 1))
            return special.eval_jacobi(k, a, b, t) / np.sqrt(np.exp(log_h) / total)

        return phi, -1.0, b, lambda t: (1 - t) ** a / total, lambda n: special.roots_jacobi(n, a, b)
    a = float(name[9:-1])

    def phi(k, t):
        norm = np.exp(0.5 * (special.gammaln(k + a + 1) - special.gammaln(k + 1) - special.gammaln(a + 1)))
        return (-1) ** k * special.eval_genlaguerre(k, a, t) / norm

    return phi, 0.0, a, lambda t: np.exp(-t) / special.gamma(a + 1), lambda n: special.roots_genlaguerre(n, a)


NAMES = ["legendre", "hermite", "chebyshev", "jacobi(0.5,-0.3)", "jacobi(-0.9,2)", "jacobi(-0.5,-0.5)", "laguerre(0)", "laguerre(2.5)",
         "laguerre(-0.7)"]
POINTS = {"hermite": [-3.7, -1.1, 0.0, 0.4, 2.9], "laguerre": [0.001, 0.3, 2.2, 9.5, 31.0]}
DEGREES = [0, 1, 2, 3, 7, 12, 30]
NODES = 40


def line(values):
    return "{" + ", ".join(repr(float(v)) for v in values) + "}"


def distribution(phi, low, exponent, rest, k, x):
    """Integral of phi_k^2 over (low, x): QAWS where the density may be singular, then piece by piece."""
    mid = low + 0.1 * (x - low)
    square = lambda t: phi(k, t) ** 2 * rest(t)
    left = integrate.quad(square, low, mid, weight="alg", wvar=(exponent, 0), epsabs=1e-14, limit=200)[0]
    cuts = np.linspace(mid, x, 12)
    return left + sum(integrate.quad(lambda t: square(t) * (t - low) ** exponent, p, q, epsabs=1e-14)[0] for p, q in zip(cuts[:-1], cuts[1:]))


print("/* space_values.h -- made by tests/reference/make_space.py. */\n#include <math.h>\n#include <stdint.h>\n")
print(f"enum {{ REFERENCE_FAMILIES = {len(NAMES)}, REFERENCE_POINTS = 5, REFERENCE_DEGREES = {len(DEGREES)}, REFERENCE_NODES = {NODES} }};")
print("static const int64_t reference_degree[REFERENCE_DEGREES] = {" + ", ".join(map(str, DEGREES)) + "};")
print("""typedef struct reference_family {
    const char *basis;
    double point[REFERENCE_POINTS];
    double value[REFERENCE_DEGREES][REFERENCE_POINTS];
    double distribution[REFERENCE_DEGREES][REFERENCE_POINTS]; /* NaN: not computed */
    double node[REFERENCE_NODES], weight[REFERENCE_NODES];    /* of Gauss */
} reference_family;""")
print("static const reference_family reference[REFERENCE_FAMILIES] = {")
for name in NAMES:
    phi, low, exponent, rest, rule = family(name)
    points = POINTS.get(name.split("(")[0], [-0.999, -0.6, 0.1, 0.55, 0.97])
    node, weight = rule(NODES)
    weight = weight / weight.sum()
    print(f'    {{.basis = "{name}",')
    print(f"     .point = {line(points)},")
    print("     .value = {" + ",\n               ".join(line(phi(k, np.array(points))) for k in DEGREES) + "},")
    table = [[distribution(phi, low, exponent, rest, k, x) if k <= 12 else np.nan for x in points] for k in DEGREES]
    print("     .distribution = {" + ",\n                      ".join(line(r).replace("nan", "NAN") for r in table) + "},")
    print(f"     .node = {line(node)},")
    print(f"     .weight = {line(weight)}}},")
print("};")
