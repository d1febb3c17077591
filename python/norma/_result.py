"""What a call gives back."""

import json

from ._errors import Status


class Info(dict):
    """What a method reports beside its outputs: `info["gap"]` or `info.gap`."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"there is no info field '{name}'; there are {', '.join(self)}") from None

    def __dir__(self):
        return [*super().__dir__(), *self]

    def __repr__(self):
        return f"Info({', '.join(f'{name}={value!r}' for name, value in self.items())})"


class Result:
    """The outcome of a call.

    Attributes
    ----------
    NAME : array
        One attribute for every output that was made, by its name; also in `outputs`.  A str
        where the output is text.
    outputs : dict
        The same by name, in the method's order.
    info : Info
        What the method reports: iterations, residuals, a gap.
    status : Status
        OK, or a remark: NOT_CONVERGED, PARTIAL, RELAXED.
    message : str
        The library's sentence on the remark; "" where there is none.
    parameters : Info
        Every parameter as it was used, defaults included.
    seconds : float
        Wall time of the method itself.
    report : dict
        All of it but the values of the arrays, as the command prints it with --json.
    """

    def __init__(self, method, outputs, info, status, message, report):
        self.method, self.outputs, self.info = method, outputs, info
        self.status, self.message = status, message
        self._report = report  # JSON, read when it is first looked at

    @property
    def report(self):
        if isinstance(self._report, (bytes, str)):
            self._report = json.loads(self._report)
        return self._report

    @property
    def parameters(self):
        return Info(self.report["parameters"])

    @property
    def seconds(self):
        return self.report["seconds"]

    def __getattr__(self, name):
        outputs = self.__dict__.get("outputs", {})
        if name in outputs:
            return outputs[name]
        if name.startswith("__"):
            raise AttributeError(name)
        made = ", ".join(outputs) or "no output"
        raise AttributeError(f"the result of {self.method} has no '{name}': {made} was made; ask with want='{name}'")

    def __dir__(self):
        return [*super().__dir__(), *self.outputs]

    def __repr__(self):
        lines = [f"{self.method}: {self.status}, {self.seconds:.3g} s"]
        if self.message:
            lines[0] += f" ({self.message})"
        width = max(map(len, [*self.outputs, *self.info, "status"]))
        lines += [f"  {name:<{width}}  {_summary(value)}" for name, value in self.outputs.items()]
        lines += [f"  {name:<{width}}  {_number(value)}" for name, value in self.info.items()]
        return "\n".join(lines)


def _number(value):
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _summary(value, most=60):
    if isinstance(value, str):
        return repr(value if len(value) <= most else value[: most - 3] + "...")
    shape = " x ".join(map(str, value.shape)) if value.shape else "scalar"
    sparse = f", {value.nnz} entries" if hasattr(value, "nnz") else ""
    return f"{value.dtype} {shape}{sparse}"


for _class in (Info, Result):
    _class.__module__ = "norma"
__all__ = ["Info", "Result", "Status"]
