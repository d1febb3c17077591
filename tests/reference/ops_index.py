#!/usr/bin/env python3
"""Make ops_index_values.h: operations with indices, segments, sparse products and scans, with
derivatives, by PyTorch in f64; orders by NumPy's stable sort.

    python3 tests/reference/ops_index.py > tests/reference/ops_index_values.h

Inputs are dyadic fractions from the integer formula pattern(), so the C tests make the very
same bits.  Derivatives are those of the inner product with pattern(9) of the result.
"""
import numpy as np
import torch


def pattern(k, *shape):
    i = torch.arange(torch.Size(shape).numel(), dtype=torch.int64)
    return (((i * 37 + i * i * 11 + k * 29) % 97 - 48).double() / 16).reshape(shape)


def choice(k, below, *shape):
    i = torch.arange(torch.Size(shape).numel(), dtype=torch.int64)
    return ((i * 7 + i * i * 3 + k * 5) % below).reshape(shape)


def emit(name, values):
    values = values.detach().reshape(-1).tolist()
    whole = all(isinstance(v, int) for v in values)
    text = [str(v) if whole else v.hex() if v else "0" for v in values]
    print(f"static const {'int64_t' if whole else 'double'} {name}[{len(text)}] = {{")
    for start in range(0, len(text), 4):
        print("    " + ", ".join(text[start:start + 4]) + ",")
    print("};")


def emit_with_derivatives(name, function, *inputs):
    inputs = [x.clone().requires_grad_() for x in inputs]
    y = function(*inputs)
    emit(name + "_y", y)
    for i, d in enumerate(torch.autograd.grad((y * pattern(9, *y.shape)).sum(), inputs)):
        emit(f"{name}_d{i}", d)


print("/* Made by ops_index.py; do not edit. */")
print("#ifndef NRM_OPS_INDEX_VALUES_H\n#define NRM_OPS_INDEX_VALUES_H\n")

# ---- Indices ------------------------------------------------------------------------------
row = choice(1, 7, 3, 4)
emit_with_derivatives("gather", lambda x: x[row], pattern(1, 7, 2, 3))
emit_with_derivatives("scatter", lambda x: torch.zeros(7, 5, dtype=x.dtype).index_add(0, choice(2, 7, 12), x), pattern(2, 12, 5))
emit_with_derivatives("take", lambda x: torch.gather(x, 2, choice(3, 6, 2, 3, 8)), pattern(3, 2, 3, 6))
emit_with_derivatives("take_adjoint", lambda x: torch.zeros(3, 6, dtype=x.dtype).scatter_add(1, choice(4, 6, 3, 8), x), pattern(4, 3, 8))

# ---- Orders: with ties, since pattern() has 97 values ----------------------------------------
x = pattern(5, 2, 400)
emit("falling", torch.from_numpy(np.argsort(-x.numpy(), axis=1, kind="stable")))
emit("rising", torch.from_numpy(np.argsort(x.numpy(), axis=1, kind="stable")))
emit_with_derivatives("sort", lambda x: torch.sort(x, dim=1, stable=True)[0], pattern(5, 2, 37))

# ---- Segments: 6, of which number 4 is empty ---------------------------------------------------
segment = torch.tensor([3, 0, 0, 5, 2, 1, 0, 3, 5, 5, 2, 0])


def greatest(x):
    start = torch.full((6, *x.shape[1:]), -float("inf"), dtype=x.dtype)
    return start.scatter_reduce(0, segment.reshape(-1, *[1] * (x.ndim - 1)).expand_as(x), x, "amax")


def softmax(x):
    y = torch.zeros_like(x)
    for s in range(6):
        if (segment == s).any():
            y = y.index_put((torch.nonzero(segment == s)[:, 0],), torch.softmax(x[segment == s], 0))
    return y


def mean(x):
    count = torch.bincount(segment, minlength=6).clamp(min=1).double()
    return torch.zeros(6, *x.shape[1:], dtype=x.dtype).index_add(0, segment, x) / count.reshape(-1, *[1] * (x.ndim - 1))


emit_with_derivatives("segment_mean", mean, pattern(6, 12, 3))
tied = torch.round(pattern(7, 12, 3))
finite = [0, 1, 2, 3, 5]
inputs = tied.clone().requires_grad_()
y = greatest(inputs)
emit("segment_greatest_y", y[finite])
emit("segment_greatest_d0", torch.autograd.grad((y[finite] * pattern(9, 6, 3)[finite]).sum(), inputs)[0])
emit_with_derivatives("segment_softmax", softmax, pattern(8, 12, 3))

# ---- A sparse matrix, 5 x 7; row 2 and column 6 are empty ----------------------------------------
indptr = torch.tensor([0, 3, 4, 4, 9, 10])
indices = torch.tensor([0, 2, 5, 1, 0, 1, 3, 4, 5, 2])
rows = torch.repeat_interleave(torch.arange(5), indptr[1:] - indptr[:-1])


def matrix(values):
    return torch.zeros(5, 7, dtype=values.dtype).index_put((rows, indices), values)


emit_with_derivatives("csr", lambda v, d: matrix(v) @ d, pattern(1, 10), pattern(2, 7, 4))
emit_with_derivatives("csr_transposed", lambda v, d: matrix(v).T @ d, pattern(1, 10), pattern(3, 5, 4))


# ---- Scans along axis 1 of (2, 5, 3) -----------------------------------------------------------------
def scan(a, b, reverse):
    a, b = (a.flip(1), b.flip(1)) if reverse else (a, b)
    h, all_h = torch.zeros_like(b[:, 0]), []
    for i in range(a.shape[1]):
        h = a[:, i] * h + b[:, i]
        all_h.append(h)
    y = torch.stack(all_h, 1)
    return y.flip(1) if reverse else y


emit_with_derivatives("cumulative", lambda x: torch.cumsum(x, 1), pattern(1, 2, 5, 3))
emit_with_derivatives("cumulative_from_end", lambda x: torch.cumsum(x.flip(1), 1).flip(1) - x, pattern(1, 2, 5, 3))
for name, reverse in (("scan", False), ("scan_reverse", True)):
    emit_with_derivatives(name, lambda a, b: scan(a, b, reverse), pattern(2, 2, 5, 3), pattern(3, 2, 5, 3))
print("\n#endif")
