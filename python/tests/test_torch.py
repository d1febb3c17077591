"""Tensors of PyTorch, on the CPU, in and out without a copy."""

import numpy as np
import pytest

import norma

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tensor_in(dtype):
    x = torch.randn(6, 9, dtype=dtype)
    y = torch.from_numpy(norma.softmax(x).y)
    assert y.dtype == dtype
    torch.testing.assert_close(y, torch.softmax(x, 1), rtol=1e-5, atol=1e-7)


def test_tensor_is_lent_and_the_output_is_shared(monkeypatch):
    x, addresses = torch.randn(50), []
    original = norma._library.long.nrm_call_input
    monkeypatch.setattr(
        norma._library.long, "nrm_call_input", lambda *a: (addresses.append(a[-1]), original(*a))[1]
    )
    y = norma.softmax(x).y
    assert addresses == [x.data_ptr()]
    assert torch.from_numpy(y).data_ptr() == y.ctypes.data


def test_tensor_out():
    x, y = torch.randn(6, 9), torch.empty(6, 9)
    result = norma.softmax(x, out=y)
    assert result.y is y
    torch.testing.assert_close(y, torch.softmax(x, 1), rtol=1e-5, atol=1e-7)


def test_transposed_and_integer_tensors():
    x = torch.randn(6, 9).T
    np.testing.assert_allclose(norma.softmax(x).y, torch.softmax(x, 1).numpy(), rtol=1e-5)
    assert norma.softmax(torch.tensor([1, 2, 3])).y.dtype == np.float64


def test_a_tensor_with_a_gradient_must_be_detached():
    with pytest.raises(RuntimeError, match="detach"):
        norma.softmax(torch.randn(3, requires_grad=True))
