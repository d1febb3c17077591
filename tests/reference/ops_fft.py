#!/usr/bin/env python3
"""Make ops_fft_values.h: real Fourier transforms by NumPy.

    python3 tests/reference/ops_fft.py > tests/reference/ops_fft_values.h

Inputs are dyadic fractions from the integer formula pattern(), so the C tests make the very
same bits.  The spectra are no transforms of real arrays: their imaginary parts differ from 0
in the columns whose imaginary parts the inverse passes over.
"""
import numpy as np


def pattern(k, *shape):
    i = np.arange(np.prod(shape), dtype=np.int64)
    return (((i * 37 + i * i * 11 + k * 29) % 97 - 48) / 16).reshape(shape)


def emit(name, values):
    text = [float(v).hex() if v else "0" for v in values.reshape(-1)]
    print(f"static const double {name}[{len(text)}] = {{")
    for start in range(0, len(text), 4):
        print("    " + ", ".join(text[start:start + 4]) + ",")
    print("};")


def forward(name, dimensions, k, *shape):
    y = np.fft.rfftn(pattern(k, *shape), axes=range(-dimensions, 0))
    emit(name, np.stack([y.real, y.imag], -1))


def back(name, dimensions, k, n, *shape):
    parts = pattern(k, *shape, 2)
    y = parts[..., 0] + 1j * parts[..., 1]
    lengths = [*shape[len(shape) - dimensions:-1], n]
    emit(name, np.fft.irfftn(y, s=lengths, axes=range(-dimensions, 0)))


print("/* Made by ops_fft.py; do not edit. */")
print("#ifndef NRM_OPS_FFT_VALUES_H\n#define NRM_OPS_FFT_VALUES_H\n")
forward("rfft_1", 1, 1, 2, 7)
forward("rfft_2", 2, 2, 2, 3, 6)
forward("rfft_3", 3, 3, 3, 2, 5)
back("irfft_1_even", 1, 4, 6, 2, 4)
back("irfft_1_odd", 1, 5, 7, 2, 4)
back("irfft_2", 2, 6, 6, 2, 3, 4)
back("irfft_3", 3, 7, 5, 2, 3, 3)
print("\n#endif")
