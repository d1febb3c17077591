"""norma.load and norma.save."""

import gc

import numpy as np
import pytest

import norma

A = np.random.default_rng(7).normal(size=(5, 3))


@pytest.mark.parametrize("name", ["a.npy", "a.csv", "a.txt", "a.mtx"])
def test_an_array_comes_back_bit_for_bit(tmp_path, name):
    norma.save(tmp_path / name, A)
    b = norma.load(tmp_path / name)
    gc.collect()
    np.testing.assert_array_equal(b, A)
    assert not b.flags.owndata and b.flags.writeable


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8", "u1", "?", "f2", "i2", ">f8"])
def test_npy_types(tmp_path, dtype):
    a = np.array([[0, 1, 1], [1, 0, 1]], dtype)
    norma.save(str(tmp_path / "a.npy"), a)
    np.testing.assert_array_equal(norma.load(str(tmp_path / "a.npy")), a)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), a)


def test_numpys_own_files(tmp_path):
    np.save(tmp_path / "f.npy", np.asfortranarray(A))
    np.testing.assert_array_equal(norma.load(tmp_path / "f.npy"), A)
    np.savez_compressed(tmp_path / "b.npz", a=A, n=np.arange(4))
    bundle = norma.load(tmp_path / "b.npz")
    assert list(bundle) == ["a", "n"]
    np.testing.assert_array_equal(bundle["a"], A)
    np.testing.assert_array_equal(bundle["n"], np.arange(4))


@pytest.mark.parametrize("name", ["b.npz", "b.safetensors"])
def test_a_bundle_is_a_dict(tmp_path, name):
    norma.save(tmp_path / name, {"weights": A, "steps": np.arange(3), "empty": np.empty((0, 2), np.float32)})
    bundle = norma.load(tmp_path / name)
    gc.collect()
    assert sorted(bundle) == ["empty", "steps", "weights"] and bundle["empty"].shape == (0, 2)
    np.testing.assert_array_equal(bundle["weights"], A)
    np.testing.assert_array_equal(bundle["steps"], np.arange(3))


def test_sparse(tmp_path):
    sparse = pytest.importorskip("scipy.sparse")
    s = sparse.random(6, 4, 0.5, "csc", random_state=1)
    norma.save(tmp_path / "s.mtx", s)
    t = norma.load(tmp_path / "s.mtx")
    assert sparse.isspmatrix_csr(t)
    np.testing.assert_array_equal(t.toarray(), s.toarray())


def test_libsvm_labels_and_csv_header(tmp_path):
    (tmp_path / "a.svm").write_text("1 1:0.5 3:2\n-1 2:1\n")
    data, extra = norma.load(tmp_path / "a.svm", extra=True)
    np.testing.assert_array_equal(data.toarray(), [[0.5, 0, 2], [0, 1, 0]])
    np.testing.assert_array_equal(np.ravel(extra["label"]), [1, -1])
    (tmp_path / "a.csv").write_text("one,two\n1,2\n3,4\n")
    data, extra = norma.load(tmp_path / "a.csv", extra=True)
    np.testing.assert_array_equal(data, [[1, 2], [3, 4]])
    assert extra["header"] == ["one", "two"]


def test_a_literal():
    np.testing.assert_array_equal(norma.load("[[1, 2], [3, 4]]"), [[1, 2], [3, 4]])


def test_a_failed_save_leaves_nothing(tmp_path):
    for name, data in [("a.unknown", A), ("a.npy", np.array([1j])), ("b.npz", {"x": ["a"]}), ("c.csv", {"x": A})]:
        with pytest.raises(norma.NormaError):
            norma.save(tmp_path / name, data)
    assert list(tmp_path.iterdir()) == []


def test_a_loaded_array_outlives_its_bundle(tmp_path):
    norma.save(tmp_path / "b.npz", {"a": A, "b": A + 1})
    b = norma.load(tmp_path / "b.npz")["b"]
    gc.collect()
    np.testing.assert_array_equal(b, A + 1)
