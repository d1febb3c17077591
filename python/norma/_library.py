"""libnorma itself: where it is, and the C declarations of include/norma/*.h.

The structures and prototypes below repeat the public headers (core.h, method.h,
array.h, io.h, call.h, optim.h) and nothing else; no method is named here.
"""

import ctypes
import os
import sys
from ctypes import CFUNCTYPE, POINTER, c_bool, c_char_p, c_double, c_int, c_int64, c_uint, c_uint64, c_void_p
from pathlib import Path

#: major and minor version of the headers that this file repeats
HEADERS = (0, 2)

MAX_NDIM = 8
LOADED_ARRAY, LOADED_CSR, LOADED_BUNDLE = range(3)  # nrm_loaded_kind
VALUE_NONE, VALUE_ARRAY, VALUE_CSR, VALUE_ROWS = range(4)  # nrm_value_kind


# ---- Structures ------------------------------------------------------------------


class Array(ctypes.Structure):
    """nrm_array"""

    _fields_ = [
        ("data", c_void_p),
        ("dtype", c_int),
        ("ndim", c_int),
        ("shape", c_int64 * MAX_NDIM),
        ("owned", c_bool),
    ]


class Csr(ctypes.Structure):
    """nrm_csr"""

    _fields_ = [
        ("rows", c_int64),
        ("cols", c_int64),
        ("nnz", c_int64),
        ("indptr", c_void_p),
        ("indices", c_void_p),
        ("values", c_void_p),
        ("dtype", c_int),
        ("owned", c_bool),
    ]


class Value(ctypes.Structure):
    """nrm_value"""

    _fields_ = [("kind", c_int), ("name", c_char_p), ("wanted", c_bool), ("array", Array), ("csr", Csr), ("rows", c_void_p)]


class Named(ctypes.Structure):
    """nrm_named"""

    _fields_ = [("name", c_char_p), ("array", Array)]


class Bundle(ctypes.Structure):
    """nrm_bundle"""

    _fields_ = [("items", POINTER(Named)), ("count", c_int64)]


class Loaded(ctypes.Structure):
    """nrm_loaded"""

    _fields_ = [
        ("kind", c_int),
        ("array", Array),
        ("csr", Csr),
        ("bundle", Bundle),
        ("extra", Bundle),
        ("format", c_char_p),
    ]


class OptimizerTensor(ctypes.Structure):
    """nrm_optimizer_tensor"""

    _fields_ = [
        ("name", c_char_p),
        ("dtype", c_int),
        ("ndim", c_int),
        ("shape", POINTER(c_int64)),
        ("flags", c_uint),
        ("group", c_int),
        ("split_count", c_int),
        ("split", POINTER(c_int64)),
    ]


class OptimizerGroup(ctypes.Structure):
    """nrm_optimizer_group"""

    _fields_ = [("kind", c_int), ("options", c_void_p)]


class ProgressReport(ctypes.Structure):
    """nrm_progress"""

    _fields_ = [
        ("task", c_char_p),
        ("done", c_double),
        ("total", c_double),
        ("value_name", c_char_p),
        ("value", c_double),
    ]


# `user` is a number here, not an address: see _running.py.
ProgressFunction = CFUNCTYPE(c_int, c_void_p, POINTER(ProgressReport))
LogFunction = CFUNCTYPE(None, c_void_p, c_int, c_char_p)
FillFunction = CFUNCTYPE(c_int64, c_void_p, c_int64, c_int64, c_void_p)

# ---- Prototypes ------------------------------------------------------------------

_shape = POINTER(c_int64)
_out_pointer = POINTER(c_void_p)
_status = c_int

#: answer at once: called with the GIL held, so a finaliser in any thread may use them
_QUICK = {
    "nrm_version": (c_char_p, []),
    "nrm_status_name": (c_char_p, [c_int]),
    "nrm_status_text": (c_char_p, [c_int]),
    "nrm_dtype_name": (c_char_p, [c_int]),
    "nrm_ctx_create": (_status, [_out_pointer, c_void_p]),
    "nrm_ctx_destroy": (None, [c_void_p]),
    "nrm_message": (c_char_p, [c_void_p]),
    "nrm_set_threads": (_status, [c_void_p, c_int]),
    "nrm_set_seed": (_status, [c_void_p, c_uint64]),
    "nrm_set_log": (_status, [c_void_p, c_void_p, c_void_p]),
    "nrm_set_progress": (_status, [c_void_p, c_void_p, c_void_p]),
    "nrm_cancel": (None, [c_void_p]),
    "nrm_array_view": (_status, [c_void_p, POINTER(Array), c_int, c_int, _shape, c_void_p]),
    "nrm_array_destroy": (None, [c_void_p, POINTER(Array)]),
    "nrm_csr_destroy": (None, [c_void_p, POINTER(Csr)]),
    "nrm_loaded_destroy": (None, [c_void_p, POINTER(Loaded)]),
    "nrm_call_create": (_status, [c_void_p, c_char_p, _out_pointer]),
    "nrm_call_set": (_status, [c_void_p, c_char_p, c_char_p]),
    "nrm_call_want": (_status, [c_void_p, c_char_p]),
    "nrm_call_output_into": (_status, [c_void_p, c_char_p, c_int, c_int, _shape, c_void_p]),
    "nrm_call_output": (POINTER(Value), [c_void_p, c_char_p]),
    "nrm_call_take": (_status, [c_void_p, c_char_p, POINTER(Value)]),
    "nrm_call_info": (c_void_p, [c_void_p]),
    "nrm_call_report": (_status, [c_void_p, POINTER(c_char_p)]),
    "nrm_methods_json": (_status, [c_void_p, _out_pointer]),
    "nrm_free_string": (None, [c_void_p, c_void_p]),
    "nrm_optimizers_json": (_status, [c_void_p, _out_pointer]),
    "nrm_optimizer_kind_find": (_status, [c_void_p, c_char_p, POINTER(c_int)]),
    "nrm_optimizer_options_init": (_status, [c_void_p, c_int, c_void_p]),
    "nrm_optimizer_options_set": (_status, [c_void_p, c_int, c_void_p, c_char_p, c_char_p]),
    "nrm_optimizer_destroy": (None, [c_void_p, c_void_p]),
    "nrm_optimizer_state_count": (c_int64, [c_void_p]),
    "nrm_optimizer_state_bytes": (c_int64, [c_void_p]),
    "nrm_optimizer_state_at": (c_bool, [c_void_p, c_int64, POINTER(c_char_p), POINTER(Array)]),
}
#: may read, convert or compute: called with the GIL released
_LONG = {
    "nrm_call_destroy": (None, [c_void_p]),
    "nrm_call_input": (_status, [c_void_p, c_char_p, c_int, c_int, _shape, c_void_p]),
    "nrm_call_input_csr": (
        _status,
        [c_void_p, c_char_p, c_int, c_int64, c_int64, c_void_p, c_void_p, c_void_p],
    ),
    "nrm_call_input_callback": (_status, [c_void_p, c_char_p, c_int64, FillFunction, c_void_p]),
    "nrm_call_input_path": (_status, [c_void_p, c_char_p, c_char_p]),
    "nrm_call_run": (_status, [c_void_p]),
    "nrm_optimizer_create": (
        _status,
        [c_void_p, _out_pointer, c_int, POINTER(OptimizerGroup), c_int64, POINTER(OptimizerTensor)],
    ),
    "nrm_optimizer_check": (_status, [c_void_p, c_void_p, c_void_p, c_void_p, c_double]),
    "nrm_optimizer_step": (_status, [c_void_p, c_void_p, c_void_p, c_void_p, c_double]),
    "nrm_optimizer_set_options": (_status, [c_void_p, c_void_p, c_int, c_void_p]),
    "nrm_optimizer_load_state": (_status, [c_void_p, c_void_p, POINTER(Bundle)]),
    "nrm_load": (_status, [c_void_p, c_char_p, POINTER(Loaded)]),
    "nrm_save": (_status, [c_void_p, c_char_p, POINTER(Array)]),
    "nrm_save_csr": (_status, [c_void_p, c_char_p, POINTER(Csr)]),
    "nrm_save_bundle": (_status, [c_void_p, c_char_p, POINTER(Bundle)]),
}


# ---- Finding and loading -----------------------------------------------------------


def _file_name():
    return "libnorma.dylib" if sys.platform == "darwin" else "libnorma.so"


def candidates():
    """Places of the library, best first: $NORMA_LIBRARY alone when it is set; beside
    this file (a wheel); the build folders of the source tree; the system's."""
    named = os.environ.get("NORMA_LIBRARY")
    if named:
        return [named]
    here = Path(__file__).resolve().parent
    places = [here / _file_name()]
    source = here.parents[1]
    if (source / "include" / "norma" / "core.h").exists():
        built = [p for p in source.glob(f"build/*/{_file_name()}") if p.parent.name not in ("sanitize", "fuzz")]
        built.sort(key=lambda p: (p.parent.name != "release", -p.stat().st_mtime))
        places += [source / "build" / _file_name(), *built]
    found = [str(p) for p in places if p.exists()]
    return found + [f"{_file_name()}.{HEADERS[0]}", _file_name()]


def _declare(library, table):
    for name, (result, arguments) in table.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments


def _load():
    refusals = []
    for place in candidates():
        try:
            quick, long = ctypes.PyDLL(place), ctypes.CDLL(place)
            _declare(quick, _QUICK)
            _declare(long, _LONG)
        except (OSError, AttributeError) as error:
            refusals.append(str(error))
            continue
        version = quick.nrm_version().decode()
        if tuple(int(part) for part in version.split(".")[:2]) == HEADERS:
            return place, version, quick, long
        refusals.append(f"{place}: version {version}, this package needs {HEADERS[0]}.{HEADERS[1]}")
    raise ImportError(
        "norma: libnorma was not found; build it (make in the source tree), install it, or set "
        "NORMA_LIBRARY to its path:\n  " + "\n  ".join(refusals)
    )


path, version, quick, long = _load()
