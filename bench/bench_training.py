"""Whole training steps beside PyTorch: the works of `norma bench training`, built the same in torch.

Eager PyTorch uses scaled_dot_product_attention and fused optimizers; the derivatives of the physics loss are three
nested torch.autograd.grad calls.  Norma runs as its command, for a round at a time, in turn with the others.
"""
import json
import os
import pathlib
import statistics
import subprocess
import time

from harness import THREADS, Report

COMMAND = os.environ.get("NORMA_COMMAND") or str(pathlib.Path(os.environ["NORMA_LIBRARY"]).with_name("norma"))
STARTUP_BAR = 0.2  # seconds to the end of the first step


def norma(case):
    """Seconds a step, from one round of the command."""
    def run():
        done = subprocess.run([COMMAND, "bench", "training", "--case", case, "--rounds", "1", "--threads", str(THREADS), "--json"],
                              check=True, capture_output=True, text=True)
        rows = json.loads(done.stdout)["benches"][0]["measures"]
        return next(r["median"] for r in rows if r["size"] == "ms") / 1e3
    return run


def timed(step, least):
    """Seconds a step, from one round of at least so many seconds."""
    def run():
        runs, start = 0, time.perf_counter()
        while True:
            step()
            runs += 1
            passed = time.perf_counter() - start
            if passed >= least:
                return passed / runs
    return run


# ---- The networks, as src/nn/model_*.c describes them -----------------------------------------


def gpt(torch, layers, width, heads, context, vocabulary=256):
    nn, functional = torch.nn, torch.nn.functional

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.projection = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def forward(self, h):
            batch, length, _ = h.shape
            q, k, v = self.qkv(self.norm1(h)).view(batch, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
            y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            h = h + self.projection(y.transpose(1, 2).reshape(batch, length, width))
            return h + self.down(functional.gelu(self.up(self.norm2(h))))

    class Gpt(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(vocabulary, width)
            self.position = nn.Parameter(0.02 * torch.randn(context, width))
            self.blocks = nn.ModuleList(Block() for _ in range(layers))
            self.norm = nn.LayerNorm(width)
            for p in self.parameters():
                if p.ndim == 2:
                    nn.init.normal_(p, std=0.02)

        def forward(self, x, y):
            h = self.embedding(x) + self.position
            for block in self.blocks:
                h = block(h)
            logits = functional.linear(self.norm(h), self.embedding.weight)
            return functional.cross_entropy(logits.view(-1, vocabulary), y.view(-1))

    return Gpt()


def convnet(torch, channels=(16, 32, 64), classes=10):
    nn, functional = torch.nn, torch.nn.functional

    def convolution(inputs, outputs, kernel, stride):
        return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs))

    class Block(nn.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.first, self.second = convolution(inputs, outputs, 3, stride), convolution(outputs, outputs, 3, 1)
            self.shortcut = convolution(inputs, outputs, 1, stride) if stride != 1 or inputs != outputs else nn.Identity()

        def forward(self, x):
            return functional.relu(self.shortcut(x) + self.second(functional.relu(self.first(x))))

    class Convnet(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = convolution(1, channels[0], 3, 1)
            before = (channels[0], *channels)
            self.stages = nn.Sequential(*(Block(before[s], c, 2 if s else 1) for s, c in enumerate(channels)))
            self.head = nn.Linear(channels[-1], classes)

        def forward(self, x, y):
            x = self.stages(functional.relu(self.stem(x)))
            return functional.cross_entropy(self.head(x.mean((2, 3))), y)

    return Convnet()


# ---- Steps ---------------------------------------------------------------------------------------


def training_step(loss_of, optimizer, *batch):
    def step():
        loss_of(*batch).backward()
        optimizer.step()
        optimizer.zero_grad()
    return step


def gpt_steps(torch, layers, width, heads, context, batch, compiled):
    """The eager step and, where asked for and possible, the compiled one."""
    x, y = (torch.randint(256, (batch, context)) for _ in range(2))
    found = []
    for name in ("torch eager", "torch.compile") if compiled else ("torch eager",):
        model = gpt(torch, layers, width, heads, context)
        loss_of = model if name == "torch eager" else torch.compile(model)
        step = training_step(loss_of, torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True), x, y)
        try:
            step()
            found.append((name, step))
        except Exception as reason:  # torch.compile needs a C++ compiler
            print(f"  ({name} does not work here: {str(reason).splitlines()[0]})")
    return found


def convnet_steps(torch, batch):
    model = convnet(torch)
    x, y = torch.randn(batch, 1, 28, 28), torch.randint(10, (batch,))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, fused=True)
    return [("torch eager", training_step(model, optimizer, x, y))]


def burgers_steps(torch, points, pieces):
    """The whole at once, and in pieces whose gradients are added, as the two of Norma."""
    nn, grad = torch.nn, torch.autograd.grad
    widths = (2, 50, 50, 50, 50)
    layers = [layer for a, b in zip(widths, widths[1:]) for layer in (nn.Linear(a, b), nn.Tanh())]
    model = nn.Sequential(*layers, nn.Linear(50, 1)).double()
    parameters = list(model.parameters())
    data = torch.randn(points, 2, dtype=torch.float64)

    def gradient(z):
        u = model(z)
        du = grad(u.sum(), z, create_graph=True)[0]
        u_t, u_x = du[:, :1], du[:, 1:]
        u_xx = grad(u_x.sum(), z, create_graph=True)[0][:, 1:]
        return grad((u_t + u * u_x - 0.01 * u_xx).square().mean(), parameters)

    def step(parts):
        def run():
            whole = None
            for z in parts:
                found = gradient(z)
                whole = found if whole is None else [a.add_(b) for a, b in zip(whole, found)]
            return [g / len(parts) for g in whole] if len(parts) > 1 else whole
        return run

    return [("torch eager, nested grad", step([data.clone().requires_grad_()])),
            (f"the same, {pieces} pieces", step([z.clone().requires_grad_() for z in data.chunk(pieces)]))]


# ---- Start-up ------------------------------------------------------------------------------------------


def first_step():
    """Seconds from the call to the end of the first step, and of the whole process."""
    start = time.perf_counter()
    done = subprocess.run([COMMAND, "train", "--steps", "1", "--json", "--quiet", "--threads", str(THREADS)], check=True,
                          capture_output=True, text=True)
    whole = time.perf_counter() - start
    return json.loads(done.stdout)["info"]["first_step"], whole


def startup(report, rounds):
    pairs = [first_step() for _ in range(rounds)]
    times = {"norma train, to the first step": [p[0] for p in pairs], "the whole process": [p[1] for p in pairs]}
    middle = statistics.median(times["norma train, to the first step"])
    report.case("start-up, default text and network", times, "norma train, to the first step",
                bar=f"{STARTUP_BAR} s: {'met' if middle < STARTUP_BAR else 'missed'}")


def beside(report, title, ours, steps, bars, rounds, least):
    """Time the cases `ours` {shown: name} and torch's steps in turn; bars: (ours, theirs, least ratio)."""
    contenders = [(shown, norma(case)) for shown, case in ours.items()] + [(name, timed(step, least)) for name, step in steps]
    for _, step in steps:
        step()
    times = {name: [] for name, _ in contenders}
    for turn in range(rounds):
        shift = turn % len(contenders)
        for name, run in contenders[shift:] + contenders[:shift]:
            times[name].append(run())
    facts = {}
    for mine, theirs, bar in bars:
        if theirs in times:
            ratio = statistics.median(times[theirs]) / statistics.median(times[mine])
            facts[f"{mine} beside {theirs}"] = f"{ratio:.2f} x, the bar is {bar}: {'met' if ratio >= bar else 'missed'}"
    report.case(title, times, next(iter(ours)), **facts)


def main(quick):
    import torch
    torch.set_num_threads(THREADS)
    torch.manual_seed(3)
    report = Report("training", "ms", 1e3)
    rounds, least = (3, 0.1) if quick else (7, 0.3)
    beside(report, "GPT-like, 4 layers, width 128, 4 heads, context 64, batch 12, f32, AdamW", {"norma": "gpt-small"},
           gpt_steps(torch, 4, 128, 4, 64, 12, True), [("norma", "torch eager", 1.5), ("norma", "torch.compile", 1.0)], rounds, least)
    beside(report, "GPT-like, 6 layers, width 384, 6 heads, context 256, batch 8, f32, AdamW", {"norma": "gpt-medium"},
           gpt_steps(torch, 6, 384, 6, 256, 8, False), [("norma", "torch eager", 1.15)], rounds, least)
    pieces = 25
    beside(report, "MLP 2-50-50-50-50-1 tanh, f64, Burgers residual in 10 000 points, gradient",
           {"norma": "burgers-mlp", f"norma, {pieces} pieces": "burgers-pieces"}, burgers_steps(torch, 10000, pieces),
           [("norma", "torch eager, nested grad", 3.0), (f"norma, {pieces} pieces", "torch eager, nested grad", 3.0)], rounds, least)
    beside(report, "residual network 16-32-64 on 28 x 28, batch 128, f32, SGD with momentum", {"norma": "convnet"},
           convnet_steps(torch, 128), [("norma", "torch eager", 0.8)], rounds, least)
    startup(report, rounds)
    report.write()
