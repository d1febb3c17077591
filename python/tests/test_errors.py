"""Refusals: the same sentence as the command's, the right class of exception."""

import pickle
from pathlib import Path

import numpy as np
import pytest

import norma

CASES = {  # Python's call, and the command's arguments
    "unknown parameter": ({"x": [1.0, 2.0], "alhpa": 1}, ["--x=[1,2]", "--alhpa=1"]),
    "no such choice": ({"x": [1.0, 2.0], "algorithm": "fast"}, ["--x=[1,2]", "--algorithm=fast"]),
    "not a number": ({"x": [1.0, 2.0], "alpha": "big"}, ["--x=[1,2]", "--alpha=big"]),
    "out of range": ({"x": [1.0, 2.0], "alpha": np.inf}, ["--x=[1,2]", "--alpha=inf"]),
    "shapes": ({"x": [1.0, 2.0], "mask": [1, 1, 1]}, ["--x=[1,2]", "--mask=[1,1,1]"]),
}


@pytest.mark.parametrize("case", CASES)
def test_sentence_is_the_commands(case, command):
    named, arguments = CASES[case]
    with pytest.raises((norma.NormaValueError, norma.NormaTypeError)) as caught:
        norma.softmax(**named)
    sentence = str(caught.value)
    assert sentence and caught.value.message == sentence
    done = command("softmax", *arguments)
    assert done.returncode != 0
    assert f"norma: {sentence}\n" == done.stderr


def test_what_is_missing_is_named_and_nothing_else():
    with pytest.raises(norma.NormaTypeError, match="input cost is missing"):
        norma.sparse_ot([1.0], [1.0], k=1)
    with pytest.raises(norma.NormaTypeError, match="k is missing"):
        norma.sparse_ot([1.0], [1.0], [[1.0]])
    with pytest.raises(norma.NormaTypeError, match="input target is missing"):
        norma.cross_entropy([1.0, 2.0])


@pytest.mark.parametrize(
    "call, kinds, status",
    [
        (lambda: norma.softmax(), (TypeError,), "BAD_ARGUMENT"),
        (lambda: norma.softmax([1.0], [1.0]), (TypeError,), "BAD_ARGUMENT"),
        (lambda: norma.softmax([1.0], x=[1.0]), (TypeError,), "BAD_ARGUMENT"),
        (lambda: norma.softmax([1.0], nothing=1), (TypeError,), "BAD_ARGUMENT"),
        (lambda: norma.sparse_ot([1.0], [1.0], [[1.0]]), (TypeError,), "BAD_ARGUMENT"),
        (lambda: norma.softmax([1.0], seed=-1), (ValueError,), "OUT_OF_RANGE"),
        (lambda: norma.softmax([1.0], seed=2**64), (ValueError,), "OUT_OF_RANGE"),
        (lambda: norma.softmax([1.0], seed="a"), (TypeError,), "BAD_ARGUMENT"),
        (lambda: norma.softmax([1.0], threads=70000), (ValueError,), "OUT_OF_RANGE"),
        (lambda: norma.softmax([1.0], threads=1.5), (TypeError,), "BAD_ARGUMENT"),
        (lambda: norma.softmax([1.0], want="nothing"), (ValueError,), "BAD_ARGUMENT"),
        (lambda: norma.sparse_ot([1.0], [1.0], [[np.nan]], k=1), (ValueError,), "NON_FINITE"),
        (lambda: norma.sparse_ot([1.0], [1.0], [[1.0, 2.0]], k=1), (ValueError,), "BAD_SHAPE"),
        (lambda: norma.sparse_ot([1.0], [2.0], [[1.0]], k=1), (ArithmeticError,), "INFEASIBLE"),
        (lambda: norma.sparse_ot([1.0], [1.0], [[1.0]], k=0), (ValueError,), "OUT_OF_RANGE"),
        (lambda: norma.sparse_ot([1.0], [1.0], [[1.0]], k=1.5), (ValueError,), "BAD_ARGUMENT"),
        (lambda: norma.top_eigenvector(np.zeros((9, 3))), (ArithmeticError,), "SINGULAR"),
        (lambda: norma.load("/no/such/file.npy"), (OSError, FileNotFoundError), "INPUT_OUTPUT"),
        (lambda: norma.save("/no/such/folder/x.npy", [1.0]), (OSError, FileNotFoundError), "INPUT_OUTPUT"),
        (lambda: norma.describe("sofmax"), (ValueError,), "BAD_ARGUMENT"),
    ],
)
def test_class_and_status(call, kinds, status):
    with pytest.raises(norma.NormaError) as caught:
        call()
    error = caught.value
    assert isinstance(error, kinds) and error.status is norma.Status[status]
    assert len(str(error)) > 10
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error) and str(again) == str(error) and again.status is error.status


def test_nearest_names():
    with pytest.raises(TypeError, match="did you mean 'alpha'"):
        norma.softmax([1.0], alhpa=1)
    with pytest.raises(AttributeError, match="did you mean 'softmax'"):
        norma.sofmax
    with pytest.raises(AttributeError):
        norma.softmax([1.0]).z
    with pytest.raises(AttributeError):
        norma.softmax([1.0]).info.z
    assert not hasattr(norma, "_nothing")


def test_errno():
    for call in (lambda: norma.load("/no/such/file.npy"), lambda: norma.softmax(Path("/no/such/file.npy"))):
        with pytest.raises(FileNotFoundError) as caught:
            call()
        assert caught.value.errno == 2 and "/no/such/file.npy" in str(caught.value)


def test_malformed_file(tmp_path):
    (tmp_path / "x.npy").write_bytes(b"\x93NUMPY\x01\x00 cut off")
    with pytest.raises(norma.NormaFormatError, match="x.npy"):
        norma.load(tmp_path / "x.npy")


def test_statuses_are_the_librarys():
    assert norma.Status.OK == 0 and norma.Status.NOT_CONVERGED == 1
    assert str(norma.Status.OUT_OF_RANGE) == "out-of-range" and norma.Status.OUT_OF_RANGE.text
    assert all(status.text for status in norma.Status)


def test_a_remark_is_a_warning_with_its_status():
    a = np.random.default_rng(1).normal(size=(300, 30))
    with pytest.warns(norma.NormaWarning) as caught:
        result = norma.top_eigenvector(a, algorithm="power", max_iter=1, tolerance=0)
    remarks = [w for w in caught if w.message.status]
    assert len(remarks) == 1 and remarks[0].message.status is norma.Status.NOT_CONVERGED is result.status
    assert str(remarks[0].message) == result.message != ""
    assert remarks[0].filename == __file__  # names the caller's line
    assert "not-converged" in repr(result)


def test_a_flag_takes_only_truth_values():
    with pytest.raises(norma.NormaValueError, match="true or false"):
        norma.softmax([1.0], log="maybe")
    for true in (True, 1, np.True_, "true"):
        assert norma.softmax([1.0, 2.0], log=true).parameters.log is True


def test_numbers_of_any_kind():
    result = norma.sparse_ot(
        [1.0], [1.0], [[1.0]], k=np.int32(1), gamma=np.float32(0.5), max_iter=1e3, tol=None, seed=np.uint8(3)
    )
    assert result.parameters.k == 1 and result.parameters.gamma == 0.5 and result.parameters.max_iter == 1000
    assert result.report["seed"] == 3
