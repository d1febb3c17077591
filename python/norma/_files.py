"""Files: norma.load and norma.save."""

import ctypes
import os

from . import _arrays
from ._library import LOADED_ARRAY, LOADED_CSR, Array, Bundle, Loaded, Named, long, quick
from ._running import Context

__all__ = ["load", "save"]


def load(path, *, extra=False):
    """Read a file: npy, npz, csv and text, LIBSVM, Matrix Market, idx, safetensors.

    Parameters
    ----------
    path : str or os.PathLike
        The file, "-" for standard input, or numbers in brackets: "[[1, 2], [3, 4]]".
        The content decides on the format, then the extension.
    extra : bool, default False
        Give what lies beside the data too: a LIBSVM file's labels as "label", the
        column names of a csv file as "header".

    Returns
    -------
    ndarray, sparse matrix or dict
        A dict {name: ndarray} for npz and safetensors.  With `extra`, the pair
        (data, dict).
    """
    context, loaded = Context(), Loaded()
    try:
        context.check(long.nrm_load(context.handle, os.fsencode(path), ctypes.byref(loaded)), [path])
        try:
            if loaded.kind == LOADED_ARRAY:
                data = _take(context, loaded.array)
            elif loaded.kind == LOADED_CSR:
                data = _arrays.own_csr(context, loaded.csr)
                ctypes.memset(ctypes.byref(loaded.csr), 0, ctypes.sizeof(loaded.csr))
            else:
                data = _take_bundle(context, loaded.bundle)
            beside = _take_bundle(context, loaded.extra)
        finally:
            quick.nrm_loaded_destroy(context.handle, ctypes.byref(loaded))
    finally:
        context.release()
    if "header" in beside:
        beside["header"] = beside["header"].tobytes().decode("utf-8", "replace").split("\n")
    return (data, beside) if extra else data


def _take(context, array):
    """A NumPy array that takes the memory of a loaded array, which becomes {0}."""
    taken = _arrays.own_array(context, array)
    ctypes.memset(ctypes.byref(array), 0, ctypes.sizeof(array))
    return taken


def _take_bundle(context, bundle):
    items = (bundle.items[i] for i in range(bundle.count))
    return {item.name.decode("utf-8", "replace"): _take(context, item.array) for item in items}


def save(path, data):
    """Write a file; its extension decides on the format.

    Parameters
    ----------
    path : str or os.PathLike
        npy, csv, txt, mtx, json, safetensors, npz; svm for a sparse matrix; "-" writes
        text to standard output.  The file is complete or it is not there.
    data : array_like, sparse matrix, or dict {name: array_like}
        A dict goes to npz or safetensors.
    """
    context = Context()
    try:
        name = os.fsencode(path)
        folder = [os.path.dirname(name) or b"."]
        if isinstance(data, dict):
            arrays = [_arrays.as_input(value, f"save: {key}") for key, value in data.items()]
            items = (Named * len(arrays))()
            for item, key, array in zip(items, data, arrays):
                item.name, item.array = str(key).encode(), _lend(context, array)
            bundle = Bundle(items, len(arrays))
            context.check(long.nrm_save_bundle(context.handle, name, ctypes.byref(bundle)), folder)
        elif _arrays.is_sparse(data):
            parts = _arrays.SparseParts(data, "save: data")
            context.check(long.nrm_save_csr(context.handle, name, ctypes.byref(parts.csr())), folder)
        else:
            array = _arrays.as_input(data, "save: data")
            context.check(long.nrm_save(context.handle, name, ctypes.byref(_lend(context, array))), folder)
    finally:
        context.release()


def _lend(context, array):
    """An nrm_array that borrows a NumPy array's memory."""
    view = Array()
    context.check(quick.nrm_array_view(context.handle, ctypes.byref(view), *_arrays.layout(array)))
    return view


for _function in (load, save):
    _function.__module__ = "norma"
