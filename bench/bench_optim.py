"""Optimizer steps beside torch.optim, f32, on the same weights and gradients.

AdamW against AdamW(fused=True), SGD against SGD(fused=True), Muon against torch.optim.Muon,
which orthogonalises in bfloat16 (small shapes: slow where the CPU lacks it), and against the same with that one function in float32.
What torch.optim lacks: NorMuon against Muon, AuON and Lion against their formulas in torch, a
step of DCT-AdamW against the SVD that its choice of columns stands in for.
"""
import ctypes as c
import os
import statistics

import numpy as np
from harness import THREADS, Report, interleave


class Tensor(c.Structure):
    _fields_ = [("name", c.c_char_p), ("dtype", c.c_int), ("ndim", c.c_int), ("shape", c.POINTER(c.c_int64)),
                ("flags", c.c_uint), ("group", c.c_int), ("split_count", c.c_int), ("split", c.c_void_p)]


class Group(c.Structure):
    _fields_ = [("kind", c.c_int), ("options", c.c_void_p)]


class Norma:
    """One optimizer over copies of the arrays; step() is one call into the library."""

    def __init__(self, kind, arrays, gradients, **options):
        self.library = library = c.CDLL(os.environ["NORMA_LIBRARY"])
        library.nrm_optimizer_step_clipped.argtypes = [c.c_void_p] * 4 + [c.c_double, c.c_double, c.c_void_p]
        library.nrm_optimizer_step.argtypes = [c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p, c.c_double]
        self.context, self.optimizer = c.c_void_p(), c.c_void_p()
        self.check(library.nrm_ctx_create(c.byref(self.context), None))
        self.check(library.nrm_set_threads(self.context, THREADS))
        kind = self.kind(kind)
        words = (c.c_byte * 1024)()
        self.check(library.nrm_optimizer_options_init(self.context, kind, words))
        for name, value in options.items():
            self.check(library.nrm_optimizer_options_set(self.context, kind, words, name.encode(), str(value).encode()))
        self.arrays, self.gradients = [a.copy() for a in arrays], gradients
        count = len(arrays)
        tensors = (Tensor * count)()
        for i, a in enumerate(arrays):
            tensors[i] = Tensor(f"w{i}".encode(), 0, a.ndim, (c.c_int64 * a.ndim)(*a.shape), 0, 0, 0, None)
        self.check(library.nrm_optimizer_create(self.context, c.byref(self.optimizer), 1,
                                                c.byref(Group(kind, c.addressof(words))), c.c_int64(count), tensors))
        self.parameters = (c.c_void_p * count)(*[a.ctypes.data for a in self.arrays])
        self.pointers = (c.c_void_p * count)(*[g.ctypes.data for g in gradients])

    def kind(self, name):
        found = c.c_int()
        self.check(self.library.nrm_optimizer_kind_find(self.context, name.encode(), c.byref(found)))
        return found.value

    def check(self, status):
        if status < 0:
            self.library.nrm_message.restype = c.c_char_p
            raise RuntimeError(self.library.nrm_message(self.context).decode())

    def step(self):
        self.check(self.library.nrm_optimizer_step(self.context, self.optimizer, self.parameters, self.pointers, 1.0))

    def clipped_step(self):
        self.check(self.library.nrm_optimizer_step_clipped(self.context, self.optimizer, self.parameters, self.pointers, 1.0,
                                                           1.0, None))


def torch_step(make, arrays, gradients):
    import torch
    parameters = [torch.tensor(a).requires_grad_() for a in arrays]
    for p, g in zip(parameters, gradients):
        p.grad = torch.tensor(g)
    optimizer = make(parameters)
    return optimizer.step, parameters


def in_float32(step):
    """torch's Newton-Schulz with the conversion to bfloat16 left out."""
    from torch.optim import _muon

    def newton_schulz(grad, coefficients, steps, eps):
        import torch
        a, b, d = coefficients
        x = grad.clone()
        if grad.size(0) > grad.size(1):
            x = x.T
        x.div_(x.norm().clamp(min=eps))
        for _ in range(steps):
            gram = x @ x.T
            x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=d), x, beta=a)
        return x.T if grad.size(0) > grad.size(1) else x

    def run():
        kept = _muon._zeropower_via_newtonschulz
        _muon._zeropower_via_newtonschulz = newton_schulz
        try:
            step()
        finally:
            _muon._zeropower_via_newtonschulz = kept
    return run


def tensors(shapes):
    rng = np.random.default_rng(18)
    arrays = [rng.normal(size=s).astype(np.float32) for s in shapes]
    return arrays, [(0.1 * rng.normal(size=s)).astype(np.float32) for s in shapes]


def case(report, title, kind, make, shapes, rounds, extra=None, **options):
    arrays, gradients = tensors(shapes)
    ours = Norma(kind, arrays, gradients, **options)
    theirs, parameters = torch_step(make, arrays, gradients)
    found = [("norma", ours.step)]
    # Without bfloat16 instructions torch's product of two 512 x 512 matrices takes seconds.
    if not extra or max(max(s) for s in shapes) <= 128:
        found.append(("torch.optim", theirs))
    if extra:
        step, parameters = torch_step(make, arrays, gradients)
        found.append(("torch.optim in float32", extra(step)))
    ours.step()
    found[-1][1]()
    apart = max(float(np.abs(a - p.detach().numpy()).max()) for a, p in zip(ours.arrays, parameters))
    report.case(title, interleave(found, rounds=rounds, least=0.1), "norma", largest_difference_after_a_step=f"{apart:.2g}")


def clipped(report, title, shapes, rounds):
    import torch
    arrays, gradients = tensors(shapes)
    ours = Norma("adamw", arrays, gradients)
    step, parameters = torch_step(lambda p: torch.optim.AdamW(p, fused=True), arrays, gradients)

    def theirs():
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        step()
    report.case(f"AdamW with gradients clipped, {title}",
                interleave([("norma", ours.clipped_step), ("torch clip_grad_norm_ and step", theirs)], rounds=rounds, least=0.1),
                "norma")


def normuon(report, rounds):
    """What the row sizes cost on top of Muon."""
    for m, n in ((512, 512), (512, 2048), (1024, 4096)):
        arrays, gradients = tensors([(m, n)])
        report.case(f"NorMuon over Muon, {m} x {n}",
                    interleave([("norma muon", Norma("muon", arrays, gradients).step),
                                ("norma normuon", Norma("normuon", arrays, gradients).step)], rounds=rounds, least=0.2), "norma muon")


def formula(arrays, gradients, update):
    """update(weights, gradient, memory) for every tensor, in torch."""
    import torch
    rows = [(torch.tensor(a), torch.tensor(g), torch.zeros(a.shape)) for a, g in zip(arrays, gradients)]

    def step():
        for row in rows:
            update(*row)
    return step, rows


def auon(report, shapes, rounds):
    """Beside its formula, and beside memory: 28 bytes a parameter at the speed of sums in place."""
    import torch
    arrays, gradients = tensors(shapes)
    count = sum(a.size for a in arrays)

    def update(w, g, m):
        m.mul_(0.95).add_(g, alpha=0.05)
        x = m / (m.norm() + 1e-7)
        w.sub_(0.02 * x / (torch.cosh(x).square().mean().sqrt() + 1e-8))
    step, rows = formula(arrays, gradients, update)

    def sums():
        for w, g, m in rows:
            m.add_(g)
            w.add_(m)
    times = interleave([("norma", Norma("auon", arrays, gradients).step), ("formula in torch", step),
                        ("two sums in place (24 bytes)", sums)], rounds=rounds, least=0.2)
    ours, memory = statistics.median(times["norma"]), statistics.median(times["two sums in place (24 bytes)"])
    report.case(f"AuON, {count / 1e6:g} M", times, "norma", gigabytes_per_second=f"{28e-9 * count / ours:.1f}",
                of_the_speed_of_sums=f"{28 / 24 * memory / ours:.2f}")


def lion(report, shapes, rounds):
    arrays, gradients = tensors(shapes)

    def update(w, g, m):
        w.sub_(1e-4 * (0.9 * m + 0.1 * g).sign_())
        m.mul_(0.99).add_(g, alpha=0.01)
    step, rows = formula(arrays, gradients, update)
    ours = Norma("lion", arrays, gradients)
    ours.step()
    step()
    apart = max(float(np.abs(a - row[0].numpy()).max()) for a, row in zip(ours.arrays, rows))
    report.case("Lion, 10 M", interleave([("norma", ours.step), ("formula in torch", step)], rounds=rounds, least=0.2), "norma",
                largest_difference_after_a_step=f"{apart:.2g}")


def dct(report, rounds):
    """A projection that measures what it leaves, and a whole step that chooses its columns anew, each against
    LAPACK's singular vectors alone (gesdd)."""
    from scipy.linalg import svd
    arrays, gradients = tensors([(1024, 4096)])
    ours = Norma("dct-adamw", arrays, gradients, rank=128)
    a, index, low = gradients[0], np.empty(128, np.int64), np.empty((128, 4096), np.float32)

    def project():
        sizes = c.c_int64(1024), c.c_int64(4096)
        ours.check(ours.library.nrm_select_columns_f32(ours.context, *sizes, c.c_void_p(a.ctypes.data), sizes[1],
                                                       c.c_void_p(index.ctypes.data), c.c_void_p(low.ctypes.data),
                                                       None, None, None, None))  # rank 128 is usual here
    theirs = "SVD of the gradient (LAPACK)"
    times = interleave([("select-columns", project), ("dct-adamw", ours.step),
                        (theirs, lambda: svd(a, full_matrices=False))], rounds=rounds, least=0.2)
    for name, title in (("select-columns", "DCT projection of a 1024 x 4096 gradient, rank 128"),
                        ("dct-adamw", "DCT-AdamW step, rank 128, 1024 x 4096")):
        report.case(title, {f"norma {name}": times[name], theirs: times[theirs]}, f"norma {name}")


def known(kind):
    library, found = c.CDLL(os.environ["NORMA_LIBRARY"]), c.c_int()
    if library.nrm_optimizer_kind_find(None, kind.encode(), c.byref(found)) >= 0:
        return True
    print(f"  left out: this library has no optimizer called {kind}")
    return False


def main(quick):
    import torch
    torch.set_num_threads(THREADS)
    report = Report("optim", "ms", 1e3)
    rounds = 5 if quick else 15
    small = [(64, 64)] * 30 + [(257,)] * 30
    for title, shapes in (("1 M", [(1000, 1000)]), ("10 M", [(2500, 1000)] * 4), ("60 small tensors", small)):
        case(report, f"AdamW, {title}", "adamw", lambda p: torch.optim.AdamW(p, fused=True), shapes, rounds)
        case(report, f"SGD, momentum, {title}", "sgd", lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, fused=True), shapes,
             rounds, momentum=0.9)
    clipped(report, "10 M", [(2500, 1000)] * 4, rounds)
    matrices = [(f"{m} x {n}", [(m, n)]) for m, n in ((128, 128), (512, 512), (512, 2048), (2048, 512), (1024, 4096))]
    block = [(384, 128), (128, 128), (512, 128), (128, 512)]
    for title, shapes in matrices + [("64 of 64 x 64", [(64, 64)] * 64), ("4 blocks of a GPT of width 128", block * 4)]:
        case(report, f"Muon, {title}", "muon", lambda p: torch.optim.Muon(p, lr=0.02, weight_decay=0.0), shapes,
             3 if quick else 5, in_float32)
    if known("normuon"):
        normuon(report, 5 if quick else 9)
    if known("auon"):
        auon(report, [(2500, 1000)] * 4, rounds)
    if known("lion"):
        lion(report, [(2500, 1000)] * 4, rounds)
    if known("dct-adamw"):
        dct(report, 3)
    report.write()
