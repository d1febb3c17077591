"""Optimizers on NumPy arrays, in place.

>>> import numpy as np
>>> import norma.optim
>>> w, b = np.ones((3, 2)), np.zeros(3)
>>> optimizer = norma.optim.AdamW({"w": w, "b": b}, lr=0.1)
>>> optimizer.step({"w": w - 2, "b": b + 1})

There is a class for every kind of optimizer that the library has: `norma.optim.kinds()`.
"""

import numpy as np

from . import _arrays, _optimizer
from ._errors import NormaValueError, Status
from ._optimizer import KINDS, Driver, Entry, find_kind, library_name, refuse_argument

_STEP = "optimizer.step"
_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def kinds():
    """{name of the class: the kind's name, for groups and files}."""
    return {kind.class_name: kind.name for kind in KINDS.values()}


def _named(params, first):
    """The arrays of a group as {name: array}; without names they are counted from `first`."""
    if isinstance(params, dict):
        return {str(name): array for name, array in params.items()}
    arrays = [params] if isinstance(params, np.ndarray) else list(params)
    return {str(first + i): array for i, array in enumerate(arrays)}


class Optimizer:
    """What all classes share.  `groups` are dicts of options, which may be changed between
    steps; "params" in them are the arrays by name."""

    kind = None

    def __init__(self, params, lr=None, *, threads=0, **options):
        kind = KINDS[self.kind]
        self.defaults = kind.fill({**options, **({} if lr is None else {"lr": lr})})
        for name in self.defaults:
            if name not in kind.parameters and name not in ("split", "betas"):
                kind.refuse(name)
        self.groups, self._entries = [], {}
        self._driver = Driver(threads)
        listed = list(params) if not isinstance(params, (dict, np.ndarray)) else [{"params": params}]
        if not listed or not isinstance(listed[0], dict):
            listed = [{"params": listed}]
        for group in listed:
            self.add_group(group)

    def add_group(self, group):
        """Add {"params": arrays, option: value, ...}.  "kind" is another kind of optimizer for
        them, "split" the heights of row blocks that are matrices of their own."""
        kind = find_kind(group.get("kind", self.kind))
        group = kind.group(group, self)
        group["params"] = _named(group["params"], len(self._entries))
        taken = {id(e.more) for e in self._entries.values()}
        entries = []
        for name, array in group["params"].items():
            if name in self._entries or id(array) in taken:
                refuse_argument(f"norma.optim: '{name}' is given twice; give each array once")
            taken.add(id(array))
            entries.append(self._entry(name, array, group))
        self._driver.add_group(kind, group, entries)
        self.groups.append(group)
        self._entries.update((e.name, e) for e in entries)

    def _entry(self, name, array, group):
        if not isinstance(array, np.ndarray):
            fault = f"of type {type(array).__name__}"
        elif array.dtype not in _FLOATS:
            fault = f"an array of {array.dtype}"
        else:
            fault = None if array.flags.writeable else "an array that cannot be written to"
        if fault:
            rule = "a parameter is a writeable numpy.ndarray of float32 or float64"
            raise NormaValueError(Status.BAD_ARGUMENT, f"norma.optim: '{name}' is {fault}; {rule}")
        return Entry(name, _arrays.CODES[array.dtype], array.shape, len(self.groups), group.get("split"), array)

    def _gradients(self, gradients):
        if isinstance(gradients, dict):
            for name in gradients:
                if name not in self._entries:
                    known = ", ".join(self._entries)
                    refuse_argument(f"norma.optim: there is no parameter '{name}'; there are {known}")
            return gradients
        listed = [gradients] if isinstance(gradients, np.ndarray) and len(self._entries) == 1 else list(gradients)
        if len(listed) != len(self._entries):
            refuse_argument(
                f"norma.optim: there are {len(listed)} gradients for {len(self._entries)} parameters; "
                "give one for each, None where there is none"
            )
        return dict(zip(self._entries, listed))

    def step(self, gradients):
        """Update the arrays by their gradients: one array, a list, or {name: gradient}.  An
        array whose gradient is None or is not named stays as it is, its state too."""
        ready, kept, back = [], [], []
        for name, gradient in self._gradients(gradients).items():
            if gradient is None:
                continue
            e = self._entries[name]
            gradient = _arrays.as_input(gradient, f"norma.optim: the gradient of '{name}'")
            if gradient.shape != e.shape:
                raise NormaValueError(
                    Status.BAD_SHAPE,
                    f"norma.optim: '{name}' has shape {e.shape} and its gradient {gradient.shape}; they must agree",
                )
            gradient = gradient.astype(e.more.dtype, copy=False)
            array = e.more
            if array.shape != e.shape:
                message = f"norma.optim: the shape of '{name}' was {e.shape}; it must stay so"
                raise NormaValueError(Status.BAD_SHAPE, message)
            if not (array.flags.c_contiguous and array.flags.aligned):
                array = np.array(array, order="C")
                back.append((e.more, array))
            kept.append((gradient, array))
            e.parameter, e.gradient = array.ctypes.data, gradient.ctypes.data
            ready.append(e)
        self._driver.step(self.groups, ready, 2)
        self._driver.moved.clear()
        for own, array in back:
            own[...] = array

    def state_dict(self):
        """A copy of the state by the library's names, for norma.save and load_state_dict:
        "optimizer.step", "muon.m:w".  Where not all arrays have taken equally many steps,
        "optimizer.step:w" is the number for w.  Options are not state."""
        steps = {name: int(e.state.get("step", 0)) for name, e in self._entries.items()}
        most = max(steps.values(), default=0)
        state = {_STEP: np.array(most, np.int64)}
        for name, step in steps.items():
            e = self._entries[name]
            kind = KINDS[self.groups[e.group]["kind"]]
            if step != most:
                state[f"{_STEP}:{name}"] = np.array(step, np.int64)
            state.update((library_name(kind, e, key), view.copy()) for key, view in e.state.items() if key != "step")
        return state

    def load_state_dict(self, state):
        """Go on from a state_dict of an optimizer made the same way; what does not fit is
        refused, and nothing is changed."""
        state = {name: np.require(array, requirements=["C", "A"]) for name, array in state.items()}
        if _STEP not in state:
            refuse_argument(f"norma.optim: '{_STEP}' is missing; these arrays are not an optimizer's state")
        fresh = Driver(self._driver.threads)
        teams = {}
        for group in self.groups:
            fresh.add_group(find_kind(group["kind"]), group, [])
        entries = {e.name: e.again() for e in self._entries.values()}
        for e in entries.values():
            step = int(state.get(f"{_STEP}:{e.name}", state[_STEP]))
            if step > 0:
                teams.setdefault(step, []).append(e)
        for step, members in teams.items():
            fresh.restore(members, {**state, _STEP: np.array(step, np.int64)})
        self._driver, self._entries = fresh, entries

    def __repr__(self):
        lines = [f"norma.optim.{type(self).__name__}, {len(self._entries)} arrays"]
        for i, group in enumerate(self.groups):
            options = ", ".join(f"{n}={v!r}" for n, v in group.items() if n != "params")
            lines.append(f"  group {i}: {len(group['params'])} arrays, {options}")
        return "\n".join(lines)


FIRST = {"params": ("array, list, dict or list of groups", "Arrays of float32 or float64, updated in place.")}
MORE = {"threads": ("int, default 0", "Threads to use; 0 takes all that OpenMP offers.", 0)}
globals().update(_optimizer.classes(Optimizer, __name__, FIRST, MORE))
__all__ = ["Optimizer", "kinds", *kinds()]
