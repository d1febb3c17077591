"""Norma: learning and optimising under norms, orthogonality, sparsity and constraints.

Every method of the library is a function here, made from the library's own
description of it:

>>> import norma
>>> norma.methods()
>>> result = norma.softmax([1.0, 2.0, 3.0])
>>> result.y
>>> help(norma.softmax)
"""

import ctypes as _ctypes
import json as _json
from importlib import import_module as _import_module

from . import _errors, _library
from ._arrays import CSR
from ._errors import *  # noqa: F403
from ._files import load, save
from ._method import Method as _Method
from ._method import python_name as _python_name
from ._result import Info, Result
from ._running import Context as _Context
from ._running import Progress

__version__ = _library.version
__all__ = ["CSR", "Info", "Progress", "Result", "describe", "load", "methods", "save", *_errors.__all__]

Progress.__module__ = "norma"


def _descriptors():
    context, text = _Context(), _ctypes.c_void_p()
    try:
        context.check(_library.quick.nrm_methods_json(context.handle, _ctypes.byref(text)))
        try:
            return _json.loads(_ctypes.string_at(text.value))
        finally:
            _library.quick.nrm_free_string(context.handle, text)
    finally:
        context.release()


_METHODS = {method.python_name: method for method in map(_Method, _descriptors())}


def methods():
    """The names of all methods, sorted; each is a function of this module."""
    return sorted(_METHODS)


def describe(name):
    """The description of a method, as a dict: inputs, outputs, parameters with their
    ranges, info, examples, paper."""
    method = _METHODS.get(_python_name(name))
    return method.descriptor if method else _refuse(name)


def _refuse(name):
    """Raise the library's sentence on a name it does not know: it has the nearest one."""
    context, call = _Context(), _ctypes.c_void_p()
    try:
        context.check(_library.quick.nrm_call_create(context.handle, name.encode(), _ctypes.byref(call)))
    finally:
        context.release()


def __getattr__(name):
    if name in ("optim", "torch"):  # read when they are asked for
        return _import_module(f"{__name__}.{name}")
    if not name.startswith("_"):
        try:
            _refuse(name)
        except NormaValueError as error:  # noqa: F405
            raise AttributeError(f"module 'norma' has no '{name}': {error}") from None
    raise AttributeError(f"module 'norma' has no '{name}'")


globals().update((name, method.function()) for name, method in _METHODS.items())
__all__ += _METHODS
