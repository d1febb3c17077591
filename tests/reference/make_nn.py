#!/usr/bin/env python3
"""Make nn_values.h: what the tests of layers and networks compare with, by PyTorch in f64.

    python3 tests/reference/make_nn.py > tests/reference/nn_values.h

Parameter number k of a layer, in the order the library declares them, is pattern(k); inputs
are pattern(100), pattern(101); the cotangent of the result is pattern(200).  Each case is one
array: the result, then the gradients by the inputs and by every parameter.
"""
import math

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def pattern(k, *shape):
    i = torch.arange(math.prod(shape))
    return (((i * 37 + k * 61 + (i // 7) * 11) % 97 - 48) / 64.0).reshape(shape)


class Parameters:
    def __init__(self):
        self.list = []

    def new(self, *shape):
        p = pattern(len(self.list), *shape).requires_grad_()
        self.list.append(p)
        return p

    def buffer(self, *shape, shift=0.0):
        b = pattern(len(self.list), *shape) + shift
        self.list.append(b)
        return b

    def linear(self, out, inner):
        w, b = self.new(out, inner), self.new(out)
        return lambda x: F.linear(x, w, b)


def emit(name, values):
    flat = torch.cat([v.detach().reshape(-1) for v in values]).tolist()
    print(f"static const double {name}[{len(flat)}] = {{")
    for start in range(0, len(flat), 4):
        print("    " + ", ".join(float(v).hex() if v else "0" for v in flat[start:start + 4]) + ",")
    print("};")


def case(name, y, inputs, parameters, more=()):
    trained = [p for p in parameters.list if p.requires_grad]
    (y * pattern(200, *y.shape)).sum().backward()
    emit(name, [y] + [x.grad for x in inputs] + [p.grad for p in trained] + list(more))


def given(k, *shape):
    return pattern(k, *shape).requires_grad_()


def norms():
    p, x = Parameters(), given(100, 2, 3, 5)
    case("layer_norm_values", F.layer_norm(x, (5,), p.new(5), p.new(5), 1e-5), [x], p)
    p, x = Parameters(), given(100, 2, 3, 5)
    case("rms_norm_values", F.rms_norm(x, (5,), p.new(5), 1e-6), [x], p)
    p, x = Parameters(), given(100, 2, 6, 2, 3)
    case("group_norm_values", F.group_norm(x, 3, p.new(6), p.new(6), 1e-5), [x], p)
    for training in (True, False):
        p, x = Parameters(), given(100, 3, 2, 2, 2)
        w, b, mean, var = p.new(2), p.new(2), p.buffer(2), p.buffer(2, shift=1.0)
        y = F.batch_norm(x, mean, var, w, b, training, 0.1, 1e-5)
        case(f"batch_norm_{'training' if training else 'evaluation'}_values", y, [x], p, [mean, var])


def heads(x, n):
    return x.unflatten(-1, (n, -1)).transpose(-3, -2)


def rope(x, base=10000.0):
    t, d = x.shape[-2:]
    angle = torch.outer(torch.arange(t).double(), base ** (-2 * torch.arange(d // 2) / d))
    c, s = torch.cat([angle.cos()] * 2, -1), torch.cat([angle.sin()] * 2, -1)
    turned = torch.cat([-x[..., d // 2:], x[..., :d // 2]], -1)  # rotate_half
    return x * c + turned * s


def attention():
    p, x = Parameters(), given(100, 2, 4, 6)
    qkv, out = p.linear(18, 6), p.linear(6, 6)
    q, k, v = (heads(z, 2) for z in qkv(x).split(6, -1))
    y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    case("attention_values", out(y.transpose(1, 2).flatten(-2)), [x], p)

    p, x, memory = Parameters(), given(100, 2, 3, 6), given(101, 2, 5, 4)
    q, kv, out = p.linear(6, 6), p.linear(12, 4), p.linear(6, 6)
    k, v = (heads(z, 3) for z in kv(memory).split(6, -1))
    y = F.scaled_dot_product_attention(heads(q(x), 3), k, v)
    case("cross_attention_values", out(y.transpose(1, 2).flatten(-2)), [x, memory], p)

    x = given(100, 1, 2, 4, 6)
    case("rope_values", rope(x), [x], Parameters())


def householder(x, theta):
    a, b = x.chunk(2, -1)
    front = a * torch.sin(theta / 2) - b * torch.cos(theta / 2) > 0
    return torch.cat([torch.where(front, a, a * theta.cos() + b * theta.sin()),
                      torch.where(front, b, a * theta.sin() - b * theta.cos())], -1)


def activations():
    table = {
        "identity": lambda x: x + 0, "relu": F.relu, "leaky_relu": F.leaky_relu, "gelu": F.gelu,
        "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"), "silu": F.silu, "tanh": torch.tanh,
        "sigmoid": torch.sigmoid, "softplus": F.softplus, "sin": torch.sin, "square_relu": lambda x: F.relu(x) ** 2,
        "maxmin": lambda x: torch.cat([torch.maximum(*x.chunk(2, -1)), torch.minimum(*x.chunk(2, -1))], -1),
        "groupsort": lambda x: x.unflatten(-1, (-1, 2)).sort(-1).values.flatten(-2),
        "fullsort": lambda x: x.sort(-1).values}
    for name, function in table.items():
        x = given(100, 3, 6)
        case(f"activation_{name}", function(x), [x], Parameters())
    p, x = Parameters(), given(100, 3, 6)
    case("activation_householder", householder(x, p.new(3)), [x], p)


def losses():
    target = torch.tensor([2, -100, 0, 3])
    for name, smoothing in (("cross_entropy_values", 0.0), ("smoothed_values", 0.1)):
        x = given(100, 4, 5)
        loss = F.cross_entropy(x, target, label_smoothing=smoothing)
        loss.backward()
        emit(name, [loss, x.grad])
    for name, function in (("mse", F.mse_loss), ("l1", F.l1_loss), ("huber", lambda x, y: F.huber_loss(x, y, delta=0.4)),
                           ("bce", F.binary_cross_entropy_with_logits)):
        x = given(100, 4, 3)
        loss = function(x, pattern(101, 4, 3))
        loss.backward()
        emit(f"{name}_values", [loss, x.grad])


def gpt():
    """Two pre-norm blocks of width 8, 2 heads, 5 positions, 7 tokens; the head is the embedding."""
    p = Parameters()
    table, place = p.new(7, 8), p.new(5, 8)
    tokens = torch.tensor([[0, 3, 6, 1, 2], [5, 5, 4, 0, 3], [1, 2, 3, 4, 5]])
    target = torch.tensor([[3, 6, 1, 2, -100], [5, 4, 0, 3, 1], [-100, 3, 4, 5, 6]])
    h = table[tokens] + place
    for _ in range(2):
        norm = (p.new(8), p.new(8))
        qkv, out = p.linear(24, 8), p.linear(8, 8)
        q, k, v = (heads(z, 2) for z in qkv(F.layer_norm(h, (8,), *norm)).split(8, -1))
        mask = torch.full((5, 5), -math.inf).triu(1)
        y = torch.softmax(q @ k.transpose(-1, -2) / 2.0 + mask, -1) @ v
        h = h + out(y.transpose(1, 2).flatten(-2))
        norm = (p.new(8), p.new(8))
        up, down = p.linear(32, 8), p.linear(8, 32)
        h = h + down(F.gelu(up(F.layer_norm(h, (8,), *norm))))
    logits = F.linear(F.layer_norm(h, (8,), p.new(8), p.new(8)), table)
    loss = F.cross_entropy(logits.reshape(-1, 7), target.reshape(-1))
    loss.backward()
    emit("gpt_values", [loss, logits] + [q.grad for q in p.list])


def convnet():
    """Two stages of one block, 2 and 4 channels, on 1 x 6 x 5 images, 3 classes."""
    p, later = Parameters(), []

    def conv(x, out, kernel, stride):
        w = p.new(out, x.shape[1], kernel, kernel)
        scale, shift, mean, var = p.new(out), p.new(out), p.buffer(out), p.buffer(out, shift=1.0)
        y = F.batch_norm(F.conv2d(x, w, None, stride, kernel // 2), mean, var, scale, shift, True, 0.1, 1e-5)
        later.extend([mean, var])
        return y

    h = F.relu(conv(pattern(100, 3, 1, 6, 5), 2, 3, 1))
    h = F.relu(h + conv(F.relu(conv(h, 2, 3, 1)), 2, 3, 1))
    inner = conv(F.relu(conv(h, 4, 3, 2)), 4, 3, 1)
    h = F.relu(conv(h, 4, 1, 2) + inner)
    logits = p.linear(3, 4)(h.mean((2, 3)))
    loss = F.cross_entropy(logits, torch.tensor([2, 0, 1]))
    loss.backward()
    emit("convnet_values", [loss, logits] + [q.grad for q in p.list if q.requires_grad] + later)


print("/* Made by make_nn.py; do not edit. */\n#ifndef NRM_NN_VALUES_H\n#define NRM_NN_VALUES_H\n#include <stdint.h>\n")
print("""/* The parameters and inputs: pattern(k, ...) of make_nn.py. */
static inline double pattern(int64_t k, int64_t i)
{
    return (double)((i * 37 + k * 61 + i / 7 * 11) % 97 - 48) / 64;
}
""")
norms()
attention()
activations()
losses()
gpt()
convnet()
print("#endif")
