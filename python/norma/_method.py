"""A method's descriptor as a Python function.  No method is named here."""

import ctypes
import inspect
import keyword
import numbers
import operator
import os
import warnings

import numpy as np

from . import _arrays
from ._document import PATHS, docstring
from ._errors import NormaError, NormaTypeError, NormaValueError, NormaWarning, Status, status_of
from ._library import VALUE_ARRAY, VALUE_CSR, Value, long, quick
from ._result import Info, Result
from ._running import Context, Running, show_progress

#: what every function takes beside its method's own, with the defaults
SHARED = {"seed": 0, "threads": 0, "out": None, "want": (), "progress": None}

_C_KINDS = {"f64": ctypes.c_double, "i64": ctypes.c_int64, "flag": ctypes.c_bool, "str": ctypes.c_char_p}


def python_name(name):
    """The name in Python: '_' is added to a keyword and to a name of SHARED."""
    name = name.replace("-", "_")
    return name + "_" if keyword.iskeyword(name) or name in SHARED else name


class Method:
    """A descriptor, ready to be called."""

    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.name, self.python_name = descriptor["name"], python_name(descriptor["name"])
        self.inputs = {python_name(port["name"]): port for port in descriptor["inputs"]}
        self.parameters = {python_name(p["name"]): p for p in descriptor["parameters"]}
        self.outputs = {python_name(port["name"]): port for port in descriptor["outputs"]}
        self.positional = [name for name, port in self.inputs.items() if not port["optional"]]
        self.required = self.positional + [name for name, p in self.parameters.items() if p["required"]]
        self.signature = self._signature()
        self._c_name = self.name.encode()
        self._info = type(
            "info", (ctypes.Structure,), {"_fields_": [(f["name"], _C_KINDS[f["kind"]]) for f in descriptor["info"]]}
        )

    def _signature(self):
        positional, named = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
        parameters = [inspect.Parameter(name, positional) for name in self.positional]
        parameters += [
            inspect.Parameter(name, named, default=None) for name in self.inputs if name not in self.positional
        ]
        for name, p in self.parameters.items():
            default = inspect.Parameter.empty if p["required"] else p["default"]
            parameters.append(inspect.Parameter(name, named, default=default))
        parameters += [inspect.Parameter(name, named, default=default) for name, default in SHARED.items()]
        return inspect.Signature(parameters)

    def function(self):
        """The function that users call."""

        def function(*arguments, **named):
            return self.call(arguments, named)

        function.__name__ = function.__qualname__ = self.python_name
        function.__module__ = "norma"
        function.__signature__ = self.signature
        function.__doc__ = docstring(self)
        return function

    # ---- Arguments -----------------------------------------------------------------

    def _bind(self, arguments, named):
        """The arguments by name; those that are None, their defaults, are left out."""
        if len(arguments) > len(self.positional):
            count = f"{len(arguments)} argument{' is' if len(arguments) == 1 else 's are'} given by position"
            names = ", ".join(self.positional)
            rule = f"only {len(self.positional)} ({names}) can be: name the others" if names else "all must be named"
            raise NormaTypeError(Status.BAD_ARGUMENT, f"{self.name}: {count}; {rule}")
        given = dict(zip(self.positional, arguments))
        for name, value in named.items():
            if name in given:
                raise NormaTypeError(Status.BAD_ARGUMENT, f"{self.name}: {name} is given twice; give it once")
            given[name] = value
        return {name: value for name, value in given.items() if value is not None}

    def _check_names(self, context, call, given):
        """A name that is unknown: the library has the sentence for it."""
        for name in given:
            if name not in self.inputs and name not in self.parameters:
                quick.nrm_call_set(call, name.encode("utf-8", "replace"), b"")
                raise NormaTypeError(Status.BAD_ARGUMENT, context.message)

    def _check_missing(self, context, call, given):
        """Once all that was given is in the call: its first look is for what is missing."""
        if not all(name in given for name in self.required):
            long.nrm_call_run(call)
            raise NormaTypeError(Status.BAD_ARGUMENT, context.message)

    def _wanted(self, want, out):
        """{output's Python name: the caller's memory, or None}, in the order asked."""
        if isinstance(want, str):
            want = (want,)
        wanted = dict.fromkeys((name.replace("-", "_") for name in want))
        if out is not None:
            if not isinstance(out, dict):
                out = {next(iter(self.outputs)): out}
            wanted.update((name.replace("-", "_"), memory) for name, memory in out.items())
        return wanted

    # ---- The call ------------------------------------------------------------------

    def call(self, arguments, named, stacklevel=3):
        """Run the method; `stacklevel` as in warnings.warn, so that a warning names the
        line of the user."""
        given = self._bind(arguments, named)
        shared = {name: given.pop(name, default) for name, default in SHARED.items()}
        progress = show_progress if shared["progress"] is True else shared["progress"] or None
        inputs = [
            _arrays.prepare_input(self.inputs[name]["name"].encode(), f"{self.name}: {name}", value)
            for name, value in given.items()
            if name in self.inputs
        ]
        settings = [
            (self.parameters[name]["name"].encode(), parameter_text(self.name, self.parameters[name], value))
            for name, value in given.items()
            if name in self.parameters
        ]
        wanted = self._wanted(shared["want"], shared["out"])
        memory = {
            name: _arrays.as_memory(value, f"{self.name}: {name}")
            for name, value in wanted.items()
            if value is not None
        }
        threads = whole(shared["threads"], self.name, "threads", 2**31 - 1)
        context = Context(threads, whole(shared["seed"], self.name, "seed", 2**64 - 1))
        result = error = None
        try:
            with Running(context, progress) as running:
                try:
                    result = self._run(context, running, given, inputs, settings, wanted, memory)
                except NormaError as failure:
                    error = failure
        finally:
            context.release()
        if running.failure is not None:
            _raise(running.failure, result)
        if error is not None:
            raise error
        running.warn(stacklevel)
        if result.status in (Status.NOT_CONVERGED, Status.RELAXED):
            warnings.warn(NormaWarning(result.message, result.status), stacklevel=stacklevel)
        return result

    def _run(self, context, running, given, inputs, settings, wanted, memory):
        call = ctypes.c_void_p()
        context.check(quick.nrm_call_create(context.handle, self._c_name, ctypes.byref(call)))
        try:
            self._check_names(context, call, given)
            for name, text in settings:
                context.check(quick.nrm_call_set(call, name, text))
            for give in inputs:
                context.check(give(call, running))
            self._check_missing(context, call, given)
            for name in wanted:
                port = self._output_port(name)
                array = memory.get(name)
                if array is None:
                    context.check(quick.nrm_call_want(call, port))
                else:
                    context.check(quick.nrm_call_output_into(call, port, *_arrays.layout(array)))
            paths = [value for name, value in given.items() if isinstance(value, os.PathLike) or self._is_path(name)]
            code = context.check(long.nrm_call_run(call), paths)
            return self._result(context, call, code, wanted)
        finally:
            long.nrm_call_destroy(call)

    def _is_path(self, name):
        return self.parameters.get(name, {}).get("content") in PATHS

    def _output_port(self, name):
        port = self.outputs.get(name)
        return (port["name"] if port else name).encode("utf-8", "replace")

    def _result(self, context, call, code, wanted):
        status = status_of(code)
        message = (context.message or status.text) if code > 0 else ""
        text = ctypes.c_char_p()
        context.check(quick.nrm_call_report(call, ctypes.byref(text)))
        report = text.value
        outputs = {}
        for name, port in self.outputs.items():
            made = quick.nrm_call_output(call, port["name"].encode())
            if not made:
                continue
            if wanted.get(name) is not None:
                outputs[name] = wanted[name]  # the caller's own object
                continue
            value = Value()
            context.check(quick.nrm_call_take(call, port["name"].encode(), ctypes.byref(value)))
            if value.kind == VALUE_ARRAY:
                array = _arrays.own_array(context, value.array)
                outputs[name] = array.tobytes().decode(errors="replace") if port["is_text"] else array
            elif value.kind == VALUE_CSR:
                outputs[name] = _arrays.own_csr(context, value.csr)
        return Result(self.name, outputs, self._read_info(call), status, message, report)

    def _read_info(self, call):
        address = quick.nrm_call_info(call)
        if not address:
            return Info()
        info = self._info.from_address(address)
        fields = ((field[0], getattr(info, field[0])) for field in self._info._fields_)
        return Info((name, value.decode() if isinstance(value, bytes) else value) for name, value in fields)


def _raise(failure, result):
    """Raise what ended the run, with what had been reached by then as `result`."""
    try:
        if result is not None or not hasattr(failure, "result"):
            failure.result = result
    except AttributeError:  # an exception with __slots__
        pass
    try:
        raise failure
    finally:
        del failure  # its traceback holds this frame


def text_value(method, parameter, value):
    """A text as the library takes it: UTF-8, ended by a NUL, so that none can be inside."""
    path = parameter["content"] in PATHS
    name = f"{method}: {parameter['name']}"
    if parameter["content"] == "value":
        value = value_text(value)
    if isinstance(value, os.PathLike) and path:
        encoded = os.fsencode(value)
    elif isinstance(value, str):
        encoded = value.encode("utf-8", "surrogatepass")  # which the library refuses
    else:
        rule = "a str or a path" if path else "a number, a bool or a str" if parameter["content"] == "value" else "a str"
        raise NormaTypeError(Status.BAD_ARGUMENT, f"{name} is {shown(value)}; it must be {rule}")
    if b"\0" in encoded:
        raise NormaValueError(Status.BAD_ARGUMENT, f"{name} is {shown(value)}; it must hold no NUL character")
    return encoded


def value_text(value):
    """A number or a bool as the library reads it; what is neither comes back as it is."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, numbers.Integral):
        return str(int(value))
    return repr(float(value)) if isinstance(value, numbers.Real) else value


def shown(value, most=60):
    text = repr(value)
    return text if len(text) <= most else text[: most - 3] + "..."


def parameter_text(method, parameter, value):
    """A parameter's value as the text that the library reads; what does not fit is
    passed on as it stands, for the library to refuse in its own words."""
    kind = parameter["kind"]
    if kind == "text":
        return text_value(method, parameter, value)
    if kind == "flag":
        if isinstance(value, (bool, np.bool_)) or (isinstance(value, int) and value in (0, 1)):
            value = "true" if value else "false"
    elif kind == "f64":
        try:
            value = repr(float(value)) if not isinstance(value, str) else value
        except (TypeError, ValueError):
            pass
    elif kind == "i64":
        try:
            value = int(value) if isinstance(value, float) and value.is_integer() else operator.index(value)
        except TypeError:
            pass
    return str(value).encode("utf-8", "replace")


def whole(value, method, name, most):
    """A whole number from 0 to `most`."""
    try:
        number = operator.index(value)
    except TypeError:
        raise NormaTypeError(
            Status.BAD_ARGUMENT, f"{method}: {name} is {value!r}; it must be a whole number"
        ) from None
    if not 0 <= number <= most:
        raise NormaValueError(Status.OUT_OF_RANGE, f"{method}: {name} is {number}; it must be between 0 and {most}")
    return number
