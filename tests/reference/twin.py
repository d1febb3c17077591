"""Repeat training runs with PyTorch: twin.py FILE.npz ... as tests/twin.c wrote them.

The networks are written a second time, from their descriptions, on the weights of the file;
so are the clipping of gradients and the optimizers' groups.  AdamW is torch.optim's.  Every step's loss
and the loss on the validation data must agree.
"""
import sys

import numpy as np
import torch
import torch.nn.functional as F


def linear(w, name, x):
    return F.linear(x, w[name + ".weight"], w.get(name + ".bias"))


# ---- Networks -------------------------------------------------------------------------------------

HEADS = 4


def layer_norm(w, name, x):
    return F.layer_norm(x, x.shape[-1:], w[name + ".weight"], w[name + ".bias"], 1e-5)


def attention(w, name, x):
    batch, length, width = x.shape
    q, k, v = linear(w, name + ".qkv", x).view(batch, length, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
    scores = q @ k.transpose(-1, -2) / (width // HEADS) ** 0.5
    hidden = torch.ones(length, length, dtype=torch.bool).triu(1)
    y = scores.masked_fill(hidden, -torch.inf).softmax(-1) @ v
    return linear(w, name + ".projection", y.transpose(1, 2).reshape(batch, length, width))


def gpt(w, x, training):
    h = w["embedding.weight"][x] + w["position.weight"][: x.shape[1]]
    block = 0
    while f"blocks.{block}.norm1.weight" in w:
        at = f"blocks.{block}."
        h = h + attention(w, at + "attention", layer_norm(w, at + "norm1", h))
        inside = F.gelu(linear(w, at + "feed_forward.up", layer_norm(w, at + "norm2", h)))
        h = h + linear(w, at + "feed_forward.down", inside)
        block += 1
    return F.linear(layer_norm(w, "norm", h), w["embedding.weight"])


def convolution(w, name, x, stride, training):
    kernel = w[name + ".conv.weight"]
    x = F.conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2)
    at = name + ".norm."
    return F.batch_norm(x, w[at + "running_mean"], w[at + "running_var"], w[at + "weight"], w[at + "bias"], training, 0.1, 1e-5)


def convnet(w, x, training):
    x = F.relu(convolution(w, "stem", x.view(-1, 1, 28, 28), 1, training))
    stage = 0
    while f"stages.{stage}.0.first.conv.weight" in w:
        at, stride = f"stages.{stage}.0.", 2 if stage else 1
        h = F.relu(convolution(w, at + "first", x, stride, training))
        h = convolution(w, at + "second", h, 1, training)
        if at + "shortcut.conv.weight" in w:
            x = convolution(w, at + "shortcut", x, stride, training)
        x = F.relu(x + h)
        stage += 1
    return linear(w, "head", x.mean((2, 3)))


def mlp(w, x, training):
    layer = 0
    while f"layers.{layer}.linear.weight" in w:
        x = torch.tanh(linear(w, f"layers.{layer}.linear", x))
        layer += 1
    return linear(w, "output", x)


# ---- Runs ------------------------------------------------------------------------------------------


class Momentum:
    """Nesterov's, the weights shrunk apart from the gradient: torch.optim.SGD adds the two."""

    def __init__(self, groups):
        self.param_groups = [dict(group, lr=0.0) for group in groups]
        self.velocity = {}

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                v = self.velocity[p] = 0.9 * self.velocity.get(p, 0) + p.grad
                p.mul_(1 - group["lr"] * group["weight_decay"]).sub_(group["lr"] * (p.grad + 0.9 * v))


def clip(gradients, largest):
    norm = torch.sqrt(sum(g.double().square().sum() for g in gradients))
    if largest > 0 and norm > largest:
        for g in gradients:
            g.mul_(largest / norm)


def repeat(path):
    run = np.load(path)
    w = {name[len("weight:"):]: torch.tensor(run[name]) for name in run.files if name.startswith("weight:")}
    trained = {name: tensor.requires_grad_() for name, tensor in w.items() if "running_" not in name}
    kind, model = ("gpt", gpt) if "embedding.weight" in w else ("convnet", convnet) if "stem.conv.weight" in w else ("mlp", mlp)
    dtype = next(iter(trained.values())).dtype

    def loss_of(x, y, training):
        x, y = torch.tensor(x), torch.tensor(y)
        logits = model(w, x if x.dtype == torch.int64 else x.to(dtype), training)
        if y.dtype == torch.int64:
            return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), y.reshape(-1), ignore_index=-1), int((y >= 0).sum())
        return F.mse_loss(logits, y.to(dtype)), len(y)

    # Weights shrink; biases, scales and shifts of norms do not.
    decay = float(run["weight_decay"])
    groups = [{"params": [p for p in trained.values() if p.ndim >= 2], "weight_decay": decay},
              {"params": [p for p in trained.values() if p.ndim < 2], "weight_decay": 0.0}]
    if kind == "convnet":
        optimizer = Momentum(groups)
    else:
        optimizer = torch.optim.AdamW(groups, betas=(float(run["beta1"]), float(run["beta2"])), eps=float(run["eps"]))
    losses = []
    for x, y, rate in zip(run["x"], run["y"], run["rate"]):
        for p in trained.values():
            p.grad = None
        loss = loss_of(x, y, True)[0]
        loss.backward()
        clip([p.grad for p in trained.values()], float(run["clip"]))
        for group in optimizer.param_groups:
            group["lr"] = float(rate)
        optimizer.step()
        losses.append(float(loss.detach()))
    with torch.no_grad():
        validation = zip(run["validation_x"], run["validation_y"], run["validation_rows"])
        parts = [loss_of(x[:rows], y[:rows], False) for x, y, rows in validation]
    validation = sum(float(loss) * n for loss, n in parts) / sum(n for _, n in parts)
    return kind, run, np.array(losses), validation


def main(paths):
    torch.set_num_threads(1)
    for path in paths:
        kind, run, losses, validation = repeat(path)
        apart, last = np.abs(losses - run["losses"]), abs(validation - float(run["validation_loss"]))
        print(f"{kind}: {len(losses)} steps, loss {losses[0]:.4f} to {losses[-1]:.4f}, validation {validation:.4f}; "
              f"apart at most {apart.max():.1e} (step {apart.argmax() + 1}), validation {last:.1e}")
        limit = 1e-9 if kind == "mlp" else 5e-5  # the promise in f32 is 1e-3; found is about 1e-6
        assert losses[-1] < 0.95 * losses[0], "nothing was learnt: the comparison says little"
        assert apart.max() <= limit and last <= limit, f"{kind}: further apart than {limit:g}"


main(sys.argv[1:])
