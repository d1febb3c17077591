#!/usr/bin/env python3
"""Make optim_lowrank_values.h: parameters after 7 steps of the low-rank optimizers, by NumPy.

    python3 tests/reference/make_optim_lowrank.py > tests/reference/optim_lowrank_values.h

Every function is written from the papers' algorithms for the left side (P'G); matrices that
are projected on the right are transposed first.  Weights and gradients are dyadic fractions, so
that the C test makes the very same bits.  Signs of singular vectors: the entry of largest size is positive.
"""
import numpy as np

ETA, DECAY = 0.01, 0.1
SHAPES = [(7, 5), (5, 13), (4, 4)]
STEPS = 7


def values(count, k):
    i = np.arange(count)
    return ((i * i * (13 + k) + i * 37 + k * 61) % 101 - 50) / 16.0


def cosines(n):
    k, j = np.mgrid[0:n, 0:n]
    c = np.sqrt(2 / n) * np.cos(np.pi * k * (2 * j + 1) / (2 * n))
    c[0] *= np.sqrt(0.5)
    return c


def basis(name, n):
    return {"dct2": cosines(n).T, "dct3": cosines(n), "identity": np.eye(n)}[name]


def select(s, rank, p):
    score = np.sum(np.abs(s) ** p, axis=1)
    order = np.argsort(-score, kind="stable")
    gaps = score[order[rank - 1]] - (score[order[rank]] if rank < len(order) else 0)
    assert gaps > 1e-9, f"a tie: {score}"
    return order[:rank]


def svd(g, rank):
    u = np.linalg.svd(g)[0][:, :rank]
    return u * np.sign(u[np.argmax(np.abs(u), axis=0), np.arange(rank)])


def quantise(e, bits, right):
    """Row by row of the matrix as it is stored; e is transposed if `right`."""
    x = (e.T if right else e).copy()
    for row in x:
        unit = (row.max() - row.min()) / (2 ** bits - 1)
        if unit > 0:
            row[:] = np.floor((row - row.min()) / unit + 0.5) * unit + row.min()
    return x.T if right else x


class Adam:
    def __init__(self, b1=0.9, b2=0.999, eps=1e-8):
        self.b1, self.b2, self.eps, self.m, self.v = b1, b2, eps, 0, 0

    def moments(self, g):
        self.m = self.b1 * self.m + (1 - self.b1) * g
        self.v = self.b2 * self.v + (1 - self.b2) * g * g

    def step(self, g, t):
        self.moments(g)
        return (self.m / (1 - self.b1 ** t)) / (np.sqrt(self.v / (1 - self.b2 ** t)) + self.eps)


class DctAdamw:
    def __init__(self, rank, kind="dct2", p=1, gap=1, rotate=True, feedback="full"):
        self.rank, self.kind, self.p, self.gap, self.rotate, self.feedback = rank, kind, p, gap, rotate, feedback
        self.adam, self.e = Adam(), 0

    def step(self, w, g, t, right):
        d = basis(self.kind, len(g))
        w *= 1 - ETA * DECAY
        a = g + self.e
        if t == 1 or t % self.gap == 0:
            before = getattr(self, "index", None)
            self.index = select(d.T @ a, self.rank, self.p)
            if self.rotate:
                self.index = np.sort(self.index)
                if t > 1:
                    r = d[:, before].T @ d[:, self.index]
                    self.adam.m, self.adam.v = r.T @ self.adam.m, np.abs(r.T @ self.adam.v)
        q = d[:, self.index]
        low = q.T @ a
        if self.feedback != "off":
            self.e = a - q @ low
            if self.feedback != "full":
                self.e = quantise(self.e, int(self.feedback[0]), right)
        w -= ETA * q @ self.adam.step(low, t)


class Galore:
    def __init__(self, rank, gap, alpha=0.25, projector="svd", p=1):
        self.rank, self.gap, self.alpha, self.projector, self.p = rank, gap, alpha, projector, p
        self.adam = Adam(eps=1e-6)

    def refresh(self, g):
        if self.projector == "svd":
            return svd(g, self.rank)
        d = basis(self.projector, len(g))
        return d[:, np.sort(select(d.T @ g, self.rank, self.p))]

    def step(self, w, g, t, right):
        if (t - 1) % self.gap == 0:
            self.q = self.refresh(g)
        self.adam.moments(self.q.T @ g)
        psi = self.adam.m / (np.sqrt(self.adam.v) + self.adam.eps)
        rate = ETA * np.sqrt(1 - self.adam.b2 ** t) / (1 - self.adam.b1 ** t)
        w -= rate * self.direction(g, psi)
        w *= 1 - ETA * DECAY

    def direction(self, g, psi):
        return self.alpha * self.q @ psi


class Fira(Galore):
    before = None

    def direction(self, g, psi):
        low = self.q.T @ g
        phi = np.linalg.norm(psi, axis=0) / (np.linalg.norm(low, axis=0) + 1e-8)
        s = (g - self.alpha * self.q @ low) * phi
        if self.before is not None:
            s /= max(np.linalg.norm(s) / (self.before + 1e-8), 1.01) / 1.01
        self.before = np.linalg.norm(s)
        return super().direction(g, psi) + s


class Frugal(Galore):
    def step(self, w, g, t, right):
        if (t - 1) % self.gap == 0:
            self.rank = max(1, round(self.alpha * len(g)))  # alpha is the density
            self.q, self.adam = self.refresh(g), Adam()
        w *= 1 - ETA * DECAY
        low = self.q.T @ g
        rest = g - self.q @ low
        rest[np.abs(rest) <= 8 * np.finfo(float).eps * np.abs(g).max()] = 0
        w -= ETA * self.q @ self.adam.step(low, (t - 1) % self.gap + 1) + ETA * 0.5 * np.sign(rest)


class Ldadam:
    def __init__(self, rank, feedback=True):
        self.rank, self.feedback, self.e, self.adam = rank, feedback, 0, Adam(0.908, 0.99)

    def step(self, w, g, t, right):
        adam, rho, done = self.adam, 0.908, t - 1
        a = g + self.e
        if done == 0:
            self.q = svd(a, self.rank)
        else:
            old = self.q
            b = rho * old @ adam.m / (1 - adam.b1 ** done) + (1 - rho) * a
            q, r = np.linalg.qr(b @ (b.T @ old))
            self.q = q * np.sign(np.diag(r))
        low = self.q.T @ a
        self.e = a - self.q @ low
        if done:
            c = self.q.T @ old
            turned = c @ adam.m
            self.e = self.e + adam.b1 / (1 - adam.b1) * (old @ adam.m - self.q @ turned)
            c1, c2 = 1 - adam.b1 ** done, 1 - adam.b2 ** done
            adam.v = np.abs(c2 * ((c * c) @ (adam.v / c2 - (adam.m / c1) ** 2) + (turned / c1) ** 2))
            adam.m = turned
        if not self.feedback:
            self.e = 0
        w *= 1 - ETA * DECAY
        w -= ETA * self.q @ adam.step(low, t)


def newton_schulz(x):
    a, b, c = 3.4445, -4.7750, 2.0315
    x = x / (np.linalg.norm(x) + 1e-7)
    for _ in range(5):
        g = x @ x.T
        x = a * x + (b * g + c * g @ g) @ x
    return x


class Trion:
    def __init__(self, rank, scale=lambda m, n: np.sqrt(m / n), mu=0.95, kind="dct2"):
        self.rank, self.scale, self.mu, self.kind, self.b = rank, scale, mu, kind, 0

    def step(self, w, g, t, right):
        d = basis(self.kind, len(g))
        m, n = g.T.shape if right else g.shape
        self.b = self.b + g
        q = d[:, np.sort(select(d.T @ self.b, self.rank, 1))]
        low = q.T @ self.b
        self.b = self.b - (1 - self.mu) * q @ low
        w *= 1 - ETA * DECAY
        w -= ETA * self.scale(m, n) * q @ newton_schulz(low)


def run(name, make, always_left=False, force=None, square_right=True):
    out = []
    for k, shape in enumerate(SHAPES):
        m, n = shape
        right = m > n or (m == n and square_right)
        if force:
            right = force == "right"
        right = right and not always_left
        w = values(m * n, 0).reshape(shape)
        optimizer = make()
        for step in range(STEPS):
            g = values(m * n, 1 + step + 100 * k).reshape(shape)
            view = w.T if right else w
            optimizer.step(view, g.T if right else g, step + 1, right)
        out += [float(v) for v in w.ravel()]
    print(f"static const double {name}[{len(out)}] = {{")
    for start in range(0, len(out), 4):
        print("    " + ", ".join(v.hex() if v else "0" for v in out[start:start + 4]) + ",")
    print("};")


print("/* Made by make_optim_lowrank.py. */")
run("dct_adamw_plain", lambda: DctAdamw(2))
run("dct_adamw_gap", lambda: DctAdamw(2, gap=2, p=2))
run("dct_adamw_slots", lambda: DctAdamw(3, gap=3, rotate=False, feedback="off"))
run("dct_adamw_8bit", lambda: DctAdamw(2, feedback="8bit"))
run("dct_adamw_4bit", lambda: DctAdamw(2, "dct3", feedback="4bit"))
run("dct_adamw_left", lambda: DctAdamw(3), force="left")
run("dct_adamw_right", lambda: DctAdamw(3), force="right")
run("trion_plain", lambda: Trion(3))
run("trion_rms", lambda: Trion(2, lambda m, n: 0.2 * np.sqrt(max(m, n)), 0.9, "dct3"))
run("galore_svd", lambda: Galore(2, 3))
run("galore_dct2", lambda: Galore(2, 3, projector="dct2", p=2))
run("fira_svd", lambda: Fira(2, 4, 0.5))
run("fira_dct2", lambda: Fira(2, 2, 1.0, "dct2"))
run("frugal_svd", lambda: Frugal(0, 3, 0.6))
run("frugal_dct2", lambda: Frugal(0, 4, 0.3, "dct2"))
run("ldadam_plain", lambda: Ldadam(2), square_right=False)
run("ldadam_off", lambda: Ldadam(3, False), square_right=False)
