"""The polynomials of src/kernel/vector_coefficients.h.

    python tests/reference/elementwise_polynomials.py > src/kernel/vector_coefficients.h

Each is the minimax polynomial of f on [low, high] under a weight, by the Remez exchange in
60 digits, its coefficients then rounded to the type.  Needs mpmath."""
import struct

from mpmath import mp, mpf, matrix, lu_solve, exp, expm1, log, sqrt, erf, erfc, sin, cos, pi, atanh

mp.dps = 60


def remez(f, weight, powers, low, high):
    """Coefficients c with max |weight (f - sum c x^powers)| least, and that maximum."""
    n = len(powers)
    nodes = [(low + high) / 2 - (high - low) / 2 * cos(pi * (2 * i + 1) / (2 * n + 2)) for i in range(n + 1)]
    grid = [(low + high) / 2 - (high - low) / 2 * cos(pi * (i + mpf(1) / 2) / (24 * n)) for i in range(24 * n)]
    values = [(x, f(x), weight(x)) for x in grid]
    for _ in range(30):
        a, b = matrix(n + 1, n + 1), matrix(n + 1, 1)
        for i, x in enumerate(nodes):
            for j, p in enumerate(powers):
                a[i, j] = x**p
            a[i, n] = (-1) ** i / weight(x)
            b[i] = f(x)
        c = lu_solve(a, b)
        error = [w * (y - sum(c[j] * x**p for j, p in enumerate(powers))) for x, y, w in values]
        # The largest error of each run of one sign; n + 1 neighbouring ones of them.
        peaks = []
        for k, e in enumerate(error):
            if peaks and (error[peaks[-1]] > 0) == (e > 0):
                if abs(e) > abs(error[peaks[-1]]): peaks[-1] = k
            else: peaks.append(k)
        while len(peaks) > n + 1:
            peaks.pop(0 if abs(error[peaks[0]]) < abs(error[peaks[-1]]) else -1)
        most = max(abs(e) for e in error)
        if len(peaks) < n + 1: break
        nodes = [grid[k] for k in peaks]
        if most < abs(c[n]) * mpf("1.001"): break
    return [c[j] for j in range(n)], most


def rounded(value, bits):
    if bits == 53: return float(value)
    return struct.unpack("f", struct.pack("f", float(value)))[0]


def fit(f, weight, degree, low, high, bits):
    """The Remez polynomial, rounded from the constant up; what a rounding spoils is spread by
    least squares over the coefficients still free."""
    c, most = remez(f, weight, list(range(degree + 1)), low, high)
    grid = [(low + high) / 2 - (high - low) / 2 * cos(pi * (i + mpf(1) / 2) / 300) for i in range(300)]
    for k in range(degree + 1):
        moved = rounded(c[k], bits) - c[k]
        c[k] += moved
        free = range(k + 1, degree + 1)
        if not free: break
        rows = [[weight(x) * x**j for j in free] for x in grid]
        spoilt = [-moved * weight(x) * x**k for x in grid]
        normal = matrix(len(free), len(free))
        right = matrix(len(free), 1)
        for row, y in zip(rows, spoilt):
            for i, r in enumerate(row):
                right[i] += r * y
                for j in range(i + 1): normal[i, j] += r * row[j]
        for i in range(len(free)):
            for j in range(i): normal[j, i] = normal[i, j]
        for j, d in zip(free, lu_solve(normal, right)): c[j] += d
    c = [rounded(x, bits) for x in c]
    return c, max(abs(weight(x) * (f(x) - sum(mpf(a) * x**j for j, a in enumerate(c)))) for x in grid)


tiny = mpf(10) ** -25


def near(x): return x if abs(x) > tiny else tiny


def exp_rest(t): t = near(t); return (expm1(t) - t) / t**2
def log_rest(z): s = sqrt(near(z)); return (2 * atanh(s) / s - 2) / s**2
def pow_rest(z): z = near(z); return (log_rest(z) - mpf(2) / 3) / z
def erf_rest(z): x = sqrt(near(z)); return erf(x) / x - 1
def sin_rest(z): t = sqrt(near(z)); return (sin(t) - t) / t**3
def cos_rest(z): t = sqrt(near(z)); return (cos(t) - 1 + t * t / 2) / t**4


def tail(k):
    """With r = 1 / (a + k) and u = 1 - 2 k r: Phi(-a) exp(a^2 / 2) / r as a function of u."""
    def g(u):
        r = (1 - u) / (2 * k)
        a = 1 / r - k
        return erfc(a / sqrt(2)) / 2 * exp(a * a / 2) / r
    return g


quarter, third = mpf("0.0294373"), mpf(1) / 9  # the square of (sqrt2 - 1) / (sqrt2 + 1); of 1/3
half_log2 = log(2) / 2 * mpf("1.0001")


def tail_top(most, k): return 1 - 2 * k / (most + k)


def table():
    for bits, kind in ((24, "F32"), (53, "F64")):
        single = bits == 24
        k = mpf("2.5") if single else mpf("4")
        g = tail(k)
        turn = mpf("0.81") if single else mpf("0.786")
        yield kind, "EXP", "(e^t - 1 - t) / t^2, |t| <= ln2 / 2", fit(exp_rest, lambda t: abs(near(t)), 4 if single else 9, -half_log2, half_log2, bits)
        yield kind, "LOG", "(2 atanh(s) / s - 2) / s^2 in s^2, |s| <= 0.1716", fit(log_rest, lambda z: z, 2 if single else 6, mpf(0), quarter, bits)
        yield kind, "LOG1P", "the same, |s| <= 1/3", fit(log_rest, lambda z: z, 5 if single else 12, mpf(0), third, bits)
        yield kind, "POW", "(that - 2/3) / s^2, |s| <= 0.1716", fit(pow_rest, lambda z: z * z, 2 if single else 8, mpf(0), quarter, bits)
        yield kind, "TAIL", f"Phi(-a) e^(a^2/2) (a + {float(k)}) in (a - {float(k)}) / (a + {float(k)})", fit(g, lambda u: 1 / g(u), 9 if single else 21, mpf(-1), tail_top(mpf("14.5") if single else mpf("39"), k), bits)
        yield kind, "ERF", "erf(x) / x - 1 in x^2, |x| <= 3/4", fit(erf_rest, lambda z: 1, 5 if single else 12, mpf(0), mpf("0.5625"), bits)
        yield kind, "SIN", "(sin t - t) / t^3 in t^2", fit(sin_rest, lambda z: z, 2 if single else 5, mpf(0), turn**2, bits)
        yield kind, "COS", "(cos t - 1 + t^2 / 2) / t^4 in t^2", fit(cos_rest, lambda z: z * z, 2 if single else 5, mpf(0), turn**2, bits)


def main():
    print("/* vector_coefficients.h -- made by tests/reference/elementwise_polynomials.py, which says how.\n"
          " * Constant first; the number is the greatest error of the value they serve, relative for\n"
          " * what tends to 0, before rounding of the evaluation. */\n"
          "#ifndef NRM_VECTOR_COEFFICIENTS_H\n#define NRM_VECTOR_COEFFICIENTS_H")
    for kind, name, text, (coefficients, most) in table():
        suffix = "f" if kind == "F32" else ""
        cells = [c.hex().replace("0000000p", "p") + suffix if suffix else c.hex() for c in coefficients]
        real = "float" if suffix else "double"
        print(f"\n/* {text}: {float(most):.1e} */")
        lines, line = [], "   "
        for cell in cells:
            if len(line) + len(cell) + 2 > 106: lines.append(line); line = "   "
            line += f" {cell},"
        lines.append(line)
        print(f"static const {real} NRM_{name}_{kind}[] = {{\n" + "\n".join(lines) + "\n};")
    print("\n#endif")


main()
