#!/usr/bin/env python3
"""NumPy reference for softmax; writes softmax_values.h, the stored values of test_softmax*.c.

Numbers in brackets are the equations of include/norma/softmax.h.

    python3 tests/reference/softmax.py > tests/reference/softmax_values.h
"""
import numpy as np


def entries(x, alpha=1.0, keep=None, bias=None):
    z = alpha * x + (0 if bias is None else bias)
    return z if keep is None else np.where(keep != 0, z, -np.inf)


def logsumexp(z):
    top = z.max(axis=-1, keepdims=True)
    return top[..., 0] + np.log(np.exp(z - top).sum(axis=-1))


def softmax(z):  # (1)
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def backward(y, g, alpha):  # (4)
    return alpha * y * (g - (y * g).sum(axis=-1, keepdims=True))


def log_backward(log_y, g, alpha):  # (5); an excluded entry is constant: no gradient to or from it
    g = np.where(np.isneginf(log_y), 0, g)
    return alpha * (g - np.exp(log_y) * g.sum(axis=-1, keepdims=True))


def log_jvp(log_y, v, alpha):  # d(z - lse) = alpha (v - <p, v>)
    v = alpha * (v - (np.exp(log_y) * v).sum(axis=-1, keepdims=True))
    return np.where(np.isneginf(log_y), 0, v)


def cross_entropy(x, target, alpha, scale):  # (6)
    rows = np.arange(len(x))
    z = entries(x, alpha)
    p = softmax(z)
    loss = logsumexp(z) - z[rows, target]
    p[rows, target] -= 1
    return loss, alpha * scale * p


def extexp(x):
    """m 2^n = exp(x), n = rint(x log2 e), in extended precision."""
    n = np.rint(x * np.float64(1.4426950408889634))
    return np.exp(np.longdouble(x) - np.longdouble(n) * np.log(np.longdouble(2))), n


def show(name, a, kind="double"):
    flat = np.asarray(a).ravel()
    text = ", ".join(repr(v.item()) for v in flat).replace("-inf", "-INFINITY").replace("nan", "NAN")
    print(f"VALUE {kind} {name}[] = {{{text}}};")


def main():
    random = np.random.default_rng(32)
    rows, cols, alpha, scale = 3, 13, 0.75, 1 / 3
    x = np.round(4 * random.standard_normal((rows, cols)) * 1024) / 1024  # exact in f32 too
    bias = np.round(random.standard_normal((rows, cols)) * 1024) / 1024
    keep = (random.random((rows, cols)) < 0.7).astype(np.uint8)
    g = np.round(random.standard_normal((rows, cols)) * 1024) / 1024
    target = np.array([5, 0, 12])
    z = entries(x, alpha, keep, bias)
    y, log_y = softmax(z), z - logsumexp(z)[:, None]
    loss, ce = cross_entropy(x, target, alpha, scale)
    print("/* Made by softmax.py with NumPy; do not edit. */")
    print("#include <math.h>\n#include <stdint.h>")
    print("#define VALUE static const __attribute__((unused))")
    print(f"enum {{ VALUE_ROWS = {rows}, VALUE_COLS = {cols} }};")
    print(f"VALUE double value_alpha = {alpha!r}, value_scale = {scale!r};")
    show("value_x", x), show("value_bias", bias), show("value_keep", keep, "uint8_t"), show("value_g", g)
    show("value_target", target, "int64_t")
    show("value_y", y), show("value_log_y", log_y), show("value_lse", logsumexp(z))
    show("value_dx", backward(y, g, alpha)), show("value_log_dx", log_backward(log_y, g, alpha))
    show("value_log_jvp", log_jvp(log_y, g, alpha))
    show("value_loss", loss), show("value_cross_dx", ce)
    long_row = -30000 + np.cos(np.float64(0.1) * np.arange(1000))
    show("value_far_lse", logsumexp(np.float32(long_row).astype(np.float64)[None]))
    points = np.array([0, 1, -1, 100, -87.5, 1000, 1001, 999, -1000, 131072.0])
    m, n = extexp(points)
    show("value_point", points), show("value_mantissa", m.astype(np.float64)), show("value_exponent", n)


main()
