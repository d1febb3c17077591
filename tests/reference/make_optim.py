#!/usr/bin/env python3
"""Make optim_values.h: parameters after 20 steps, by PyTorch (2.9 or later) in float64.

    python3 tests/reference/make_optim.py > tests/reference/optim_values.h

Weights and gradients are dyadic fractions from integer formulas, so the C tests make the
very same bits.  torch.optim.Muon orthogonalises in bfloat16; that one function is replaced
by the published formula in float64, momentum, scale and decay being PyTorch's own.
"""
import numpy as np
import torch
from torch.optim import _muon


def values(count, k):
    i = np.arange(count)
    return ((i * 37 + k * 61 + i * k * 11) % 97 - 48) / 16.0


def newton_schulz(grad, coefficients, steps, eps):
    a, b, c = coefficients
    x = grad.T if grad.size(0) > grad.size(1) else grad
    x = x / (x.norm() + eps)
    for _ in range(steps):
        g = x @ x.T
        x = a * x + (b * g + c * (g @ g)) @ x
    return x.T if grad.size(0) > grad.size(1) else x


_muon._zeropower_via_newtonschulz = newton_schulz


def run(name, make, shapes):
    out = []
    parameters = [torch.tensor(values(int(np.prod(s)), 0), dtype=torch.float64).reshape(s).requires_grad_() for s in shapes]
    optimizer = make(parameters)
    for step in range(20):
        for k, p in enumerate(parameters):
            p.grad = torch.tensor(values(p.numel(), 1 + step + 100 * k)).reshape(p.shape)
        optimizer.step()
    for p in parameters:
        out += [float(v) for v in p.detach().ravel()]
    print(f"static const double {name}[{len(out)}] = {{")
    for start in range(0, len(out), 4):
        print("    " + ", ".join(v.hex() if v else "0" for v in out[start:start + 4]) + ",")
    print("};")


print("/* Made by make_optim.py. */")
ANY = [(7, 5), (13,), (), (2, 3, 2)]
MATRICES = [(7, 5), (5, 13), (3, 3)]
run("sgd_plain", lambda p: torch.optim.SGD(p, lr=0.03, weight_decay=0.1), ANY)
run("sgd_heavy_ball", lambda p: torch.optim.SGD(p, lr=0.03, momentum=0.9, weight_decay=0.1), ANY)
run("sgd_nesterov", lambda p: torch.optim.SGD(p, lr=0.03, momentum=0.8, nesterov=True), ANY)
run("adamw_default", lambda p: torch.optim.AdamW(p), ANY)
run("adamw_fast", lambda p: torch.optim.AdamW(p, lr=0.02, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.3), ANY)
run("muon_match_fan", lambda p: torch.optim.Muon(p, lr=0.02, weight_decay=0.1, momentum=0.95), MATRICES)
run("muon_rms", lambda p: torch.optim.Muon(p, lr=0.02, weight_decay=0.1, momentum=0.9, nesterov=False,
                                           adjust_lr_fn="match_rms_adamw"), MATRICES)
