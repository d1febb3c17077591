#!/usr/bin/env python3
"""Make top_eigenvector_values.h: the streaming methods of paper 26 written a second time,
slowly and plainly, in NumPy.

    python3 tests/reference/top_eigenvector.py > tests/reference/top_eigenvector_values.h

Nothing is shared with the C code but the definition of the random start (Philox4x32-10,
seed 7) and of the test table (splitmix64), both written here on their own.  Letters as in
the specification: k width, K stored rows, Z and Y of a block, H the stored rows, L the rows
absorbed, N of Nystrom, theta the bar of a heavy row.
"""
import math

import numpy as np

M64 = (1 << 64) - 1


# ---- Random numbers -----------------------------------------------------------------------
def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & 0xFFFFFFFF, (p0 >> 32) ^ c[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def uniforms(seed, stream, block):
    """The two uniforms of one block of four words."""
    w = philox([block & 0xFFFFFFFF, block >> 32, stream & 0xFFFFFFFF, stream >> 32],
               [seed & 0xFFFFFFFF, seed >> 32])
    return [((w[i] | w[i + 1] << 32) >> 11) * 2.0**-53 for i in (0, 2)]


def normals(seed, stream, count):
    out = []
    for block in range(count):
        u, v = uniforms(seed, stream, block)
        out.append(math.sqrt(-2 * math.log(1 - u)) * math.cos(2 * math.pi * v))
    return np.array(out)


def splitmix(state):
    while True:
        state = (state + 0x9E3779B97F4A7C15) & M64
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & M64
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & M64
        yield ((z ^ (z >> 31)) >> 11) * 2.0**-53


START, SUBSAMPLE = 2600, 2602


def table(n, d):
    """Uniform entries; column 2 is long in every row, every 90th row is long as a whole."""
    draw = splitmix(26)
    a = np.array([[next(draw) - 0.5 for _ in range(d)] for _ in range(n)])
    a[:, 2] *= 2.5
    a[17::90] *= 9.0
    return a


# ---- The algorithm of the specification ---------------------------------------------------
def orth(y):
    """Orthonormal basis with the signs of Gram-Schmidt (diagonal of R positive)."""
    q, r = np.linalg.qr(y)
    return q * np.sign(np.diag(r))


def heavy_light(a, k, K, schedule="doubling", t=None, combine="ritz", first=None, c_sub=0.0, seed=7):
    n, d = a.shape
    k = min(k, d)
    Z = orth(normals(seed, START, d * k).reshape(d, k))
    Y, cnt, block, last = np.zeros((d, k)), 0, 0, None
    H, absorbed, energy, keep = [], 0, 0.0, 0.0
    first = first or max(64, 2 * d)
    t = t or max(4, math.ceil(math.log2(d)))

    def length():
        if schedule == "doubling":
            return first * 2**block
        return 10**15 if block == t - 1 else -(-(n - K) // t)

    for row in a:
        if len(H) < K:
            H.append(row)
            continue
        if K:
            least = min(range(K), key=lambda i: (H[i] @ H[i], i))
            if row @ row > H[least] @ H[least]:
                H[least], row = row, H[least]
        if cnt == length():
            last = (Z, Y / cnt, cnt)
            Z, Y, cnt, block = orth(Y), np.zeros((d, k)), 0, block + 1
            if c_sub:
                planned = first * 2**block if schedule == "doubling" else -(-(n - K) // t)
                keep = c_sub * d * math.log(d) / (planned * energy / absorbed)
        weight, pi = 1.0, keep * (row @ row)
        if keep and pi < 1:
            weight = 1 / pi if uniforms(seed, SUBSAMPLE, absorbed)[0] < pi else 0.0
        Y += weight * np.outer(row, row @ Z)
        cnt, absorbed, energy = cnt + 1, absorbed + 1, energy + row @ row

    H = np.array(H).reshape(-1, d)
    if last is not None and cnt < last[2] // 2:
        Z, Y, c = last[0], last[1] * last[2], last[2]
    else:
        c = cnt
    Y = Y * (absorbed / c)                                    # n_light / c
    M = Z.T @ Y
    lam, V = np.linalg.eigh((M + M.T) / 2)
    good = lam > 1e-10 * lam.max()
    N = Y @ V[:, good] / np.sqrt(lam[good])                   # L'L ~ N N'
    both = np.hstack([N, H.T])

    def top(f):
        u, s, _ = np.linalg.svd(f)
        return u[:, 0], s

    if combine == "light":
        v, s = top(N)
    elif combine == "pick":
        v = max([top(f)[0] for f in (N, H.T)], key=lambda u: np.sum((both.T @ u) ** 2))
        s = np.array([np.linalg.norm(both.T @ v), np.linalg.svd(both, compute_uv=False)[1]])
    else:
        v, s = top(both)
    return v, s[0] ** 2, s[0] ** 2 / s[1] ** 2


def oja(a, rate, decaying=False, seed=7):
    d = a.shape[1]
    v = normals(seed, START, d)
    v /= np.linalg.norm(v)
    growth, energy = 0.0, 0.0
    for t, row in enumerate(a, 1):
        energy += row @ row
        eta = rate if not decaying else (rate / t if rate else d / energy)
        v = v + eta * row * (row @ v)
        growth += math.log(np.linalg.norm(v))
        v /= np.linalg.norm(v)
    return v, growth


def oja_adaptive(a, rates, seed=7):
    d = a.shape[1]
    longest = a[np.argmax(np.sum(a * a, axis=1))]
    for i in reversed(range(rates)):
        eta = d / (a[0] @ a[0]) * 2.0**-i
        v, growth = oja(a, eta, seed=seed)
        if longest @ longest * eta > 1:
            return longest / np.linalg.norm(longest), eta
        if growth >= 10 * math.log(d):
            return v, eta
    raise RuntimeError("no rate can be trusted")


def frequent_directions(a, l):
    d = a.shape[1]
    b = np.zeros((0, d))
    for row in a:
        if len(b) == 2 * l:
            u, s, vt = np.linalg.svd(b, full_matrices=False)
            s2 = np.maximum(s**2 - s[l - 1] ** 2, 0)[: l - 1]
            b = np.sqrt(s2)[:, None] * vt[: l - 1]
        b = np.vstack([b, row])
    _, s, vt = np.linalg.svd(b, full_matrices=False)
    return vt[0], s[0] ** 2, s[0] ** 2 / s[1] ** 2


# ---- Output -----------------------------------------------------------------------------------
def positive(v):
    return v if v[np.argmax(np.abs(v))] > 0 else -v


def emit(name, values):
    text = [float(x).hex() for x in np.ravel(values)]
    print(f"static const double {name}[{len(text)}] = {{")
    for i in range(0, len(text), 4):
        print("    " + ", ".join(text[i:i + 4]) + ",")
    print("};")


def main():
    a = table(1500, 13)
    print("/* Made by top_eigenvector.py; do not edit. */")
    for name, args in {
        "ritz_doubling": dict(k=3, K=5),
        "ritz_equal": dict(k=3, K=5, schedule="equal", t=5),
        "ritz_last_block": dict(k=4, K=6, first=440),  # the open block is too short to serve
        "pick": dict(k=3, K=5, combine="pick"),
        "light": dict(k=3, K=5, combine="light"),
        "block_power": dict(k=2, K=0),
        "full_width": dict(k=13, K=0),
        "subsampled": dict(k=3, K=5, c_sub=3.0),
        "many_stored": dict(k=3, K=20),                # k + K > d
    }.items():
        v, value, gap = heavy_light(a, **args)
        emit("reference_" + name, np.concatenate([positive(v), [value, gap]]))
    emit("reference_oja_fixed", np.concatenate([positive(oja(a, 0.02)[0]), [oja(a, 0.02)[1]]]))
    emit("reference_oja_decaying", np.concatenate([positive(oja(a, 0.0, True)[0]), [oja(a, 0.0, True)[1]]]))
    v, eta = oja_adaptive(a, 16)
    emit("reference_oja_adaptive", np.concatenate([positive(v), [eta]]))
    v, value, gap = frequent_directions(a, 4)
    emit("reference_frequent_directions", np.concatenate([positive(v), [value, gap]]))
    w, u = np.linalg.eigh(a.T @ a)
    emit("reference_exact", np.concatenate([positive(u[:, -1]), [w[-1], w[-1] / w[-2]]]))


if __name__ == "__main__":
    main()
