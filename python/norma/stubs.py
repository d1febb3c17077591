"""norma/__init__.pyi, optim.pyi and torch.pyi, for type checkers and editors, from the library's
descriptions.

    python -m norma.stubs            write them beside this file
    python -m norma.stubs --check    say whether they are up to date
"""

import inspect
import json
import keyword
import sys
import textwrap
from pathlib import Path

import norma

from . import _document, _errors, _optimizer, _result, _running
from ._document import PATHS
from ._method import SHARED

PATH = Path(__file__).resolve().with_name("__init__.pyi")

_HEAD = """\
# Made by `python -m norma.stubs` from the library's own descriptions: do not edit.
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import IntEnum
from os import PathLike
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

__version__: str

class _Sparse(Protocol):
    def tocsr(self) -> Any: ...
"""

_FUNCTIONS = {
    norma.methods: "def methods() -> list[str]:",
    norma.describe: "def describe(name: str) -> dict[str, Any]:",
    norma.load: "def load(path: str | PathLike[str], *, extra: bool = False) -> Any:",
    norma.save: "def save(path: str | PathLike[str], data: ArrayLike | _Sparse | Mapping[str, ArrayLike]) -> None:",
}

_ELEMENTS = {"f32": "np.float32", "f64": "np.float64", "i32": "np.int32", "i64": "np.int64", "u8": "np.uint8"}
_KINDS = {"f64": "float", "i64": "int", "flag": "bool", "str": "str", "text": "str"}
_SHARED = {
    "seed": "int = 0",
    "threads": "int = 0",
    "out": "Any = None",
    "want": "str | Sequence[str] = ()",
    "progress": "bool | Callable[[Progress], Any] | None = None",
}
assert _SHARED.keys() == SHARED.keys()


def _document_of(item, indent="    "):
    text = inspect.cleandoc(item if isinstance(item, str) else item.__doc__)
    mark = "r" if "\\" in text else ""
    closing = f"\n{indent}" if "\n" in text else ""
    return f'{indent}{mark}"""{textwrap.indent(text, indent).strip()}{closing}"""\n'


def _class(kind, lines=()):
    bases = ", ".join(base.__name__ for base in kind.__bases__ if base is not object)
    head = f"class {kind.__name__}({bases}):\n" if bases else f"class {kind.__name__}:\n"
    return head + _document_of(kind) + "".join(f"    {line}\n" for line in lines)


def _errors_text():
    members = [f"{status.name} = {int(status)}" for status in norma.Status]
    status = "class Status(IntEnum):\n" + _document_of(norma.Status.__bases__[0])
    status += "".join(f"    {line}\n" for line in [*members, "@property", "def text(self) -> str: ..."])
    bodies = {
        "NormaError": ["status: Status", "message: str", "def __init__(self, status: int, message: str) -> None: ..."],
        "NormaWarning": ["status: Status", "def __init__(self, message: str, status: int = ...) -> None: ..."],
    }
    classes = [getattr(norma, name) for name in _errors.__all__ if name != "Status"]
    return [status] + [_class(kind, bodies.get(kind.__name__, ())) for kind in classes]


def _results_text():
    progress = "class Progress(NamedTuple):\n" + _document_of(norma.Progress)
    progress += "".join(f"    {n}: {t.__name__}\n" for n, t in _running.Progress.__annotations__.items())
    info = "class Info(dict[str, Any]):\n" + _document_of(_result.Info)
    info += "    def __getattr__(self, name: str) -> Any: ...\n"
    result = _class(
        _result.Result,
        [
            "method: str",
            "outputs: dict[str, Any]",
            "info: Any",
            "status: Status",
            "message: str",
            "@property",
            "def parameters(self) -> Info: ...",
            "@property",
            "def seconds(self) -> float: ...",
            "@property",
            "def report(self) -> dict[str, Any]: ...",
        ],
    )
    csr = _class(
        norma.CSR,
        [
            "data: NDArray[Any]",
            "indices: NDArray[Any]",
            "indptr: NDArray[Any]",
            "shape: tuple[int, int]",
            "def __init__(self, parts: Sequence[ArrayLike], shape: Sequence[int]) -> None: ...",
            "@property",
            "def nnz(self) -> int: ...",
            "@property",
            "def dtype(self) -> np.dtype[Any]: ...",
            "def toarray(self) -> NDArray[Any]: ...",
        ],
    )
    return [progress, info, result, csr]


def _input_type(port):
    kinds = ["ArrayLike", "PathLike[str]"]
    kinds += ["_Sparse"] if "csr" in port["accepts"] else []
    kinds += ["Iterator[ArrayLike]"] if "rows" in port["accepts"] else []
    return " | ".join(kinds)


def _output_type(port):
    if "csr" in port["accepts"]:
        return "Any"  # SciPy's csr_matrix where it is installed
    if port["is_text"]:
        return "str"
    elements = [_ELEMENTS[dtype] for dtype in port["dtypes"]]
    return f"NDArray[{' | '.join(elements)}]"


def _parameter(name, p):
    kind = "Literal[" + ", ".join(f'"{c}"' for c in p["choices"]) + "]" if p["kind"] == "choice" else _KINDS[p["kind"]]
    if p["content"] in PATHS:
        kind = "str | PathLike[str]"
    if p["content"] == "value":
        kind = "float | bool | str"
    if p["required"]:
        return f"{name}: {kind}"
    default = json.dumps(p["default"], ensure_ascii=False) if isinstance(p["default"], str) else repr(p["default"])
    return f"{name}: {kind} | None = {default}"


def _method_text(method):
    title = "".join(word.capitalize() for word in method.python_name.split("_"))
    info = f"class _{title}Info(Info):\n"
    fields = method.descriptor["info"]
    info += "".join(f"    {f['name']}: {_KINDS[f['kind']]}\n" for f in fields if not keyword.iskeyword(f["name"]))
    info += "" if fields else "    ...\n"
    result = f"class _{title}Result(Result):\n    info: _{title}Info\n"
    result += "".join(f"    {name}: {_output_type(port)}\n" for name, port in method.outputs.items())
    arguments = [f"{name}: {_input_type(method.inputs[name])}" for name in method.positional] + ["*"]
    arguments += [
        f"{name}: {_input_type(port)} | None = None" for name, port in method.inputs.items() if port["optional"]
    ]
    arguments += [_parameter(name, p) for name, p in method.parameters.items()]
    arguments += [f"{name}: {text}" for name, text in _SHARED.items()]
    listing = "".join(f"    {argument},\n" for argument in arguments)
    function = f"def {method.python_name}(\n{listing}) -> _{title}Result:\n"
    return [info, result, function + _document_of(_document.docstring(method)) + "    ...\n"]


def text():
    """The whole of __init__.pyi."""
    parts = [_HEAD, *_errors_text(), *_results_text()]
    parts += [f"{head}\n{_document_of(function)}    ...\n" for function, head in _FUNCTIONS.items()]
    for method in norma._METHODS.values():
        parts += _method_text(method)
    return "\n".join(parts)


# ---- Optimizers ------------------------------------------------------------------------

_OPTIM_HEAD = """\
# Made by `python -m norma.stubs` from the library's own descriptions: do not edit.
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

_Arrays = NDArray[Any] | Sequence[NDArray[Any]] | Mapping[str, NDArray[Any]]

def kinds() -> dict[str, str]: ...

class Optimizer:
    kind: str | None
    groups: list[dict[str, Any]]
    defaults: dict[str, Any]
    def add_group(self, group: dict[str, Any]) -> None: ...
    def step(self, gradients: ArrayLike | Sequence[ArrayLike | None] | Mapping[str, ArrayLike | None]) -> None: ...
    def state_dict(self) -> dict[str, NDArray[Any]]: ...
    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None: ...
"""

_TORCH_HEAD = """\
# Made by `python -m norma.stubs` from the library's own descriptions: do not edit.
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import torch

def kinds() -> dict[str, str]: ...

class Optimizer(torch.optim.Optimizer):
    kind: str | None

def split_params(
    model: torch.nn.Module, heads: Sequence[str] | None = None
) -> tuple[list[torch.nn.Parameter], list[torch.nn.Parameter]]: ...
def for_model(
    model: torch.nn.Module,
    kind: str,
    *,
    lr: float | None = None,
    matrix_lr: float | None = None,
    weight_decay: float | None = None,
    other: str = "adamw",
    other_options: dict[str, Any] | None = None,
    heads: Sequence[str] | None = None,
    **options: Any,
) -> Optimizer: ...
"""


def _optimizers_text(head, params, more):
    """A module of optimizers: its head, then a class for every kind."""
    parts = [head]
    for kind in _optimizer.KINDS.values():
        options = [_parameter(name, p).replace(" | None =", " =") for name, p in kind.parameters.items()]
        first = [option for option in options if option.startswith("lr:")]
        rest = [option for option in options if not option.startswith("lr:")]
        arguments = ["self", f"params: {params}", *first, "*", *rest, *more]
        pair = "betas: tuple[float, float] = ..."
        arguments += [pair] if {"beta1", "beta2"} <= kind.parameters.keys() else []
        listing = "".join(f"        {argument},\n" for argument in arguments)
        about = _document_of(kind.summary[:1].upper() + kind.summary[1:] + ".")
        parts.append(f"class {kind.class_name}(Optimizer):\n{about}    def __init__(\n{listing}    ) -> None: ...\n")
    return "\n".join(parts)


def optim_text():
    """The whole of optim.pyi."""
    return _optimizers_text(_OPTIM_HEAD, "_Arrays | Iterable[dict[str, Any]]", ["threads: int = 0"])


def torch_text():
    """The whole of torch.pyi."""
    params = "Iterable[torch.Tensor] | Iterable[tuple[str, torch.Tensor]] | Iterable[dict[str, Any]]"
    return _optimizers_text(_TORCH_HEAD, params, ["threads: int = 0", "master_weights: bool = False"])


FILES = {PATH: text, PATH.with_name("optim.pyi"): optim_text, PATH.with_name("torch.pyi"): torch_text}


def main(arguments):
    if arguments == ["--check"]:
        stale = [p for p, make in FILES.items() if not p.exists() or p.read_text(encoding="utf-8") != make()]
        print(*[f"{path} is out of date: run python -m norma.stubs" for path in stale] or ["up to date"], sep="\n")
        return int(bool(stale))
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    for path, make in FILES.items():
        path.write_text(make(), encoding="utf-8")
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
