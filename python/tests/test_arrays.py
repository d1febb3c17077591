"""Arrays in and out: what is lent, what is copied, what is refused, who owns the memory."""

import ctypes
import gc
import os
import threading

import numpy as np
import pytest

import norma

X = np.random.default_rng(1).normal(size=(7, 11))


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def seen_by_c(monkeypatch, call):
    """The addresses that nrm_call_input was given."""
    addresses, original = [], norma._library.long.nrm_call_input

    def spy(handle, port, dtype, ndim, shape, address):
        addresses.append(address)
        return original(handle, port, dtype, ndim, shape, address)

    monkeypatch.setattr(norma._library.long, "nrm_call_input", spy)
    call()
    return addresses


# ---- In ---------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_contiguous_array_is_lent(monkeypatch, dtype):
    x = X.astype(dtype)
    assert seen_by_c(monkeypatch, lambda: norma.softmax(x)) == [x.ctypes.data]


def test_slice_of_rows_is_lent(monkeypatch):
    assert seen_by_c(monkeypatch, lambda: norma.softmax(X[2:5])) == [X[2:5].ctypes.data]


def test_memory_map_is_lent(monkeypatch, tmp_path):
    np.save(tmp_path / "x.npy", X)
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert seen_by_c(monkeypatch, lambda: norma.softmax(x)) == [x.ctypes.data]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_type_out_follows_type_in(dtype):
    y = norma.softmax(X.astype(dtype)).y
    assert y.dtype == dtype
    np.testing.assert_allclose(y, softmax(X.astype(dtype)), rtol=1e-5 if dtype == np.float32 else 1e-13)


OTHER_FORMS = {
    "list": lambda x: x.tolist(),
    "tuple of rows": lambda x: tuple(map(tuple, x.tolist())),
    "Fortran order": np.asfortranarray,
    "big-endian": lambda x: x.astype(">f8"),
    "transposed": lambda x: x.T.copy().T,
    "every second column": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "reversed": lambda x: x[::-1].copy()[::-1],
    "read-only": lambda x: np.frombuffer(x.tobytes()).reshape(x.shape),
    "unaligned": lambda x: np.frombuffer(b"-" + x.tobytes(), np.uint8)[1:].view(np.float64).reshape(x.shape),
    "matrix": np.asmatrix,
    "long double": lambda x: x.astype(np.longdouble),
    "masked array with nothing masked": np.ma.masked_array,
    "record field": lambda x: np.rec.fromarrays([x, x], names="a,b").a,
}


@pytest.mark.parametrize("form", OTHER_FORMS)
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_other_forms_give_the_same_bits(form):
    np.testing.assert_array_equal(norma.softmax(OTHER_FORMS[form](X)).y, norma.softmax(X).y)


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", ">i4", ">f4"]
)
def test_every_real_type_is_converted(dtype):
    x = np.array([0, 1, 1, 0, 1], dtype)
    np.testing.assert_allclose(norma.softmax(x).y, softmax(x.astype(float)), rtol=1e-6)


@pytest.mark.parametrize(
    "x, piece",
    [
        (np.array([1, None, 2], object), "elements of type object"),
        (np.array([1j, 2]), "elements of type complex128"),
        (["a", "b"], "elements of type <U1"),
        (np.array(["2020-01-01"], "M8[D]"), "elements of type datetime64"),
        (np.array([2**63], np.uint64), "9223372036854775808"),
        (np.ma.masked_array([1.0, 2.0, 3.0], [0, 1, 1]), "2 masked elements"),
        (np.float64(1), "single number"),
        (np.zeros((2, 2, 2, 2, 2, 2, 2, 2, 2)), ""),
        (np.zeros((2, 0)), ""),
        ([], ""),
    ],
)
def test_what_cannot_be_taken_is_refused(x, piece):
    with pytest.raises(norma.NormaValueError, match="softmax|array") as caught:
        norma.softmax(x)
    assert piece in str(caught.value)


def test_a_name_of_a_file_must_be_a_path():
    with pytest.raises(TypeError, match="pathlib.Path"):
        norma.softmax("x.npy")


def test_ragged_list():
    with pytest.raises(ValueError):
        norma.softmax([[1, 2], [3]])


def test_path(tmp_path):
    np.save(tmp_path / "x.npy", X)
    np.testing.assert_array_equal(norma.softmax(tmp_path / "x.npy").y, norma.softmax(X).y)


# ---- Out --------------------------------------------------------------------------


def test_output_is_the_librarys_memory():
    y = norma.softmax(X).y
    assert y.flags.writeable and y.flags.c_contiguous and not y.flags.owndata
    assert y.ctypes.data % 64 == 0  # the library's alignment, not NumPy's
    y[0] = 1
    view = y[2:]
    del y
    gc.collect()
    np.testing.assert_allclose(view, softmax(X)[2:], rtol=1e-13)


def test_memory_goes_back_once(monkeypatch):
    destroyed, contexts = [], []
    array, context = norma._library.quick.nrm_array_destroy, norma._library.quick.nrm_ctx_destroy
    monkeypatch.setattr(norma._library.quick, "nrm_array_destroy", lambda c, a: (destroyed.append(1), array(c, a)))
    monkeypatch.setattr(norma._running.Context.release, "__defaults__", (lambda h: (contexts.append(1), context(h)),))
    result = norma.softmax(X)
    made = len(result.outputs)
    assert made >= 1 and not destroyed and not contexts
    y = result.y
    view = y[1:]
    del result
    gc.collect()
    assert len(destroyed) == made - 1 and not contexts
    del y
    gc.collect()
    assert len(destroyed) == made - 1 and not contexts
    del view
    gc.collect()
    assert len(destroyed) == made and contexts == [1]


def test_memory_goes_back_in_a_collected_cycle():
    class Node:
        pass

    for _ in range(200):
        node = Node()
        node.self, node.result = node, norma.softmax(X)
    gc.collect()


def test_result_outlives_the_call_in_another_thread():
    kept = []
    worker = threading.Thread(target=lambda: kept.append(norma.softmax(X)))
    worker.start()
    worker.join()
    np.testing.assert_allclose(kept[0].y, softmax(X), rtol=1e-13)


def test_out_is_written_in_place():
    out = np.full_like(X, 7)
    result = norma.softmax(X, out=out)
    assert result.y is out
    np.testing.assert_array_equal(out, norma.softmax(X).y)


def test_out_by_name_and_slice_of_a_larger_array():
    memory = np.zeros((20, 11))
    result = norma.softmax(X, out={"y": memory[5:12]})
    assert np.shares_memory(result.y, memory)
    np.testing.assert_array_equal(memory[5:12], norma.softmax(X).y)
    assert not memory[:5].any() and not memory[12:].any()


def test_work_in_place():
    x = X.copy()
    norma.softmax(x, out=x)
    np.testing.assert_array_equal(x, norma.softmax(X).y)


@pytest.mark.parametrize(
    "out",
    [
        np.empty((7, 12)),
        np.empty((7, 11), np.float32),
        np.empty((7, 11), ">f8"),
        np.empty((7, 22))[:, ::2],
        np.asfortranarray(np.empty((7, 11))),
        np.frombuffer(bytes(8 * 77)).reshape(7, 11),
        np.empty(77, object),
        [[0.0] * 11] * 7,
        3.0,
        {"z": np.empty(3)},
    ],
)
def test_out_that_does_not_fit_is_refused(out):
    with pytest.raises((norma.NormaValueError, norma.NormaTypeError)):
        norma.softmax(X, out=out)


def test_a_failed_call_leaves_out_alone():
    out = np.full_like(X, 7)
    with pytest.raises(norma.NormaError):
        norma.softmax(X, alpha=np.inf, out=out)
    assert (out == 7).all()


def test_want_makes_what_is_not_made_else():
    on_request = [n for n, p in norma._METHODS["softmax"].outputs.items() if p["on_request"]]
    for name in on_request:
        with pytest.raises(AttributeError, match=f"want='{name}'"):
            getattr(norma.softmax(X), name)
        assert getattr(norma.softmax(X, want=name), name) is not None
    assert set(on_request) <= set(norma.softmax(X, want=on_request).outputs)


# ---- Memory -----------------------------------------------------------------------


def resident():
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs /proc")
@pytest.mark.filterwarnings("ignore::norma.NormaWarning")
def test_memory_does_not_grow():
    big, small = np.zeros((100, 1000)), X[0]

    def calls():
        for _ in range(300):
            norma.softmax(big)
            norma.softmax(small.tolist())
            with pytest.raises(norma.NormaError):
                norma.softmax(small, alpha=np.nan)
            norma.top_eigenvector(block for block in [X, X])
        gc.collect()

    calls()
    before = resident()
    calls()
    assert resident() - before < 4 << 20  # one leaked output of `big` a call would be 240 MB
