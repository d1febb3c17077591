#!/usr/bin/python3
"""Files as NumPy and SciPy write them, as bytes in formats_values.h.

Run with Debian 12's Python (NumPy 1.24, SciPy 1.10):  /usr/bin/python3 make_formats.py"""
import io
import os

import numpy as np
import scipy.io
import scipy.sparse


def saved(write, *args, **kwargs):
    out = io.BytesIO()
    write(out, *args, **kwargs)
    return out.getvalue()


def files():
    yield "f4", saved(np.save, np.array([[0.1, -2.5, 3e38], [np.nan, np.inf, 1e-45]], dtype="f4"))
    yield "fortran", saved(np.save, np.asfortranarray(np.arange(6.0).reshape(2, 3)))
    yield "fortran_cube", saved(np.save, np.asfortranarray(np.arange(24, dtype="i4").reshape(2, 3, 4)))
    yield "big_i2", saved(np.save, np.array([1, -2, 300], dtype=">i2"))
    yield "bool", saved(np.save, np.array([True, False, True]))
    yield "half", saved(np.save, np.array([1.5, -2.0, 65504, 6e-8, np.inf, np.nan], dtype="f2"))
    yield "u8", saved(np.save, np.array([0, 2**63 - 1], dtype="u8"))
    yield "u8_large", saved(np.save, np.array([0, 2**63], dtype="u8"))
    yield "scalar", saved(np.save, np.array(7.25))
    yield "object", saved(np.save, np.array([None, 1]), allow_pickle=True)
    yield "records", saved(np.save, np.zeros(1, dtype=[("a", "f8"), ("b", "i4")]))
    yield "savez", saved(np.savez, weights=np.arange(3.0), ids=np.array([[1], [2]], dtype="i8"))
    yield "savez_compressed", saved(np.savez_compressed, weights=np.arange(3.0), zeros=np.zeros(500, dtype="f4"))
    dense = np.array([[0, 1.5, 0], [0, 0, 0], [-2.25, 0, 1e-300]])
    yield "mtx_coordinate", saved(scipy.io.mmwrite, scipy.sparse.coo_matrix(dense))
    yield "mtx_array", saved(scipy.io.mmwrite, np.arange(6.0).reshape(2, 3), symmetry="general")
    yield "mtx_symmetric", saved(scipy.io.mmwrite, scipy.sparse.coo_matrix(dense + dense.T), symmetry="symmetric")
    yield "savetxt", saved(np.savetxt, np.array([[0.1, 1 / 3], [np.nan, -np.inf]]), delimiter=",", header="a,b")


def main():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "formats_values.h")
    with open(path, "w") as out:
        out.write("/* formats_values.h -- files of NumPy and SciPy; written by make_formats.py. */\n")
        for name, data in files():
            out.write("static const unsigned char file_%s[] = {" % name)
            for i, byte in enumerate(data):
                out.write(("\n    " if i % 24 == 0 else "") + "%d," % byte)
            out.write("};\n")


main()
