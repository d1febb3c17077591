"""Sparse matrices and iterators of rows."""

import numpy as np
import pytest

import norma

scipy_sparse = pytest.importorskip("scipy.sparse")
RNG = np.random.default_rng(2)
A = RNG.normal(size=(500, 6)) * [5, 1, 1, 1, 1, 1]
S = scipy_sparse.random(400, 9, 0.3, "csr", random_state=3) + scipy_sparse.csr_matrix(np.eye(400, 9) * 9)


def blocks(a, sizes):
    start = 0
    for size in sizes:
        yield a[start : start + size]
        start += size


# ---- Rows -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rows",
    [
        lambda: iter(A),
        lambda: (list(row) for row in A),
        lambda: blocks(A, [500]),
        lambda: blocks(A, [1, 0, 99, 300, 0, 100]),
        lambda: iter([A.astype(np.float64, order="F")]),
        lambda: map(np.asarray, A),
    ],
)
def test_an_iterator_gives_what_the_array_gives(rows):
    stream, whole = norma.top_eigenvector(rows()), norma.top_eigenvector(A)
    assert stream.info.rows == 500
    np.testing.assert_array_equal(stream.v, whole.v)
    assert abs(whole.v[0]) > 0.9


@pytest.mark.filterwarnings("ignore:.*shuffle them:norma.NormaWarning")
def test_an_iterator_longer_than_memory_would_be_liked():
    count = 20000
    result = norma.top_eigenvector(np.full((50, 4), 1.0 + i % 3) for i in range(count // 50))
    assert result.info.rows == count
    np.testing.assert_allclose(result.v, 0.5)


def test_an_iterator_with_no_rows():
    for nothing in (iter([]), iter([np.empty((0, 3))])):
        with pytest.raises(norma.NormaValueError, match="no rows"):
            norma.top_eigenvector(nothing)


def test_blocks_of_different_width():
    with pytest.raises(norma.NormaValueError, match=r"\(1, 3\) at row 2.*2 columns"):
        norma.top_eigenvector(iter([np.ones((2, 2)), np.ones((1, 3))]))


def test_what_the_iterator_raises_comes_through():
    class Mine(Exception):
        pass

    def rows():
        yield from A[:300]
        raise Mine("the source ran dry")

    with pytest.raises(Mine, match="ran dry"):
        norma.top_eigenvector(rows())


def test_a_port_for_whole_arrays_refuses_an_iterator():
    with pytest.raises(norma.NormaValueError, match="stream of rows"):
        norma.softmax(iter([np.ones(3)]))


def test_an_iterator_may_use_norma():
    rows = (norma.softmax(row).y for row in A)
    assert norma.top_eigenvector(rows).info.rows == 500


def test_two_passes_over_an_iterator_are_refused():
    with pytest.raises(norma.NormaUnsupportedError):
        norma.top_eigenvector(iter(A), residual=True)


# ---- Sparse in --------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "lil", "dok", "bsr"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_sparse_gives_what_dense_gives(kind, dtype):
    sparse = S.astype(dtype).asformat(kind)
    dense = norma.top_eigenvector(S.astype(dtype).toarray())
    np.testing.assert_array_equal(norma.top_eigenvector(sparse).v, dense.v)


def test_sparse_array_and_integers():
    counts = scipy_sparse.csr_array((S * 10).astype(np.int64))
    np.testing.assert_array_equal(norma.top_eigenvector(counts).v, norma.top_eigenvector(counts.toarray()).v)


def test_duplicates_are_summed_and_the_matrix_stays_as_it_is():
    parts = (np.array([1.0, 2, 3, 4]), np.array([2, 0, 2, 1]), np.array([0, 3, 4]))
    s = scipy_sparse.csr_matrix(parts, shape=(2, 3))
    np.testing.assert_array_equal(norma.top_eigenvector(s).v, norma.top_eigenvector(s.toarray()).v)
    np.testing.assert_array_equal(s.indices, parts[1])


def test_the_small_csr_class_is_taken():
    s = norma.CSR((S.data, S.indices, S.indptr), S.shape)
    assert s.nnz == S.nnz and "400 x 9" in repr(s)
    np.testing.assert_array_equal(s.toarray(), S.toarray())
    np.testing.assert_array_equal(norma.top_eigenvector(s).v, norma.top_eigenvector(S).v)


@pytest.mark.parametrize("indptr", [[0, 1, 1, 5], [0, 1], [0, 4, 2, 4], [1, 2, 3, 4]])
def test_a_broken_sparse_matrix_is_refused(indptr):
    broken = norma.CSR((np.ones(4), [0, 1, 0, 1], indptr), (3, 2))
    with pytest.raises(norma.NormaValueError):
        norma.top_eigenvector(broken)


def test_columns_out_of_range_are_refused():
    with pytest.raises(norma.NormaValueError):
        norma.top_eigenvector(norma.CSR((np.ones(2), [0, 9], [0, 1, 2]), (2, 2)))


def test_sorted_rows_are_warned_of():
    rows = RNG.normal(size=(5000, 20)) * np.linspace(1, 3, 20)
    rows = rows[np.argsort(-(rows**2).sum(1))]
    with pytest.warns(norma.NormaWarning, match="shuffle them"):
        assert norma.top_eigenvector(rows).info.order_suspect


# ---- Sparse out -------------------------------------------------------------------


def transport(**named):
    m, n = 6, 5
    return norma.sparse_ot(np.full(m, 1 / m), np.full(n, 1 / n), RNG.random((m, n)), k=3, gamma=0.1, **named)


@pytest.mark.filterwarnings("ignore::norma.NormaWarning")
def test_a_sparse_output_is_scipys():
    plan = transport().plan
    assert isinstance(plan, scipy_sparse.csr_matrix) and plan.shape == (6, 5) and plan.nnz <= 15
    assert (np.diff(plan.tocsc().indptr) <= 3).all()
    np.testing.assert_allclose(plan.sum(0), 0.2, atol=1e-5)
    assert plan.data.ctypes.data % 64 == 0 and not plan.data.flags.owndata  # not copied


@pytest.mark.filterwarnings("ignore::norma.NormaWarning")
def test_without_scipy_it_is_a_small_class(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "scipy.sparse", None)
    plan = transport().plan
    assert isinstance(plan, norma.CSR)
    np.testing.assert_allclose(plan.toarray().sum(0), 0.2, atol=1e-5)
