"""Optimizers on NumPy arrays, against the method optimizer-step, formulas and themselves."""

import gc

import numpy as np
import pytest

import norma
import norma.optim
from norma._optimizer import KINDS, _Handle

W0 = np.array([[0.1 * i - 0.05 * j for j in range(4)] for i in range(3)])
G0 = np.array([[1, 2, -1, 0], [0, 1, 3, -2], [2, -1, 0, 1.0]])
G1 = np.array([[0, -1, 2, 1], [1, 1, -1, 0], [-2, 0, 1, 3.0]])
CLASSES = [pytest.param(getattr(norma.optim, name), id=name) for name in norma.optim.kinds()]


def gradients(shape, steps, seed=3):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for _ in range(steps)]


@pytest.mark.parametrize("make", CLASSES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_kind_takes_the_steps_of_optimizer_step(make, dtype, tmp_path):
    rng = np.random.default_rng(1)
    w = rng.normal(size=(12, 16)).astype(dtype)
    through, state = w.copy(), None
    options = {n: v for n, v in {"weight_decay": 0.1, "rank": 4}.items() if n in KINDS[make.kind].parameters}
    optimizer = make({"weights": w}, **options)
    for i, g in enumerate(gradients(w.shape, 3)):
        g = g.astype(dtype)
        optimizer.step(g)
        after = tmp_path / f"{i}.safetensors"
        result = norma.optimizer_step(through, g, optimizer=make.kind, state=state, state_out=after, **options)
        through, state = result.weights_out, after
        assert result.info.step == i + 1
    np.testing.assert_array_equal(w, through)
    saved = norma.load(state)
    mine = optimizer.state_dict()
    assert saved.keys() == mine.keys()
    for name in saved:
        np.testing.assert_array_equal(saved[name], mine[name])


def test_classes_come_from_the_tables():
    assert norma.optim.kinds().items() >= {"SGD": "sgd", "AdamW": "adamw", "Muon": "muon", "NorMuon": "normuon"}.items()
    assert set(norma.optim.kinds()) < set(norma.optim.__all__)
    for name, kind in norma.optim.kinds().items():
        made = getattr(norma.optim, name)
        assert made.kind == kind and made.__module__ == "norma.optim" and made.__name__ == name
        for option in KINDS[kind].parameters:
            assert f"\n{option} : " in made.__doc__


def test_muon_as_in_the_paper():
    w = W0.copy()
    optimizer = norma.optim.Muon(w, lr=0.02, weight_decay=0.1)
    optimizer.step(G0)
    optimizer.step(G1)
    np.testing.assert_allclose(w[0], [-0.0183483715, -0.0612483787, -0.1108258268, -0.1500813460], atol=1e-9)


def test_arrays_that_are_not_contiguous_are_updated_where_they_are():
    plain, fortran, wide = W0.copy(), np.asfortranarray(W0), np.zeros((3, 8))
    strided = wide[:, ::2]
    strided[:] = W0
    for w in (plain, fortran, strided):
        optimizer = norma.optim.NorMuon([w])
        optimizer.step([G0])
        optimizer.step([np.asfortranarray(G1)])
    np.testing.assert_array_equal(fortran, plain)
    np.testing.assert_array_equal(strided, plain)
    assert not wide[:, 1::2].any()


def test_contiguous_arrays_are_not_copied(monkeypatch):
    w, seen = W0.copy(), []
    optimizer = norma.optim.AdamW(w)
    original = norma._library.long.nrm_optimizer_step
    step = lambda *a: (seen.append((a[2][0], a[3][0])), original(*a))[1]  # noqa: E731
    monkeypatch.setattr(norma._library.long, "nrm_optimizer_step", step)
    optimizer.step(G0)
    assert seen == [(w.ctypes.data, G0.ctypes.data)]


def test_groups_and_options_that_change():
    w, b = W0.copy(), np.zeros(4, np.float32)
    groups = [{"params": {"w": w}}, {"params": {"b": b}, "kind": "sgd", "lr": 0.5}]
    optimizer = norma.optim.Muon(groups, lr=0.02)
    assert [g["kind"] for g in optimizer.groups] == ["muon", "sgd"] and "beta1" not in optimizer.groups[1]
    optimizer.step({"w": G0, "b": np.ones(4)})
    np.testing.assert_array_equal(b, -0.5)
    optimizer.groups[1]["lr"] = 0.25
    optimizer.step({"b": np.ones(4)})
    np.testing.assert_array_equal(b, -0.75)
    optimizer.groups[1]["lr"] = 0
    before = w.copy()
    optimizer.groups[0]["lr"] = 0
    optimizer.step({"w": G0, "b": np.ones(4)})
    np.testing.assert_array_equal(b, -0.75)
    np.testing.assert_array_equal(w, before)
    optimizer.groups[0]["lr"] = -1
    with pytest.raises(norma.NormaValueError, match="muon: lr is -1"):
        optimizer.step({"w": G0})
    optimizer.groups[0]["lr"] = 0.02
    optimizer.step({"w": G0})
    assert (w != before).any()


def test_an_array_without_a_gradient_keeps_its_own_count():
    """As PyTorch counts: the bias correction is that of each array's own steps."""
    together = [np.zeros(3), np.zeros(3)]
    optimizer = norma.optim.AdamW(together, lr=0.1)
    alone = [np.zeros(3), np.zeros(3)]
    singles = [norma.optim.AdamW([w], lr=0.1) for w in alone]
    for i, pattern in enumerate([(1, 0), (1, 1), (0, 1), (1, 1), (1, 1)]):
        given = [g if on else None for on, g in zip(pattern, gradients((2, 3), 5)[i])]
        optimizer.step(given)
        for single, g in zip(singles, given):
            single.step([g])
    np.testing.assert_array_equal(together, alone)
    state = optimizer.state_dict()
    assert int(state["optimizer.step"]) == 4 and "optimizer.step:0" not in state


def test_state_goes_through_a_file(tmp_path):
    first = {"w": W0.copy(), "b": np.zeros(4), "c": np.zeros(2)}
    make = lambda p: norma.optim.NorMuon(  # noqa: E731
        [{"params": {"w": p["w"]}}, {"params": {"b": p["b"], "c": p["c"]}, "kind": "adamw"}]
    )
    optimizer = make(first)
    optimizer.step({"w": G0, "b": np.ones(4)})
    optimizer.step({"w": G1, "b": np.ones(4), "c": np.ones(2)})
    norma.save(tmp_path / "state.safetensors", optimizer.state_dict())
    second = {name: array.copy() for name, array in first.items()}
    resumed = make(second)
    resumed.load_state_dict(norma.load(tmp_path / "state.safetensors"))
    for o in (optimizer, resumed):
        o.step({"w": G0, "b": np.arange(4.0), "c": np.ones(2)})
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])
    wrong = optimizer.state_dict()
    wrong["normuon.m:w"] = np.zeros((4, 3))
    kept = resumed.state_dict()
    with pytest.raises(norma.NormaValueError, match="normuon.m:w' has shape"):
        resumed.load_state_dict(wrong)
    with pytest.raises(norma.NormaTypeError, match="optimizer.step' is missing"):
        resumed.load_state_dict({})
    assert all((kept[name] == value).all() for name, value in resumed.state_dict().items())


def test_split():
    fused, top = W0.copy(), W0[:2].copy()
    norma.optim.Muon([{"params": {"qkv": fused}, "split": [2, 1]}]).step(G0)
    norma.optim.Muon(top).step(G0[:2])
    np.testing.assert_array_equal(fused[:2], top)


def test_betas():
    a, b = np.zeros(3), np.zeros(3)
    one, two = norma.optim.AdamW(a, betas=(0.5, 0.75)), norma.optim.AdamW(b, beta1=0.5, beta2=0.75)
    for g in gradients(3, 2):
        one.step(g)
        two.step(g)
    np.testing.assert_array_equal(a, b)
    with pytest.raises(norma.NormaTypeError, match="betas"):
        norma.optim.AdamW(a, betas=(0.5, 0.75), beta1=0.5)
    with pytest.raises(norma.NormaTypeError, match="there is no option 'betas'"):
        norma.optim.SGD(a, betas=(0.5, 0.75))


REFUSED = {
    "a vector to a matrix optimizer": (lambda: norma.optim.Muon(np.zeros(3)), ValueError, "needs a matrix"),
    "an option there is not": (lambda: norma.optim.SGD(np.zeros(3), beta1=0.5), TypeError, "no option 'beta1'; there are lr"),
    "a rate below 0": (lambda: norma.optim.SGD(np.zeros(3), lr=-1), ValueError, "lr is -1"),
    "integers": (lambda: norma.optim.SGD(np.zeros(3, int)), ValueError, "an array of int64"),
    "a list": (lambda: norma.optim.SGD([[1.0]]), ValueError, "of type list"),
    "an array twice": (lambda: norma.optim.SGD([W0, W0]), TypeError, "'1' is given twice"),
    "a kind there is not": (lambda: norma.optim.SGD([{"params": W0.copy(), "kind": "adam"}]), ValueError, "mean adamw"),
}


@pytest.mark.parametrize("make, kind, message", REFUSED.values(), ids=REFUSED)
def test_refused(make, kind, message):
    with pytest.raises(kind, match=message):
        make()


def test_gradients_that_do_not_fit_change_nothing():
    w = {"w": W0.copy(), "v": np.ones(2)}
    optimizer = norma.optim.AdamW(w)
    bad = G0.copy()
    bad[1, 2] = np.nan
    with pytest.raises(norma.NormaValueError, match=r"gradient of 'w'\[1,2\] is nan"):
        optimizer.step({"w": bad, "v": np.ones(2)})
    with pytest.raises(norma.NormaValueError, match="'v' has shape"):
        optimizer.step({"w": G0, "v": np.ones(3)})
    with pytest.raises(norma.NormaTypeError, match="no parameter 'q'; there are w, v"):
        optimizer.step({"q": G0})
    with pytest.raises(norma.NormaTypeError, match="1 gradients for 2"):
        optimizer.step([G0])
    np.testing.assert_array_equal(w["w"], W0)
    np.testing.assert_array_equal(w["v"], 1)


def test_tensors_of_different_step_counts_move_all_or_none():
    w = {"w": W0.copy(), "v": np.ones(2)}
    optimizer = norma.optim.AdamW(w)
    optimizer.step({"w": G0})
    before = w["w"].copy()
    with pytest.raises(norma.NormaValueError, match=r"gradient of 'v'\[1\] is nan"):
        optimizer.step({"w": G0, "v": np.array([1, np.nan])})
    np.testing.assert_array_equal(w["w"], before)
    optimizer.step({"w": G0, "v": np.ones(2)})
    assert not np.array_equal(w["w"], before) and not np.array_equal(w["v"], np.ones(2))


def test_what_looks_like_an_embedding_is_told():
    optimizer = norma.optim.Muon(np.ones((2, 60)))
    with pytest.warns(norma.NormaWarning, match="embedding"):
        optimizer.step(np.ones((2, 60)))


def test_memory_goes_back_without_the_collector():
    count = lambda: sum(type(o) is _Handle for o in gc.get_objects())  # noqa: E731
    gc.collect()
    before = count()
    gc.disable()
    try:
        optimizer = norma.optim.AdamW([W0.copy(), np.ones(3)])
        optimizer.step([G0, None])
        optimizer.step([G0, np.ones(3)])
        optimizer.step([None, np.ones(3)])
        optimizer.load_state_dict(optimizer.state_dict())
        optimizer.step([G0, np.ones(3)])
        assert count() > before
        del optimizer
        assert count() == before
    finally:
        gc.enable()


def test_state_outlives_the_optimizer():
    optimizer = norma.optim.AdamW(W0.copy())
    optimizer.step(G0)
    (entry,) = optimizer._entries.values()
    view = entry.state["m"]
    del optimizer, entry
    gc.collect()
    np.testing.assert_allclose(view, 0.1 * G0, rtol=1e-12)
