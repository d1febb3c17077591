#!/usr/bin/env python3
"""Make convolution_values.h: convolutions, their adjoints and pooling by PyTorch in f64.

    python3 tests/reference/convolution.py > tests/reference/convolution_values.h

Inputs are dyadic fractions from the integer formula pattern(), so the C tests make the very
same bits.
"""
import torch
from torch.nn import functional as f


def pattern(k, *shape):
    i = torch.arange(torch.Size(shape).numel(), dtype=torch.int64)
    return (((i * 37 + i * i * 11 + k * 29) % 97 - 48).double() / 16).reshape(shape)


def emit(name, values):
    flat = values.reshape(-1).tolist()
    kind = "int64_t" if isinstance(flat[0], int) else "double"
    text = [str(v) if kind == "int64_t" else v.hex() if v else "0" for v in flat]
    print(f"static const {kind} {name}[{len(flat)}] = {{")
    for start in range(0, len(text), 4):
        print("    " + ", ".join(text[start:start + 4]) + ",")
    print("};")


def convolution(name, x_shape, w_shape, stride, dilation, before, after, groups):
    x = pattern(1, *x_shape).requires_grad_()
    w = pattern(2, *w_shape).requires_grad_()
    padded = f.pad(x, (before[1], after[1], before[0], after[0]))
    y = f.conv2d(padded, w, stride=stride, dilation=dilation, groups=groups)
    dx, dw = torch.autograd.grad(y, (x, w), pattern(3, *y.shape))
    for part, values in (("y", y), ("dx", dx), ("dw", dw)):
        emit(f"{name}_{part}", values)


print("/* Made by convolution.py; do not edit. */")
print("#ifndef NRM_CONVOLUTION_VALUES_H\n#define NRM_CONVOLUTION_VALUES_H\n#include <stdint.h>\n")
convolution("plain", (1, 2, 4, 5), (3, 2, 3, 3), (1, 1), (1, 1), (1, 1), (1, 1), 1)
convolution("mixed", (2, 4, 5, 6), (6, 2, 2, 3), (2, 3), (2, 1), (1, 2), (0, 1), 2)
convolution("each", (1, 3, 4, 4), (3, 1, 3, 3), (2, 2), (1, 1), (1, 1), (1, 1), 3)
planes = pattern(4, 2, 5, 6).requires_grad_()
y, index = f.max_pool2d(planes, 3, 2, 1, return_indices=True)
emit("largest_index", index)
emit("largest_dx", torch.autograd.grad(y, planes, pattern(5, *y.shape))[0])
y = f.avg_pool2d(planes, 3, 2, 1)
emit("mean_y", y)
emit("mean_dx", torch.autograd.grad(y, planes, pattern(5, *y.shape))[0])
print("\n#endif")
