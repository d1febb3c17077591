#!/usr/bin/env python3
"""Make autodiff_values.h: losses and derivatives of small networks by PyTorch.

    python3 tests/reference/make_autodiff.py > tests/reference/autodiff_values.h

Inputs and weights are dyadic fractions from the integer formula pattern(), so the C test
makes the very same bits.
"""
import torch

torch.set_default_dtype(torch.float64)


def pattern(m, n, k):
    i, j = torch.meshgrid(torch.arange(m), torch.arange(n), indexing="ij")
    return ((i * 37 + j * 61 + i * j * 11 + k * 29) % 97 - 48).to(torch.float64) / 64


def emit(name, values):
    text = [float(v).hex() if v else "0" for v in values.detach().reshape(-1)]
    print(f"static const double {name}[{len(text)}] = {{")
    for start in range(0, len(text), 4):
        print("    " + ", ".join(text[start:start + 4]) + ",")
    print("};")


def parameters(sizes):
    made = []
    for k, (i, o) in enumerate(zip(sizes, sizes[1:])):
        made += [pattern(o, i, 2 * k + 1).requires_grad_(), pattern(1, o, 2 * k + 2)[0].clone().requires_grad_()]
    return made


def network(x, w, activation, norm):
    for k in range(0, len(w), 2):
        x = torch.nn.functional.linear(x, w[k], w[k + 1])
        if k + 2 < len(w):
            x = activation(x)
            if norm:
                x = torch.nn.functional.layer_norm(x, x.shape[-1:])
    return x


def regression(name, activation, norm):
    w = parameters([3, 8, 6, 2])
    x, y = pattern(11, 3, 9), pattern(11, 2, 10)
    loss = torch.mean((network(x, w, activation, norm) - y) ** 2)
    gradients = torch.autograd.grad(loss, w, create_graph=True)
    second = torch.autograd.grad(sum((g * g).sum() for g in gradients), w)
    emit(f"{name}_loss", loss)
    emit(f"{name}_gradients", torch.cat([g.reshape(-1) for g in gradients]))
    emit(f"{name}_second", torch.cat([g.reshape(-1) for g in second]))


def heat():
    """u_t - u_xx for a network u(x, t): the loss of a physics-informed network."""
    w = parameters([2, 10, 10, 1])
    z = pattern(13, 2, 5).requires_grad_()
    u = network(z, w, torch.tanh, False)
    d = torch.autograd.grad(u.sum(), z, create_graph=True)[0]
    u_xx = torch.autograd.grad(d[:, 0].sum(), z, create_graph=True)[0][:, 0]
    loss = torch.mean((d[:, 1] - u_xx) ** 2)
    gradients = torch.autograd.grad(loss, w, allow_unused=True)
    emit("heat_xx", u_xx)
    emit("heat_loss", loss)
    emit("heat_gradients", torch.cat([(g if g is not None else torch.zeros_like(p)).reshape(-1) for g, p in zip(gradients, w)]))


def others():
    x = pattern(4, 7, 3) * 6
    x.requires_grad_()
    for name, f in [("gelu", torch.nn.functional.gelu), ("gelu_tanh", lambda v: torch.nn.functional.gelu(v, approximate="tanh")),
                    ("silu", torch.nn.functional.silu), ("softplus", torch.nn.functional.softplus), ("log_sigmoid", torch.nn.functional.logsigmoid),
                    ("logsumexp", lambda v: torch.logsumexp(v, 1)), ("sigmoid", torch.sigmoid)]:
        y = f(x)
        d = torch.autograd.grad(y.sum(), x, create_graph=True)[0]
        emit(f"{name}_value", y)
        emit(f"{name}_second", torch.autograd.grad((d * d).sum(), x)[0])


print("/* Made by make_autodiff.py. */")
regression("tanh", torch.tanh, False)
regression("gelu_norm", torch.nn.functional.gelu, True)
heat()
others()
