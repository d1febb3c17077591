#!/usr/bin/env python3
"""Make linalg_values.h: what the linalg tests compare with, by NumPy and SciPy.

    python3 tests/reference/make_linalg.py > tests/reference/linalg_values.h

Inputs are dyadic fractions from the integer formula pattern(), so the C tests make the
very same bits.  The sketches are made from a Philox4x32-10 written here on its own.
"""
import math

import numpy as np
import scipy.fft
import scipy.linalg


def pattern(m, n, k=0):
    i, j = np.indices((m, n))
    return ((i * 37 + j * 61 + i * j * 11 + k * 29) % 97 - 48) / 16.0


def emit(name, values):
    values = np.asarray(values)
    if np.iscomplexobj(values):
        values = np.stack([values.real, values.imag], axis=-1)
    flat = values.ravel()
    kind = "int64_t" if flat.dtype.kind == "i" else "double"
    text = [str(int(v)) if kind == "int64_t" else float(v).hex() if v else "0" for v in flat]
    print(f"static const {kind} {name}[{len(flat)}] = {{")
    for start in range(0, len(text), 4):
        print("    " + ", ".join(text[start:start + 4]) + ",")
    print("};")


# ---- Dense linear algebra ---------------------------------------------------------------
def dense():
    a = pattern(7, 5)
    emit("svd_7x5", np.linalg.svd(a, compute_uv=False))
    emit("svd_5x9", np.linalg.svd(pattern(5, 9, 1), compute_uv=False))
    s = pattern(6, 6, 2)
    s = np.tril(s) + np.tril(s, -1).T
    emit("eigen_6", np.linalg.eigvalsh(s))
    emit("cholesky_5", np.linalg.cholesky(a.T @ a + np.eye(5)))
    q, r = np.linalg.qr(a)
    sign = np.sign(np.diag(r))
    emit("qr_r_7x5", sign[:, None] * r)
    emit("qr_q_7x5", q * sign)
    emit("lstsq_7x5", np.linalg.lstsq(a, pattern(7, 1, 3)[:, 0], rcond=None)[0])
    low = pattern(4, 2) @ pattern(2, 6, 1)
    emit("lstsq_rank2", np.linalg.pinv(low, rcond=1e-10) @ pattern(4, 1, 3)[:, 0])
    emit("product_tn", 0.5 * pattern(7, 5).T @ pattern(7, 3, 1) - 2 * pattern(5, 3, 4))
    u, _, vt = np.linalg.svd(a, full_matrices=False)
    emit("polar_7x5", u @ vt)


# ---- Newton-Schulz ------------------------------------------------------------------------
def newton_schulz(x, steps, safety, eps):
    transposed = x.shape[0] > x.shape[1]
    x = x.T.copy() if transposed else x.copy()
    x /= safety * np.linalg.norm(x) + eps
    for a, b, c in steps:
        g = x @ x.T
        x = a * x + (b * g + c * g @ g) @ x
    return x.T if transposed else x


def orthogonal():
    for name, steps in (("muon", [(3.4445, -4.7750, 2.0315)] * 5),
                        ("cubic_classic", [(1.5, -0.5, 0)] * 15),
                        ("quintic_classic", [(15 / 8, -10 / 8, 3 / 8)] * 10),
                        ("muon8_2", [(3.4445, -4.7750, 2.0315)] * 8 + [(2, -1.5, 0.5)] * 2)):
        emit(f"ns_{name}_7x5", newton_schulz(pattern(7, 5), steps, 1, 1e-7))


# ---- Projections ----------------------------------------------------------------------------
def simplex(x, total):
    u = np.sort(x)[::-1]
    css = np.cumsum(u) - total
    rho = np.nonzero(u * np.arange(1, len(u) + 1) > css)[0][-1]
    return np.maximum(x - css[rho] / (rho + 1), 0)


def sparse_simplex(x, total, k):
    keep = np.sort(np.argsort(-x, kind="stable")[:k])
    y = np.zeros_like(x)
    y[keep] = simplex(x[keep], total)
    return y


def projections():
    x = pattern(1, 61, 5)[0]
    emit("simplex_61", simplex(x, 2.5))
    emit("simplex_wide_61", simplex(x, 400.0))
    emit("simplex_sparse_3_of_61", sparse_simplex(x, 2.5, 3))
    emit("simplex_sparse_40_of_61", sparse_simplex(x, 400.0, 40))
    emit("ball1_61", np.sign(x) * simplex(np.abs(x), 7.0))


# ---- Transforms ------------------------------------------------------------------------------
def transforms():
    for n in (1, 2, 5, 12, 17):
        x = pattern(1, n, 6)[0]
        z = x + 1j * pattern(1, n, 7)[0]
        emit(f"fft_{n}", np.fft.fft(z))
        emit(f"rfft_{n}", np.fft.rfft(x))
        emit(f"dct2_{n}", scipy.fft.dct(x, type=2, norm="ortho"))
    emit("hadamard_16", scipy.linalg.hadamard(16) @ pattern(16, 3, 8))


# ---- Sketches ----------------------------------------------------------------------------------
def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & 0xFFFFFFFF, (p0 >> 32) ^ c[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


class Stream:
    def __init__(self, seed, stream, block):
        self.key = [seed & 0xFFFFFFFF, seed >> 32]
        self.stream, self.block, self.words = stream, block, []

    def u32(self):
        if not self.words:
            self.words = philox([self.block & 0xFFFFFFFF, self.block >> 32, self.stream & 0xFFFFFFFF,
                                 self.stream >> 32], self.key)
            self.block += 1
        return self.words.pop(0)

    def u64(self):
        low = self.u32()
        return low | self.u32() << 32

    def below(self, n):
        threshold = (2 ** 64 - n) % n
        while True:
            product = self.u64() * n
            if product & (2 ** 64 - 1) >= threshold:
                return product >> 64

    def choice(self, k, n):
        out = []
        for j in range(n - k, n):
            t = self.below(j + 1)
            out.append(j if t in out else t)
        return self.shuffle(out)

    def permutation(self, n):
        return self.shuffle(list(range(n)))

    def shuffle(self, out):
        for i in range(len(out) - 1, 0, -1):
            j = self.below(i + 1)
            out[i], out[j] = out[j], out[i]
        return out


def signs(seed, stream, start, n):
    out = []
    for block in range((n + 127) // 128):
        rng = Stream(seed, stream, start + block)
        words = [rng.u32() for _ in range(4)]
        out += [1 - 2 * (words[i // 32] >> i % 32 & 1) for i in range(128)]
    return np.array(out[:n])


def normal_pair(seed, stream, block):
    rng = Stream(seed, stream, block)
    u, angle = 1 - (rng.u64() >> 12) * 2.0 ** -52, 2 * math.pi * (rng.u64() >> 12) * 2.0 ** -52
    return math.sqrt(-2 * math.log(u)) * math.cos(angle), math.sqrt(-2 * math.log(u)) * math.sin(angle)


def sparse(seed, stream, m, n, bands):
    s = np.zeros((m, n))
    for i in range(n):
        for band in range(bands):
            rng = Stream(seed, stream, i * bands + band)
            first, end = band * m // bands, (band + 1) * m // bands
            negative = rng.u32() & 1
            s[first + rng.below(end - first), i] = (-1 if negative else 1) / math.sqrt(bands)
    return s


def sketches():
    seed, stream, m, n, d = 12345678901234567890, 7, 4, 11, 3
    a = pattern(n, d, 9)
    place = (seed, stream)
    s = np.array([[normal_pair(*place, r * 128 + i // 2)[i % 2] for i in range(n)] for r in range(m)]) / math.sqrt(m)
    emit("sketch_gaussian", s @ a)
    hadamard = scipy.linalg.hadamard(16)
    padded = np.zeros((16, d))
    padded[:n] = signs(*place, 0, n)[:, None] * a
    choice = Stream(*place, 2 ** 62)
    emit("sketch_srht", (hadamard @ padded)[choice.choice(m, 16)] / math.sqrt(m))
    choice = Stream(*place, 2 ** 62)
    emit("sketch_srht_replace", (hadamard @ padded)[[choice.below(16) for _ in range(m)]] / math.sqrt(m))
    circulant = scipy.linalg.circulant(signs(*place, 2 ** 63, n))
    rows = Stream(*place, 2 ** 62).choice(m, n)
    emit("sketch_srct", (circulant @ (signs(*place, 0, n)[:, None] * a))[rows] / math.sqrt(m))
    permutation = Stream(*place, 2 ** 62).permutation(16)
    gamma = np.array([normal_pair(*place, 3 * 2 ** 62 + k // 2)[k % 2] for k in range(16)])
    emit("sketch_bgp", (gamma[:, None] * (hadamard @ padded)[permutation]).reshape(m, 4, d).sum(axis=1) / 4)
    emit("sketch_count", sparse(*place, m, n, 1) @ a)
    emit("sketch_osnap", sparse(*place, m, n, 3) @ a)


print("/* Made by make_linalg.py; do not edit. */")
print("#ifndef NRM_LINALG_VALUES_H")
print("#define NRM_LINALG_VALUES_H")
print("""#include <stdint.h>

/* The inputs: pattern(m, n, k) of make_linalg.py into a (m x n, row stride ld). */
static inline void pattern(int64_t m, int64_t n, int64_t k, double *a, int64_t ld)
{
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++)
            a[i * ld + j] = (double)((i * 37 + j * 61 + i * j * 11 + k * 29) % 97 - 48) / 16;
}
""")
for part in (dense, orthogonal, projections, transforms, sketches):
    part()
print("#endif")
