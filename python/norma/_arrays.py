"""Arrays on their way in and out.

In: a C-contiguous NumPy array of one of the library's element types is lent as it
is; anything else is copied once.  Out: NumPy arrays over the library's own memory,
given back to the library when the last of them dies.
"""

import ctypes
import os

import numpy as np

from ._errors import NormaTypeError, NormaValueError, Status
from ._library import Array, Csr, long, quick
from ._running import fill as fill_callback


def _library_types():
    """The NumPy types of nrm_dtype 0, 1, ...: the library names them "f32", "u8"."""
    types = []
    while True:
        name = quick.nrm_dtype_name(len(types)).decode()
        if not (name[0] in "fiu" and name[1:].isdigit()):
            return types
        types.append(np.dtype(f"{name[0]}{int(name[1:]) // 8}"))


TYPES = _library_types()
CODES = {dtype: code for code, dtype in enumerate(TYPES)}
_BOOL = np.dtype(bool)
CODES[_BOOL] = CODES[np.dtype(np.uint8)]  # the same bytes

# What the library does not know goes to the nearest type that holds all its values.
_NEAREST = {
    "float16": np.float32,
    "longdouble": np.float64,
    "int8": np.int32,
    "int16": np.int32,
    "uint16": np.int32,
    "uint32": np.int64,
    "uint64": np.int64,
}
_NEAREST = {np.dtype(name): np.dtype(kind) for name, kind in _NEAREST.items()}


def layout(array):
    """dtype, ndim, shape, data: as the library's functions take an array."""
    shape = (ctypes.c_int64 * max(array.ndim, 1))(*array.shape)
    return CODES[array.dtype], array.ndim, shape, array.ctypes.data


def as_input(value, what):
    """`value` as an array the library can read: aligned, row-major, of a known type.
    `what` begins the sentence of a refusal: "softmax: x"."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise NormaValueError(
            Status.BAD_ARGUMENT,
            f"{what} is a masked array with {np.ma.count_masked(value)} masked elements; the library reads "
            "no such masks: give the values with .filled(VALUE)",
        )
    if isinstance(value, (str, bytes)):
        raise NormaTypeError(
            Status.BAD_ARGUMENT, f"{what} is a {type(value).__name__}; give an array, or a file as pathlib.Path"
        )
    if not hasattr(value, "__array__") and hasattr(value, "__dlpack__"):
        value = np.from_dlpack(value)
    array = np.asarray(value)
    dtype = array.dtype.newbyteorder("=")
    if dtype not in CODES:
        if dtype not in _NEAREST:
            raise NormaValueError(
                Status.BAD_DTYPE,
                f"{what} has elements of type {array.dtype}; they must be real numbers: convert with .astype(float)",
            )
        if dtype == np.uint64 and array.size and int(array.max()) > np.iinfo(np.int64).max:
            raise NormaValueError(
                Status.OUT_OF_RANGE, f"{what} holds {array.max()}; an integer must be at most 2^63 - 1"
            )
        dtype = _NEAREST[dtype]
    return np.require(array, dtype, ["C_CONTIGUOUS", "ALIGNED"])


def as_memory(value, what):
    """The array over caller's memory that an output is to be written to."""
    array = value
    if not isinstance(value, np.ndarray):
        array = np.asarray(value)
        if not hasattr(value, "__array__") or not np.shares_memory(array, np.asarray(value)):
            raise NormaTypeError(
                Status.BAD_ARGUMENT, f"{what} is a {type(value).__name__}; out must be an array to write to"
            )
    faults = {
        "cannot be written to": not array.flags.writeable,
        "is not row-major and contiguous": not array.flags.c_contiguous,
        "is not aligned": not array.flags.aligned,
        f"has elements of type {array.dtype}": array.dtype not in CODES,
    }
    fault = next((words for words, holds in faults.items() if holds), None)
    if fault:
        raise NormaValueError(
            Status.BAD_ARGUMENT,
            f"{what} {fault}; out must be a writeable, contiguous array: numpy.empty(shape, dtype)",
        )
    return array


# ---- In ----------------------------------------------------------------------------


def is_sparse(value):
    """A SciPy sparse matrix or array, or anything that looks like CSR."""
    if isinstance(value, np.ndarray):
        return False
    return hasattr(value, "tocsr") or all(hasattr(value, n) for n in ("indptr", "indices", "data", "shape"))


class SparseParts:
    """The three arrays of a CSR matrix, as the library wants them."""

    def __init__(self, value, what):
        matrix = value.tocsr() if hasattr(value, "tocsr") else value
        if not getattr(matrix, "has_canonical_format", True):
            matrix = matrix.copy()  # the caller's matrix stays as it is
            matrix.sum_duplicates()
        self.shape = tuple(int(size) for size in matrix.shape)
        if len(self.shape) != 2:
            raise NormaValueError(Status.BAD_SHAPE, f"{what} is sparse with shape {self.shape}; it must be 2-d")
        self.indptr = np.require(matrix.indptr, np.int64, ["C_CONTIGUOUS", "ALIGNED"])
        self.indices = np.require(matrix.indices, np.int64, ["C_CONTIGUOUS", "ALIGNED"])
        values = as_input(matrix.data, what)
        self.values = values if values.dtype.kind == "f" else values.astype(np.float64)
        rows, entries = self.shape[0], self.indices.size
        if self.indptr.size != rows + 1 or self.values.size != entries or self.indptr[-1] != entries:
            raise NormaValueError(
                Status.BAD_ARGUMENT,
                f"{what} is sparse with {self.indptr.size} row pointers, {entries} columns and {self.values.size} "
                f"values; {rows} rows need {rows + 1} pointers that end at the number of values",
            )

    def csr(self):
        """An nrm_csr that borrows the arrays."""
        return Csr(
            *self.shape,
            self.values.size,
            self.indptr.ctypes.data,
            self.indices.ctypes.data,
            self.values.ctypes.data,
            CODES[self.values.dtype],
            False,
        )


class RowStream:
    """An iterator of rows or of blocks of rows, for the library's callback door."""

    def __init__(self, iterator, what):
        self.iterator, self.what = iterator, what
        self.block, self.at, self.seen = None, 0, 0
        if not self._next_block():
            raise NormaValueError(Status.BAD_SHAPE, f"{what} is an iterator that gave no rows; it must give one")
        self.cols = self.block.shape[1]

    def _next_block(self):
        """The next block that has rows; False at the end."""
        for item in self.iterator:
            block = np.atleast_2d(as_input(item, self.what)).astype(np.float64, copy=False)
            if block.ndim != 2 or (self.block is not None and block.shape[1] != self.cols):
                expected = "1-d or 2-d" if self.block is None else f"of {self.cols} columns, as before"
                raise NormaValueError(
                    Status.BAD_SHAPE,
                    f"{self.what} gave a block of shape {np.shape(item)} at row {self.seen}; "
                    f"every block must be {expected}",
                )
            if len(block):
                self.block, self.at = block, 0
                self.seen += len(block)
                return True
        return False

    def fill(self, most, cols, dense):
        """nrm_rows_fill_fn: write up to `most` rows, say how many; 0 ends."""
        target = np.ctypeslib.as_array(ctypes.cast(dense, ctypes.POINTER(ctypes.c_double)), (most, cols))
        count = 0
        while count < most:
            if self.at == len(self.block) and not self._next_block():
                break
            take = min(most - count, len(self.block) - self.at)
            target[count : count + take] = self.block[self.at : self.at + take]
            self.at += take
            count += take
        return count


def prepare_input(port, what, value):
    """A function (call, running) -> status that gives `value` to input `port`, and keeps
    what it points to alive for as long as it lives itself."""
    if isinstance(value, os.PathLike):
        path = os.fsencode(value)
        return lambda call, running: long.nrm_call_input_path(call, port, path)
    if is_sparse(value):
        parts = SparseParts(value, what)
        csr = parts.csr()
        return lambda call, running, keep=parts: long.nrm_call_input_csr(
            call, port, csr.dtype, csr.rows, csr.cols, csr.indptr, csr.indices, csr.values
        )
    if hasattr(value, "__next__"):
        stream = RowStream(value, what)

        def give_stream(call, running):
            running.streams.append(stream)
            user = running.number << 16 | len(running.streams) - 1
            return long.nrm_call_input_callback(call, port, stream.cols, fill_callback, user)

        return give_stream
    array = as_input(value, what)
    return lambda call, running: long.nrm_call_input(call, port, *layout(array))


# ---- Out ---------------------------------------------------------------------------


class _Owner:
    """Memory of the library behind one or more NumPy arrays."""

    __slots__ = ("_context", "_memory", "_destroy")

    def __init__(self, context, memory, destroy):
        self._context, self._memory, self._destroy = context.share(), memory, destroy

    def __del__(self, byref=ctypes.byref):  # bound early: globals may be gone at exit
        self._destroy(self._context.handle, byref(self._memory))
        self._context.release()

    def view(self, address, dtype, shape):
        return np.asarray(_Memory(self, address, dtype, shape))


class _Memory:
    """What NumPy keeps as the base of an array: the owner, through the array interface."""

    __slots__ = ("_owner", "__array_interface__")

    def __init__(self, owner, address, dtype, shape):
        self._owner = owner
        self.__array_interface__ = {"version": 3, "data": (address, False), "typestr": dtype.str, "shape": shape}


def _copy(structure):
    return type(structure).from_buffer_copy(structure)


def own_array(context, array):
    """A NumPy array that takes over an nrm_array."""
    array = _copy(array)
    owner = _Owner(context, array, quick.nrm_array_destroy)
    return owner.view(array.data, TYPES[array.dtype], tuple(array.shape[: array.ndim]))


def own_csr(context, csr):
    """A sparse matrix that takes over an nrm_csr: SciPy's where it is installed."""
    csr = _copy(csr)
    owner = _Owner(context, csr, quick.nrm_csr_destroy)
    values = owner.view(csr.values, TYPES[csr.dtype], (csr.nnz,))
    indices = owner.view(csr.indices, np.dtype(np.int64), (csr.nnz,))
    indptr = owner.view(csr.indptr, np.dtype(np.int64), (csr.rows + 1,))
    return make_csr((values, indices, indptr), (csr.rows, csr.cols))


def make_csr(parts, shape):
    try:
        from scipy.sparse import csr_matrix
    except ImportError:
        return CSR(parts, shape)
    return csr_matrix(parts, shape=shape)


class CSR:
    """A sparse matrix in compressed rows, for where SciPy is not installed.

    Row i holds data[indptr[i]:indptr[i+1]] in the columns indices[indptr[i]:indptr[i+1]].
    It is taken as input wherever a SciPy matrix is.
    """

    format = "csr"
    ndim = 2

    def __init__(self, parts, shape):
        self.data, self.indices, self.indptr = (np.asarray(part) for part in parts)
        self.shape = tuple(shape)

    @property
    def nnz(self):
        return len(self.data)

    @property
    def dtype(self):
        return self.data.dtype

    def toarray(self):
        dense = np.zeros(self.shape, self.dtype)
        rows = np.repeat(np.arange(self.shape[0]), np.diff(self.indptr))
        np.add.at(dense, (rows, self.indices), self.data)
        return dense

    def __repr__(self):
        return f"<norma.CSR {self.shape[0]} x {self.shape[1]}, {self.nnz} entries of {self.dtype}>"


CSR.__module__ = "norma"
