"""What norma.optim and norma.torch share: the kinds of optimizers with their options, as the
library lists them; an optimizer of the library over the caller's memory; and crews, tensors
that have taken equally many steps.  No optimizer is named here but to spell it.

One call of the library steps all tensors of a crew.  As a rule there is one crew.  A tensor
that comes later makes another, and one that has no gradient in a step leaves its crew with
its state and its number of steps, as PyTorch counts them.
"""

import ctypes
import inspect
import itertools
import json
import sys
import warnings

import numpy as np

from . import _arrays, _document
from ._errors import NormaTypeError, NormaWarning, Status
from ._library import Array, Bundle, LogFunction, Named, OptimizerGroup, OptimizerTensor, long, quick
from ._method import parameter_text
from ._running import Context

_WORDS = "SGD AdamW NorMuon ROOT AuON DCT GaLore LDAdam FRUGAL FIRA"  # spelt otherwise than Xxxx
_SPELT = {word.lower(): word for word in _WORDS.split()}


class Kind:
    """A kind of optimizer: its name, the name of its class, its options."""

    def __init__(self, number, about):
        self.number, self.name, self.summary, self.matrices = number, about["name"], about["summary"], about["matrices"]
        self.options_size = about["options_size"]
        self.class_name = "".join(_SPELT.get(part, part.capitalize()) for part in self.name.split("-"))
        self.parameters = {p["name"]: p for p in about["parameters"]}
        self.defaults = {name: p["default"] for name, p in self.parameters.items()}

    def __repr__(self):
        return f"<norma optimizer {self.name}>"

    def refuse(self, name):
        """Raise the library's sentence on an option that there is not."""
        context = Context()
        try:
            Options(context, self).set(name, 0)
        except Exception as error:
            raise NormaTypeError(error.status, error.message) from None
        finally:
            context.release()

    def fill(self, given):
        """`given` with the defaults of what is missing.  betas, where given, is beta1 and beta2."""
        if "betas" in given and "beta2" not in self.parameters:
            self.refuse("betas")
        if "betas" in given and ("beta1" in given or "beta2" in given):
            refuse_argument(f"{self.name}: betas is given, and beta1 or beta2 too; give one")
        pair = ("beta1", "beta2") if "betas" in given else ()
        return {**given, **{n: v for n, v in self.defaults.items() if n not in given and n not in pair}}

    def group(self, given, optimizer):
        """A group of this kind: what is given, then the defaults of an optimizer of the same
        kind, then the kind's own."""
        inherited = dict(optimizer.defaults) if optimizer.kind == self.name else {}
        pair = {"beta1", "beta2"}
        for name in pair if "betas" in given else {"betas"} if pair & given.keys() else ():
            inherited.pop(name, None)
        return self.fill({**inherited, **given, "kind": self.name})

    def values(self, group):
        """The options' values in a group."""
        betas = dict(zip(("beta1", "beta2"), group["betas"])) if "betas" in group else {}
        values = {name: betas[name] if name in betas else group[name] for name in self.parameters}
        return {name: value.item() if hasattr(value, "item") else value for name, value in values.items()}

    def signature(self, first, more):
        """Of a class's __init__: self, `first`, lr, the other options, `more`."""
        ordinary, named = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
        parameters = [inspect.Parameter("self", ordinary), inspect.Parameter(first, ordinary)]
        parameters.append(inspect.Parameter("lr", ordinary, default=self.defaults["lr"]))
        parameters += [inspect.Parameter(n, named, default=v) for n, v in self.defaults.items() if n != "lr"]
        parameters += [inspect.Parameter(n, named, default=v) for n, v in more.items()]
        return inspect.Signature(parameters)

    def document(self, first, more):
        """A docstring; `first` and `more` are {name: (type, text)} of what is beside the options."""
        entries = [_document.entry(name, *about) for name, about in first.items()]
        entries += [_document.entry(name, *_document.parameter_text(p)) for name, p in self.parameters.items()]
        entries += [_document.entry(name, *about) for name, about in more.items()]
        summary = f"{self.summary[:1].upper()}{self.summary[1:]}: `{self.name}` of norma/optim.h."
        return summary + "\n\n" + _document.section("Parameters", entries) + "\n"


def _read_kinds():
    context, text = Context(), ctypes.c_void_p()
    try:
        context.check(quick.nrm_optimizers_json(context.handle, ctypes.byref(text)))
        try:
            listed = json.loads(ctypes.string_at(text.value))
        finally:
            quick.nrm_free_string(context.handle, text)
    finally:
        context.release()
    kinds = [Kind(number, about) for number, about in enumerate(listed)]
    return {kind.name: kind for kind in kinds}


KINDS = _read_kinds()
_LARGEST = max(kind.options_size for kind in KINDS.values())  # sizeof(nrm_optimizer_options)


def find_kind(name):
    """The kind called `name`, '-' and '_' alike; the library has the sentence for a slip."""
    context, number = Context(), ctypes.c_int()
    try:
        context.check(quick.nrm_optimizer_kind_find(context.handle, str(name).encode(), ctypes.byref(number)))
    finally:
        context.release()
    return list(KINDS.values())[number.value]


class Options:
    """The options of a group as the library keeps them."""

    def __init__(self, context, kind):
        self.context, self.kind, self.version = context, kind, 0
        self._memory = (ctypes.c_uint64 * (_LARGEST // 8 + 1))()
        self.address = ctypes.addressof(self._memory)
        context.check(quick.nrm_optimizer_options_init(context.handle, kind.number, self.address))
        self._values = dict(kind.defaults)

    def set(self, name, value):
        parameter = self.kind.parameters.get(name, {"name": name, "kind": "f64", "content": ""})
        if name == "lr" and value == 0:
            value = sys.float_info.min  # the least that the library takes: nothing moves
        text = parameter_text(self.kind.name, parameter, value)
        code = quick.nrm_optimizer_options_set(self.context.handle, self.kind.number, self.address, name.encode(), text)
        self.context.check(code)

    def update(self, group):
        """Take the values of a group; nothing is changed where one does not fit."""
        values = self.kind.values(group)
        if values == self._values:
            return
        before = bytes(self._memory)
        try:
            for name, value in values.items():
                if value != self._values[name]:
                    self.set(name, value)
        except BaseException:
            ctypes.memmove(self.address, before, len(before))
            raise
        self._values = values
        self.version += 1

    @property
    def at_rest(self):
        return self._values["lr"] == 0


class Entry:
    """A tensor: what the library is told of it, where its values are, the number of its crew
    and views of its state there; None and {} before its first step."""

    __slots__ = ("name", "code", "shape", "group", "split", "crew", "parameter", "gradient", "state", "more")

    def __init__(self, name, code, shape, group, split=None, more=None):
        self.name, self.code, self.shape, self.group, self.split = name, code, tuple(shape), group, split
        self.crew, self.state = None, {}
        self.parameter = self.gradient = 0
        self.more = more  # the front's own

    def again(self):
        """The same tensor, without state."""
        return type(self)(self.name, self.code, self.shape, self.group, self.split, self.more)


class _Handle:
    """An nrm_optimizer.  It refers to nothing of Python's, as arrays over its memory refer to
    it and the collector does not see through them."""

    __slots__ = ("context", "pointer")

    def __init__(self, context):
        self.context, self.pointer = context.share(), ctypes.c_void_p()

    def __del__(self, destroy=quick.nrm_optimizer_destroy):
        destroy(self.context.handle, self.pointer)
        self.context.release()


class Crew:
    """The tensors that one nrm_optimizer steps together."""

    def __init__(self, context, options, entries):
        self._context, self._owner = context, _Handle(context)
        self._handle = self._owner.pointer
        self.entries = entries
        self._versions = [o.version for o in options]
        self._parameters, self._gradients = (ctypes.c_void_p * len(entries))(), (ctypes.c_void_p * len(entries))()
        groups = (OptimizerGroup * len(options))(*((o.kind.number, o.address) for o in options))
        tensors = (OptimizerTensor * max(len(entries), 1))(*map(_describe, entries))
        context.check(
            long.nrm_optimizer_create(
                context.handle, ctypes.byref(self._handle), len(options), groups, len(entries), tensors
            )
        )

    def cells(self):
        """(the library's name, a view) of every array of state."""
        name, view = ctypes.c_char_p(), Array()
        for i in range(quick.nrm_optimizer_state_count(self._handle)):
            quick.nrm_optimizer_state_at(self._handle, i, ctypes.byref(name), ctypes.byref(view))
            dtype, shape = _arrays.TYPES[view.dtype], tuple(view.shape[: view.ndim])
            memory = _arrays._Memory(self._owner, view.data, dtype, shape) if view.data else np.empty(shape, dtype)
            yield name.value.decode(), np.asarray(memory)

    def enrol(self, number):
        """Tell the entries their crew's number, and give them views of their state: {"step":
        ..., "m": ...}."""
        by_name = {}
        cells = self.cells()
        _, step = next(cells)
        for e in self.entries:
            e.crew, e.state = number, {"step": step}
            by_name[e.name] = e
        for name, view in cells:
            array, _, tensor = name.partition(":")
            suffix = array.rpartition(".")[2]
            if tensor not in by_name:  # a row block
                tensor, _, block = tensor.rpartition("#")
                suffix = f"{suffix}#{block}"
            by_name[tensor].state[suffix] = view

    def load(self, arrays):
        """Take the state from {the library's name: array}."""
        items = (Named * len(arrays))()
        for item, (name, array) in zip(items, arrays.items()):
            item.name = name.encode()
            self._context.check(
                quick.nrm_array_view(self._context.handle, ctypes.byref(item.array), *_arrays.layout(array))
            )
        bundle = Bundle(items, len(arrays))
        self._context.check(long.nrm_optimizer_load_state(self._context.handle, self._handle, bundle))

    def ready(self, options, check):
        """The addresses in the entries and the options reach the library; check: would it step?"""
        handle = self._context.handle
        for i, version in enumerate(self._versions):
            if options[i].version != version:
                self._context.check(long.nrm_optimizer_set_options(handle, self._handle, i, options[i].address))
                self._versions[i] = options[i].version
        parameters, gradients = self._parameters, self._gradients
        for i, e in enumerate(self.entries):
            parameters[i] = e.parameter
            gradients[i] = e.gradient
        if check:
            self._context.check(long.nrm_optimizer_check(handle, self._handle, parameters, gradients, 1.0))

    def step(self, options):
        """One step, of a crew that is ready."""
        still = all(options[i].at_rest for i in {e.group for e in self.entries})
        self._context.check(
            long.nrm_optimizer_step(
                self._context.handle, self._handle, self._parameters, self._gradients, 0.0 if still else 1.0
            )
        )


def _describe(entry):
    """The nrm_optimizer_tensor of an entry; the structure keeps what it points to."""
    shape = (ctypes.c_int64 * max(len(entry.shape), 1))(*entry.shape)
    split = (ctypes.c_int64 * len(entry.split))(*entry.split) if entry.split else None
    count = len(entry.split) if entry.split else 0
    return OptimizerTensor(
        entry.name.encode(), entry.code, len(entry.shape), shape, 0, entry.group, count, split
    )


class Driver:
    """All crews of an optimizer, and the options of its groups."""

    def __init__(self, threads=0):
        self.context, self.threads = Context(threads), threads
        self.options, self._crews, self._numbers = [], {}, itertools.count()
        self.moved = []  # entries whose state is elsewhere since the front last looked
        self._messages = messages = []

        @LogFunction
        def log(user, level, message):
            if level >= 2 and message:  # NRM_LOG_WARNING
                messages.append(message.decode("utf-8", "replace"))

        self._log = log
        quick.nrm_set_log(self.context.handle, ctypes.cast(log, ctypes.c_void_p), None)

    def __del__(self, set_log=quick.nrm_set_log):  # bound early: globals may be gone at exit
        if hasattr(self, "_log"):
            set_log(self.context.handle, None, None)  # the context may outlive it, in views of state
            self.context.release()

    def add_group(self, kind, group, entries):
        """A group with its tensors, which the library looks at: refused, nothing is added."""
        options = Options(self.context, kind)
        options.update(group)
        Crew(self.context, [*self.options, options], entries)
        self._messages.clear()  # said again when the tensors take their first step
        self.options.append(options)

    def restore(self, entries, arrays):
        """A crew of `entries` that goes on from saved arrays."""
        self._make(entries, arrays)

    def _make(self, entries, arrays=None):
        crew = Crew(self.context, self.options, entries)
        if arrays is not None:
            crew.load(arrays)
        number = next(self._numbers)
        crew.enrol(number)
        self._crews[number] = crew
        self.moved += entries
        return crew

    def _part(self, number, leaving):
        """Split a crew in two, each with its share of the state."""
        crew = self._crews[number]
        arrays = dict(crew.cells())
        self._make([e for e in crew.entries if e not in leaving], arrays)
        made = self._make(leaving, arrays)
        del self._crews[number]
        return made

    def step(self, groups, entries, stacklevel):
        """Step `entries`, whose addresses are set."""
        for options, group in zip(self.options, groups):
            options.update(group)
        teams = {}
        for e in entries:
            teams.setdefault(e.crew, []).append(e)
        crews = []
        for number, members in teams.items():
            if number is None:
                crews.append(self._make(members))
            elif len(members) < len(self._crews[number].entries):
                crews.append(self._part(number, members))
            else:
                crews.append(self._crews[number])
        for crew in crews:  # all or none
            crew.ready(self.options, check=len(crews) > 1)
        for crew in crews:
            crew.step(self.options)
        if self._messages:
            self.warn(stacklevel + 1)

    def warn(self, stacklevel):
        """The log's messages as warnings."""
        messages, self._messages[:] = self._messages[:], []
        for message in messages:
            warnings.warn(NormaWarning(message), stacklevel=stacklevel + 1)


def library_name(kind, entry, suffix):
    """The library's name of a piece of state: "m" to "muon.m:w", "m#1" to "muon.m:w#1"."""
    array, _, block = suffix.partition("#")
    return f"{kind.name}.{array}:{entry.name}" + (f"#{block}" if block else "")


def classes(base, module, first, more):
    """A class for every kind, by the name of the class."""
    made = {}
    for kind in KINDS.values():

        def __init__(self, *arguments, _base=base, **named):
            _base.__init__(self, *arguments, **named)

        __init__.__signature__ = kind.signature(next(iter(first)), {name: about[2] for name, about in more.items()})
        text = kind.document(first, {name: about[:2] for name, about in more.items()})
        body = {"__init__": __init__, "__doc__": text, "__module__": module, "kind": kind.name}
        made[kind.class_name] = type(kind.class_name, (base,), body)
    return made


def refuse_argument(message):
    raise NormaTypeError(Status.BAD_ARGUMENT, message)
