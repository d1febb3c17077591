"""norma.torch, against PyTorch's own optimizers and against norma.optim."""

import copy
import io

import numpy as np
import pytest

import norma

torch = pytest.importorskip("torch")
import norma.optim  # noqa: E402
import norma.torch  # noqa: E402
from norma._optimizer import KINDS  # noqa: E402

torch.set_num_threads(1)  # the networks are small
CLASSES = [pytest.param(getattr(norma.torch, name), id=name) for name in norma.torch.kinds()]


def network(bias=True, dtype=torch.float32):
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(8, 16, bias), torch.nn.Tanh(), torch.nn.Linear(16, 4, bias)).to(dtype)


def train(model, optimizer, steps=6, scheduler=None, seed=2):
    generator = torch.Generator().manual_seed(seed)
    dtype = next(model.parameters()).dtype
    for _ in range(steps):
        x, y = (torch.randn(5, n, generator=generator).to(dtype) for n in (8, 4))
        optimizer.zero_grad(set_to_none=True)
        ((model(x) - y) ** 2).mean().backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
    return model


def same(a, b, **tolerance):
    for p, q in zip(a.parameters(), b.parameters()):
        torch.testing.assert_close(p, q, **(tolerance or {"rtol": 0, "atol": 0}))


# ---- PyTorch's own --------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, options",
    [
        ("AdamW", {"lr": 1e-2}),
        ("AdamW", {"lr": 1e-2, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.1}),
        ("SGD", {"lr": 1e-2}),
        ("SGD", {"lr": 1e-2, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_as_pytorchs(name, options, dtype):
    tolerance = {"rtol": 1e-5, "atol": 1e-6} if dtype is torch.float32 else {"rtol": 1e-12, "atol": 1e-13}
    models = [network(dtype=dtype) for _ in range(2)]
    for module, model in zip((norma.torch, torch.optim), models):
        train(model, getattr(module, name)(model.parameters(), **options))
    same(*models, **tolerance)


def test_muon_as_pytorchs_in_float32(monkeypatch):
    muon = pytest.importorskip("torch.optim._muon")
    if not hasattr(muon, "_zeropower_via_newtonschulz"):
        pytest.skip("this PyTorch has no Muon with the parts known here")

    def in_float32(grad, ns_coefficients, ns_steps, eps):  # theirs is in bfloat16
        a, b, c = ns_coefficients
        x = grad.T if grad.size(0) > grad.size(1) else grad
        x = x / x.norm().clamp(min=eps)
        for _ in range(ns_steps):
            gram = x @ x.T
            x = a * x + (b * gram + c * gram @ gram) @ x
        return x.T if grad.size(0) > grad.size(1) else x

    monkeypatch.setattr(muon, "_zeropower_via_newtonschulz", in_float32)
    models = [network(bias=False) for _ in range(2)]
    for module, model in zip((norma.torch, torch.optim), models):
        train(model, module.Muon(model.parameters(), lr=1e-2, weight_decay=0.1), steps=5)
    same(*models, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("make", [torch.optim.AdamW, torch.optim.SGD])
def test_goes_on_from_pytorchs_state(make):
    options = {"lr": 1e-2, **({"momentum": 0.9} if make is torch.optim.SGD else {})}
    model = network(dtype=torch.float64)
    theirs = make(model.parameters(), **options)
    train(model, theirs)
    twin = copy.deepcopy(model)
    ours = getattr(norma.torch, make.__name__)(twin.parameters())
    ours.load_state_dict(copy.deepcopy(theirs.state_dict()))
    train(model, theirs, seed=9)
    train(twin, ours, seed=9)
    same(model, twin, rtol=1e-12, atol=1e-13)


# ---- Every kind ------------------------------------------------------------------------


@pytest.mark.parametrize("make", CLASSES)
def test_every_kind_is_that_of_numpy_and_goes_on_from_its_state(make):
    rng = np.random.default_rng(1)
    w = rng.normal(size=(12, 16)).astype(np.float32)
    p = torch.nn.Parameter(torch.from_numpy(w.copy()))
    options = {"rank": 4} if "rank" in KINDS[make.kind].parameters else {}
    ours, plain = make([("w", p)], **options), getattr(norma.optim, make.__name__)({"w": w}, **options)
    gradients = [rng.normal(size=w.shape).astype(np.float32) for _ in range(4)]
    for i, g in enumerate(gradients):
        plain.step(g)
        p.grad = torch.from_numpy(g)
        ours.step()
        if i == 1:
            file = io.BytesIO()
            torch.save(ours.state_dict(), file)
            file.seek(0)
            p = torch.nn.Parameter(p.detach().clone())
            ours = make([("w", p)], **options)
            ours.load_state_dict(torch.load(file))
    np.testing.assert_array_equal(p.detach().numpy(), w)
    assert isinstance(ours, torch.optim.Optimizer) and int(ours.state[p]["step"]) == 4
    assert make.kind in norma.torch.kinds().values() and make.__module__ == "norma.torch"
    assert set(KINDS[make.kind].parameters) <= set(ours.param_groups[0])


# ---- What a torch.optim.Optimizer does -----------------------------------------------------


@pytest.mark.parametrize(
    "schedule",
    [
        lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda epoch: epoch / 4),  # begins with 0
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 5),
        lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=8),  # moves betas too
    ],
)
def test_schedulers(schedule):
    models = [network() for _ in range(2)]
    for module, model in zip((norma.torch, torch.optim), models):
        optimizer = module.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.99))
        train(model, optimizer, scheduler=schedule(optimizer))
    same(*models, rtol=1e-5, atol=1e-6)


def test_state_dict_deepcopy_and_pickle_go_on_with_the_same_bits():
    model = network()
    optimizer = norma.torch.for_model(model, "normuon", matrix_lr=0.01, weight_decay=0.1, heads=())
    train(model, optimizer)
    copies = [copy.deepcopy((model, optimizer))]
    twin = network()
    twin.load_state_dict(model.state_dict())
    loaded = norma.torch.for_model(twin, "normuon", heads=())
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    loaded.load_state_dict(torch.load(file))
    copies.append((twin, loaded))
    assert loaded.param_groups[0]["lr"] == 0.01
    train(model, optimizer, seed=9)
    for other, its in copies:
        train(other, its, seed=9)
        same(model, other)


def test_a_state_that_does_not_fit_changes_nothing():
    model = network(bias=False)
    optimizer = norma.torch.Muon(model.parameters())
    train(model, optimizer)
    wrong = copy.deepcopy(optimizer.state_dict())
    wrong["state"][0]["m"] = torch.zeros(3, 3)
    kept = {k: v.clone() for k, v in optimizer.state[model[0].weight].items()}
    with pytest.raises(norma.NormaValueError, match="has shape"):
        optimizer.load_state_dict(wrong)
    for key, value in optimizer.state[model[0].weight].items():
        assert torch.equal(value, kept[key])
    train(model, optimizer)


def test_state_is_a_view():
    model = network()
    optimizer = norma.torch.AdamW(model.parameters())
    assert not optimizer.state
    train(model, optimizer, 1)
    state = optimizer.state[model[0].weight]
    assert set(state) == {"step", "m", "v"} and int(state["step"]) == 1
    before = state["m"].clone()
    train(model, optimizer, 1)
    assert int(state["step"]) == 2 and not torch.equal(state["m"], before)


def test_closure_hooks_and_versions():
    p = torch.nn.Parameter(torch.ones(3))
    optimizer = norma.torch.SGD([p], lr=0.5)
    seen = ["after"]
    if hasattr(optimizer, "register_step_post_hook"):  # PyTorch 2
        seen.clear()
        optimizer.register_step_post_hook(lambda *_: seen.append("after"))

    def closure():
        optimizer.zero_grad()
        loss = (p**2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 3 and seen == ["after"]
    assert torch.equal(p.detach(), torch.zeros(3))
    if not hasattr(torch.autograd.graph, "increment_version"):
        return
    y = (p * p).sum()
    p.grad = torch.ones(3)
    optimizer.step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_parameters_without_gradients_and_late_ones():
    models = [network() for _ in range(2)]
    for module, model in zip((norma.torch, torch.optim), models):
        optimizer = module.AdamW(model[0].parameters(), lr=0.1)
        model[0].bias.requires_grad_(False)
        train(model, optimizer, 2)
        model[0].bias.requires_grad_(True)
        train(model, optimizer, 2)
        optimizer.add_param_group({"params": model[2].parameters(), "lr": 0.01})
        train(model, optimizer, 2)
        model[2].bias.requires_grad_(False)
        train(model, optimizer, 2)
        assert int(optimizer.state[model[0].bias]["step"]) == 6
        assert int(optimizer.state[model[2].bias]["step"]) == 2
    same(*models, rtol=1e-5, atol=1e-6)


def test_contiguous_tensors_are_not_copied(monkeypatch):
    p, seen = torch.nn.Parameter(torch.ones(6, 4)), []
    optimizer = norma.torch.Muon([p])
    p.grad = torch.ones(6, 4)
    original = norma._library.long.nrm_optimizer_step
    step = lambda *a: (seen.append((a[2][0], a[3][0])), original(*a))[1]  # noqa: E731
    monkeypatch.setattr(norma._library.long, "nrm_optimizer_step", step)
    optimizer.step()
    assert seen == [(p.data_ptr(), p.grad.data_ptr())]


def test_tensors_that_do_not_lie_row_by_row():
    start = torch.randn(6, 6, generator=torch.Generator().manual_seed(4))
    kernel = torch.randn(4, 3, 2, 2, generator=torch.Generator().manual_seed(5))
    plain = [torch.nn.Parameter(start.clone()), torch.nn.Parameter(kernel.clone())]
    odd = [torch.nn.Parameter(start.t().contiguous().t()), torch.nn.Parameter(kernel.to(memory_format=torch.channels_last))]
    assert not any(p.is_contiguous() for p in odd)
    optimizers = [norma.torch.NorMuon(plain), norma.torch.NorMuon(odd)]
    for i in range(3):
        for params, optimizer in zip((plain, odd), optimizers):
            for p in params:
                p.grad = torch.randn(p.shape, generator=torch.Generator().manual_seed(i))
            optimizer.step()
        lies = odd[0].data.contiguous()  # row by row for a step, then by columns again
        odd[0].data = lies if i == 0 else lies.t().contiguous().t()
    for p, q in zip(plain, odd):
        assert torch.equal(p, q) and not q.is_contiguous()


def test_memory_that_moves():
    p, q = (torch.nn.Parameter(torch.ones(3, 4)) for _ in range(2))
    one, two = norma.torch.Muon([p]), norma.torch.Muon([q])
    for i in range(3):
        p.grad, q.grad = torch.full((3, 4), i + 1.0), torch.full((3, 4), i + 1.0)
        q.data = q.data.clone()
        one.step()
        two.step()
    assert torch.equal(p, q)
    q.data = torch.ones(4, 3)
    q.grad = torch.ones(4, 3)
    with pytest.raises(norma.NormaValueError, match=r"was \(3, 4\).*is \(4, 3\)"):
        two.step()


def test_a_rate_that_is_a_tensor():
    p, rate = torch.nn.Parameter(torch.zeros(3)), torch.tensor(0.5)
    optimizer = norma.torch.SGD([p], lr=rate)
    p.grad = torch.ones(3)
    optimizer.step()
    rate.fill_(0.25)
    optimizer.step()
    assert torch.equal(p.detach(), torch.full((3,), -0.75))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_narrow_types_keep_state_in_float32(dtype):
    p = torch.nn.Parameter(torch.ones(4, 4, dtype=dtype))
    wide = torch.nn.Parameter(torch.ones(4, 4))
    one, two = norma.torch.Muon([p], lr=0.05), norma.torch.Muon([wide], lr=0.05)
    for i in range(3):
        p.grad = torch.randn(4, 4, generator=torch.Generator().manual_seed(i)).to(dtype)
        wide.grad = p.grad.float()
        one.step()
        two.step()
        wide.data = wide.data.to(dtype).float()  # what is left between steps
    assert one.state[p]["m"].dtype == torch.float32 and p.dtype == dtype
    assert torch.equal(p.float(), wide)
    again = norma.torch.Muon([p])
    again.load_state_dict(one.state_dict())
    assert again.state[p]["m"].dtype == torch.float32 and torch.equal(again.state[p]["m"], one.state[p]["m"])


def test_master_weights_add_up_small_steps():
    p, master = (torch.nn.Parameter(torch.ones(4, dtype=torch.bfloat16)) for _ in range(2))
    plain, kept = norma.torch.SGD([p], lr=1e-3), norma.torch.SGD([master], lr=1e-3, master_weights=True)
    for _ in range(8):
        for tensor, optimizer in ((p, plain), (master, kept)):
            tensor.grad = torch.ones_like(tensor)
            optimizer.step()
    assert torch.equal(p, torch.ones_like(p))  # each step is lost
    torch.testing.assert_close(kept.state[master]["master"], torch.full((4,), 0.992))
    twin = torch.nn.Parameter(master.detach().clone())
    loaded = norma.torch.SGD([twin], lr=1e-3, master_weights=True)
    loaded.load_state_dict(kept.state_dict())
    torch.testing.assert_close(loaded.state[twin]["master"], torch.full((4,), 0.992))
    without = {**kept.state_dict(), "state": {0: {"step": torch.tensor(8)}}}
    loaded.load_state_dict(without)
    torch.testing.assert_close(loaded.state[twin]["master"], twin.detach().float())
    with torch.no_grad():
        master.fill_(2.0)  # the caller's own change counts
    master.grad = torch.ones_like(master)
    kept.step()
    torch.testing.assert_close(kept.state[master]["master"], torch.full((4,), 1.999))


# ---- Groups and models ------------------------------------------------------------------


def test_groups_of_another_kind():
    model = network()
    groups = [{"params": [model[0].weight, model[2].weight]}, {"params": [model[0].bias, model[2].bias], "kind": "adamw"}]
    optimizer = norma.torch.NorMuon(groups, lr=0.01)
    first, second = optimizer.param_groups
    assert first["lr"] == 0.01 and second["lr"] == KINDS["adamw"].defaults["lr"] and "momentum" not in second
    train(model, optimizer)
    assert set(optimizer.state[model[0].bias]) == {"step", "m", "v"}


class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = torch.nn.Embedding(11, 8)
        self.pos_embed = torch.nn.Parameter(torch.zeros(5, 8))
        self.attention = torch.nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm = torch.nn.LayerNorm(8)
        self.convolution = torch.nn.Conv1d(8, 8, 3, padding=1)
        self.hidden = torch.nn.Linear(8, 8)
        self.head = torch.nn.Linear(8, 11)

    def forward(self, tokens):
        x = self.norm(self.tokens(tokens) + self.pos_embed)
        x = x + self.attention(x, x, x, need_weights=False)[0]
        x = self.hidden(self.convolution(x.transpose(1, 2)).transpose(1, 2))
        return self.head(x)


def test_for_model():
    torch.manual_seed(3)
    model = Small()
    optimizer = norma.torch.for_model(model, "muon", lr=1e-2, matrix_lr=0.02, weight_decay=0.1, steps=3)
    named = [sorted(group["param_names"]) for group in optimizer.param_groups]
    matrices = ["attention.out_proj.weight", "convolution.weight", "hidden.weight"]
    assert named[:3] == [matrices, ["attention.in_proj_weight"], ["head.weight", "pos_embed", "tokens.weight"]]
    assert all(model.get_parameter(name).dim() == 1 for name in named[3])
    kinds, rates, decays = ([g[key] for g in optimizer.param_groups] for key in ("kind", "lr", "weight_decay"))
    assert kinds == ["muon", "muon", "adamw", "adamw"] and rates == [0.02, 0.02, 1e-2, 1e-2]
    assert decays == [0.1, 0.1, 0.1, 0.0] and optimizer.param_groups[1]["split"] == [8, 8, 8]
    tokens = torch.randint(0, 11, (4, 5), generator=torch.Generator().manual_seed(1))
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(tokens).flatten(0, 1), tokens.flatten())
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    assert {"m#0", "m#1", "m#2"} <= set(optimizer.state[model.attention.in_proj_weight])
    matrices, rest = norma.torch.split_params(model, heads=["hidden"])
    assert any(p is model.head.weight for p in matrices) and any(p is model.hidden.weight for p in rest)
    everything = norma.torch.for_model(Small(), "adamw", lr=0.01)
    assert [group["kind"] for group in everything.param_groups] == ["adamw", "adamw"]


# ---- Refusals ---------------------------------------------------------------------------


def parameter(*shape, **options):
    return torch.nn.Parameter(torch.zeros(*shape, **options), requires_grad=False)


REFUSED = {
    "a vector to a matrix optimizer": (lambda: norma.torch.Muon([parameter(3)]), ValueError, "needs a matrix"),
    "an option there is not": (lambda: norma.torch.SGD([parameter(3)], dampening=0.1), TypeError, "no option 'dampening'"),
    "a rate below 0": (lambda: norma.torch.SGD([parameter(3)], lr=-1), ValueError, "lr is -1"),
    "integers": (lambda: norma.torch.SGD([parameter(3, dtype=torch.int32)]), ValueError, "torch.int32"),
    "complex numbers": (lambda: norma.torch.SGD([parameter(3, dtype=torch.complex64)]), ValueError, "complex64"),
    "another device": (lambda: norma.torch.SGD([parameter(3, device="meta")]), NotImplementedError, "is on meta; Norma"),
    "nothing": (lambda: norma.torch.SGD([]), ValueError, "empty"),
    "betas twice": (lambda: norma.torch.AdamW([parameter(3)], betas=(0.9, 0.9), beta1=0.9), TypeError, "give one"),
    "a kind there is not": (lambda: norma.torch.for_model(network(), "muom"), ValueError, "did you mean muon"),
}


@pytest.mark.parametrize("make, kind, message", REFUSED.values(), ids=REFUSED)
def test_refused(make, kind, message):
    with pytest.raises(kind, match=message) as raised:
        make()
    assert isinstance(raised.value, (norma.NormaError, ValueError))


def test_a_group_that_is_refused_is_not_added():
    model = network(bias=False)
    optimizer = norma.torch.Muon(model.parameters())
    with pytest.raises(ValueError, match="needs a matrix"):
        optimizer.add_param_group({"params": [torch.nn.Parameter(torch.zeros(3))]})
    assert len(optimizer.param_groups) == 1
    train(model, optimizer)


def test_gradients_that_are_refused():
    embedding = torch.nn.Embedding(5, 3, sparse=True)
    optimizer = norma.torch.AdamW(embedding.parameters())
    embedding(torch.tensor([1])).sum().backward()
    with pytest.raises(NotImplementedError, match="sparse=False"):
        optimizer.step()
    p = torch.nn.Parameter(torch.ones(2, 3))
    optimizer = norma.torch.Muon([("w", p)])
    p.grad = torch.ones(2, 3)
    p.grad[1, 2] = float("inf")
    with pytest.raises(ValueError, match=r"the gradient of 'w'\[1,2\] is inf"):
        optimizer.step()
    assert torch.equal(p.detach(), torch.ones(2, 3)) and int(optimizer.state[p]["step"]) == 0


def test_pytorch_is_optional(python):
    code = """
import sys; sys.modules['torch'] = None
import norma, norma.optim
try: norma.torch
except ImportError: print('not there')
print(norma.optim.SGD.kind)
"""
    out, err = python(code).communicate(timeout=60)
    assert out == "not there\nsgd\n" and err == ""
