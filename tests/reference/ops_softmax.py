#!/usr/bin/env python3
"""Make ops_softmax_values.h: softmax, its logarithm and cross-entropy by PyTorch in f64.

    python3 tests/reference/ops_softmax.py > tests/reference/ops_softmax_values.h

Inputs are dyadic fractions from the integer formula pattern(), so the C tests make the very
same bits.
"""
import torch
from torch.nn import functional as f


def pattern(k, *shape):
    i = torch.arange(torch.Size(shape).numel(), dtype=torch.int64)
    return (((i * 37 + i * i * 11 + k * 29) % 97 - 48).double() / 16).reshape(shape)


def emit(name, values):
    text = [v.hex() if v else "0" for v in values.reshape(-1).tolist()]
    print(f"static const double {name}[{len(text)}] = {{")
    for start in range(0, len(text), 4):
        print("    " + ", ".join(text[start:start + 4]) + ",")
    print("};")


print("/* Made by ops_softmax.py; do not edit. */")
print("#ifndef NRM_OPS_SOFTMAX_VALUES_H\n#define NRM_OPS_SOFTMAX_VALUES_H\n")
x = pattern(1, 3, 7)
emit("softmax_y", torch.softmax(x, -1))
emit("log_softmax_y", torch.log_softmax(x, -1))
x = pattern(2, 2, 5, 5)
hidden = torch.ones(5, 5).triu(1).bool()
emit("causal_y", torch.softmax((0.375 * x).masked_fill(hidden, -torch.inf), -1))
x = pattern(3, 4, 6).requires_grad_()
target = torch.tensor([2, -1, 5, 0])
loss = f.cross_entropy(x, target, ignore_index=-1, reduction="none")
emit("cross_entropy_loss", loss.detach())
emit("cross_entropy_dx", torch.autograd.grad(loss, x, pattern(4, 4))[0])
x = pattern(5, 3, 5)
emit("l2_normalise_y", f.normalize(x, eps=1e-3))
print("\n#endif")
