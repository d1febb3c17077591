"""Optimizers for PyTorch: a torch.optim.Optimizer for every kind that the library has.

>>> import torch
>>> import norma.torch
>>> layer = torch.nn.Linear(4, 3)
>>> optimizer = norma.torch.for_model(layer, "normuon")
>>> layer(torch.ones(2, 4)).sum().backward()
>>> optimizer.step()

Parameters are on the CPU.  float32 and float64 that lie row by row are updated where they are;
others through a copy, bfloat16 and float16 in float32 with state in float32.
"""

from itertools import chain

import numpy as np
import torch

from . import _arrays, _optimizer
from ._errors import NormaUnsupportedError, NormaValueError, Status
from ._optimizer import KINDS, Driver, Entry, find_kind, library_name, refuse_argument

try:
    from torch.autograd.graph import increment_version
except ImportError:  # an older PyTorch does not hear of the change

    def increment_version(tensors):
        pass


_DIRECT = {torch.float32: np.dtype(np.float32), torch.float64: np.dtype(np.float64)}
_NARROW = (torch.bfloat16, torch.float16)
#: what PyTorch calls state, and the library
_TRANSLATED = {"exp_avg": "m", "exp_avg_sq": "v", "momentum_buffer": "m"}


def kinds():
    """{name of the class: the kind's name, for groups and for_model}."""
    return {kind.class_name: kind.name for kind in KINDS.values()}


class _Tensor:
    """A parameter, how its values reach the library, and the copies for those that do not lie
    as it needs them."""

    __slots__ = ("p", "dtype", "address", "shape", "direct", "work", "gradient", "version")

    def __init__(self, p, dtype):
        self.p, self.dtype, self.shape = p, dtype, p.shape
        self.address, self.direct = -1, False
        self.work = self.gradient = None
        self.version = -1  # of p, when `work` was last what it holds


class _Kept:
    """A parameter's state that load_state_dict of PyTorch passes on as it is."""

    def __init__(self, state):
        self.state = state


class Optimizer(torch.optim.Optimizer):
    """What all classes share; it is a torch.optim.Optimizer in every respect.

    A group may have "kind", another kind of optimizer for its parameters, and "split", the
    heights of row blocks that are matrices of their own (a fused query, key and value)."""

    kind = None

    def __init__(self, params, lr=None, *, threads=0, master_weights=False, **options):
        kind = KINDS[self.kind]
        self._settings = {"threads": threads, "master_weights": master_weights}
        self._driver, self._entries = Driver(threads), []
        defaults = kind.fill({**options, **({} if lr is None else {"lr": lr})})
        for name in defaults:
            if name not in kind.parameters and name not in ("split", "betas"):
                kind.refuse(name)
        super().__init__(params, defaults)

    # ---- Groups --------------------------------------------------------------------

    def _filled(self, group):
        """A group with all options of its kind, and none of another's."""
        return find_kind(group.get("kind", self.kind)).group(group, self)

    def add_param_group(self, param_group):
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        filled = self._filled(param_group)
        if not isinstance(filled["params"], (torch.Tensor, set)):
            params = list(filled["params"])
            if params and all(isinstance(p, tuple) for p in params):  # named: older PyTorches do not know
                filled["param_names"], params = map(list, zip(*params))
            filled["params"] = params
        super().add_param_group(dict(filled))
        group = self.param_groups[-1]
        for name in set(self.defaults) - set(filled):  # options of this class, not of the group's kind
            group.pop(name, None)
        try:
            self._register(group, len(self.param_groups) - 1)
        except BaseException:
            self.param_groups.pop()
            raise

    def _register(self, group, number):
        entries, taken = [], {e.name for e in self._entries}
        counted = [f"group{number}[{i}]" for i in range(len(group["params"]))]
        for name, other, p in zip(group.get("param_names") or counted, counted, group["params"]):
            name = other if name in taken else name
            taken.add(name)
            dtype = _check(name, p)
            code = _arrays.CODES[_DIRECT[dtype]]
            entries.append(Entry(name, code, p.shape, number, group.get("split"), _Tensor(p, dtype)))
        self._driver.add_group(find_kind(group["kind"]), group, entries)
        self._entries += entries

    # ---- The step --------------------------------------------------------------------

    @torch.no_grad()
    def step(self, closure=None):
        """One step of all parameters that have a gradient; what `closure` gives back."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        master = self._settings["master_weights"]
        ready, changed, back = [], [], []
        for e in self._entries:
            t = e.more
            p = t.p
            g = p.grad
            if g is None:
                continue
            if p.data_ptr() != t.address or p.shape != t.shape or p.is_contiguous() is not t.direct:
                _locate(e)
            if t.work is None:
                e.parameter = t.address
            else:
                if not master or t.version != p._version:
                    t.work.copy_(p)
                    t.version = p._version
                back.append(t)
            if g.dtype is t.dtype and g.layout is torch.strided and g.is_contiguous() and not g.is_neg():
                e.gradient = g.data_ptr()
            else:
                _gather(e, g)
            ready.append(e)
            changed.append(p)
        try:
            self._driver.step(self.param_groups, ready, 4)
        finally:
            self._show_state()
        increment_version(changed)
        for t in back:
            t.p.copy_(t.work)
            t.version = t.p._version
        return loss

    def _show_state(self):
        """state[p] are views of the library's memory."""
        moved, self._driver.moved = self._driver.moved, []
        for e in moved:
            state = {key: torch.from_numpy(view) for key, view in e.state.items()}
            if self._settings["master_weights"] and e.more.p.dtype in _NARROW:
                state["master"] = _master(e)
            self.state[e.more.p] = state

    # ---- State -------------------------------------------------------------------------

    def load_state_dict(self, state_dict):
        """Go on from the state_dict of an optimizer over such parameters, also one of
        torch.optim.SGD, AdamW or Muon."""
        before = dict(self.__dict__)
        kept = {key: _Kept(state) if isinstance(state, dict) else state for key, state in state_dict["state"].items()}
        try:
            super().load_state_dict({**state_dict, "state": kept})
        except BaseException:
            self.__dict__.update(before)
            raise

    def __getstate__(self):
        return {**super().__getstate__(), "_settings": self._settings}

    def __setstate__(self, state):
        super().__setstate__(state)
        kind = KINDS[self.kind]
        known = {*kind.parameters, "split", "betas"}
        self.defaults = kind.fill({name: value for name, value in self.defaults.items() if name in known})
        for group in self.param_groups:
            group.update(self._filled(group))
        self._driver, self._entries = Driver(self._settings["threads"]), []
        for number, group in enumerate(self.param_groups):
            self._register(group, number)
        teams = {}
        for e in self._entries:
            own = self.state.get(e.more.p)
            own = own.state if isinstance(own, _Kept) else own
            if own:
                arrays, step = self._read(e, own)
                teams.setdefault(step, []).append((e, arrays))
            self.state.pop(e.more.p, None)
        for step, members in teams.items():
            arrays = {"optimizer.step": np.array(step, np.int64)}
            arrays.update(chain.from_iterable(found.items() for _, found in members))
            self._driver.restore([e for e, _ in members], arrays)
        self._show_state()

    def _read(self, e, state):
        """A parameter's state as {the library's name: array}, and its number of steps."""
        kind = KINDS[self.param_groups[e.group]["kind"]]
        arrays = {}
        for key, value in state.items():
            if key == "master":
                if e.more.p.dtype in _NARROW and torch.equal(value.to(e.more.p.dtype), e.more.p.detach()):
                    _master(e).copy_(value)
            elif key != "step" and isinstance(value, torch.Tensor):
                if value.is_floating_point():
                    value = value.to(e.more.dtype)
                name = library_name(kind, e, _TRANSLATED.get(key, key))
                arrays[name] = value.detach().contiguous().numpy()
        return arrays, int(state.get("step", 0))


def _check(name, p):
    """The type in which a parameter is computed."""
    fault = None
    if p.device.type != "cpu":
        fault = f"is on {p.device}; Norma computes on the CPU: move the model with .to('cpu')"
    elif p.layout is not torch.strided or type(p.data) is not torch.Tensor:
        fault = f"is a {type(p.data).__name__} of layout {p.layout}; it must be a dense tensor of its own"
    if fault:
        raise NormaUnsupportedError(Status.UNSUPPORTED, f"norma.torch: '{name}' {fault}")
    if p.dtype not in _DIRECT and p.dtype not in _NARROW:
        raise NormaValueError(
            Status.BAD_DTYPE,
            f"norma.torch: '{name}' is of type {p.dtype}; it must be float32, float64, bfloat16 or float16",
        )
    return p.dtype if p.dtype in _DIRECT else torch.float32


def _locate(e):
    """Look anew at where a parameter lies."""
    t = e.more
    p = t.p
    if p.shape != t.shape or _check(e.name, p) is not t.dtype:
        raise NormaValueError(
            Status.BAD_SHAPE,
            f"norma.torch: '{e.name}' was {tuple(t.shape)} of {t.dtype} and is {tuple(p.shape)} of {p.dtype} now; "
            "it must stay as it was: make a new optimizer",
        )
    t.address, t.direct = p.data_ptr(), p.is_contiguous()
    if p.dtype is t.dtype and t.direct and not p.is_neg():
        t.work = None
    elif t.work is None:
        t.work = torch.empty(p.shape, dtype=t.dtype)
        t.version = -1
    if t.work is not None:
        e.parameter = t.work.data_ptr()


def _master(e):
    """The float32 values of a parameter of a narrow type."""
    t = e.more
    if t.work is None:
        _locate(e)
    if t.version != t.p._version:
        t.work.copy_(t.p.detach())
        t.version = t.p._version
    return t.work


def _gather(e, g):
    """A gradient that does not lie as it must, into a copy that does."""
    t = e.more
    if g.layout is not torch.strided:
        raise NormaUnsupportedError(
            Status.UNSUPPORTED,
            f"norma.torch: the gradient of '{e.name}' is of layout {g.layout}; it must be dense: "
            "make the embedding with sparse=False",
        )
    if t.gradient is None:
        t.gradient = torch.empty(t.shape, dtype=t.dtype)
    t.gradient.copy_(g)
    e.gradient = t.gradient.data_ptr()


# ---- Whole models --------------------------------------------------------------------------

_EMBEDDINGS = (torch.nn.Embedding, torch.nn.EmbeddingBag)


def _is_matrix(p):
    """As nrm_optimizer_route sees it: 2 to 4 axes, at least 2 x 2."""
    return 2 <= p.dim() <= 4 and p.shape[0] >= 2 and p.numel() >= 2 * p.shape[0]


def _outside(model):
    """The ids of embeddings and of the head: the last linear layer, and what is tied to them."""
    modules = list(model.modules())
    tables = [m.weight for m in modules if isinstance(m, _EMBEDDINGS)]
    linear = [m for m in modules if isinstance(m, torch.nn.Linear)]
    head = linear[-1:] if len(linear) > 1 else []
    named = [p for name, p in model.named_parameters() if "embed" in name.rpartition(".")[2]]
    return {id(p) for p in [*tables, *named, *(m.weight for m in head)]}


def split_params(model, heads=None):
    """Hidden matrices, and everything else: two lists of parameters.

    The first has the parameters of 2 to 4 axes but embeddings (modules, and parameters whose
    name says so) and the head: the last linear layer, where there is more than one.  `heads`
    names the modules that are heads instead: ("lm_head",); () where there is none."""
    outside = _outside(model)
    if heads is not None:
        linear = [m for m in model.modules() if isinstance(m, torch.nn.Linear)]
        tables = {id(m.weight) for m in model.modules() if isinstance(m, _EMBEDDINGS)}
        outside -= {id(m.weight) for m in linear[-1:]} - tables
        outside |= {id(p) for name in heads for p in model.get_submodule(name).parameters()}
    matrices, rest = [], []
    for p in model.parameters():
        (matrices if _is_matrix(p) and id(p) not in outside else rest).append(p)
    return matrices, rest


def for_model(
    model, kind, *, lr=None, matrix_lr=None, weight_decay=None, other="adamw", other_options=None, heads=None, **options
):
    """An optimizer of a whole model: `kind` on the hidden matrices, `other` on the rest.

    Parameters
    ----------
    model : torch.nn.Module
    kind : str
        Of the hidden matrices (see split_params): "normuon".  One that does not work on matrices
        takes all parameters.
    lr, matrix_lr : float, optional
        Of `other` and of `kind`; None is their own default.
    weight_decay : float, optional
        Of both.  Parameters with fewer than two axes have none.
    other : str, default "adamw"
    other_options : dict, optional
        Options of `other`.
    heads : sequence of str, optional
        Names of the modules that are heads; the last linear layer where it is left out.
    **options
        Of `kind`; also threads and master_weights.

    The fused weight of torch.nn.MultiheadAttention counts as three matrices.
    """
    kind, other = find_kind(kind), find_kind(other)
    names = {id(p): name for name, p in model.named_parameters()}
    matrices, rest = split_params(model, heads) if kind.matrices else ([], list(model.parameters()))
    rest_kind = other if kind.matrices else kind
    fused = {id(m.in_proj_weight) for m in model.modules() if getattr(m, "in_proj_weight", None) is not None}
    shared = {} if weight_decay is None else {"weight_decay": weight_decay}
    of_rest = {**shared, **(other_options or {}), **({} if lr is None else {"lr": lr}), "kind": rest_kind.name}
    of_matrices = {**shared, **({} if matrix_lr is None else {"lr": matrix_lr}), "kind": kind.name}
    thirds = [({**of_matrices, "split": [len(p) // 3] * 3}, [p]) for p in matrices if id(p) in fused]
    groups = [
        (of_matrices, [p for p in matrices if id(p) not in fused]),
        *thirds,
        (of_rest, [p for p in rest if p.dim() >= 2]),
        ({**of_rest, "weight_decay": 0.0}, [p for p in rest if p.dim() < 2]),
    ]
    listed = [{**about, "params": [(names[id(p)], p) for p in params]} for about, params in groups if params]
    return globals()[kind.class_name](listed, **options)


FIRST = {"params": ("iterable", "Parameters, named parameters or groups, as torch.optim takes them.")}
MORE = {
    "threads": ("int, default 0", "Threads to use; 0 takes all that OpenMP offers.", 0),
    "master_weights": (
        "bool, default False",
        "Keep bfloat16 and float16 parameters in float32 between steps, as state 'master': small steps add up.",
        False,
    ),
}
globals().update(_optimizer.classes(Optimizer, __name__, FIRST, MORE))
__all__ = ["Optimizer", "for_model", "kinds", "split_params", *kinds()]
