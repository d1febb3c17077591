"""Docstrings, in NumPy's style, from a descriptor."""

import math
import sys
import textwrap

from . import _examples

_WIDTH = 88
_ELEMENTS = {"f32": "float32", "f64": "float64", "i32": "int32", "i64": "int64", "u8": "uint8"}

#: contents of a text that name a place in the file system
PATHS = ("file", "folder")

SHARED_TEXT = {
    "seed": ("int, default 0", "Of every random stream of the call."),
    "threads": ("int, default 0", "Threads to use; 0 takes all that OpenMP offers."),
    "out": (
        "array or dict, optional",
        "Memory for the first output, or {name: memory}: contiguous and of the very shape and type of the output.",
    ),
    "want": ("str or sequence of str, default ()", "Outputs to make beside those that are always made."),
    "progress": (
        "callable or True, optional",
        "Called with a norma.Progress some twenty times a second at most; a true answer stops the call. "
        "True prints a line to stderr.",
    ),
}


def entry(name, kind, text, indent=""):
    body = textwrap.fill(text, _WIDTH, initial_indent=indent + "    ", subsequent_indent=indent + "    ")
    return f"{indent}{name} : {kind}\n{body}" if text else f"{indent}{name} : {kind}"


def _sentence(text):
    """The text of a descriptor, which is written without a full stop, as a sentence."""
    text = text.strip()
    return text if not text or text[-1] in ".!?:" else text + "."


def _shape(port):
    shapes = [f"({shape.replace(',', ', ')})" for shape in port["shape"].split("|") if shape]
    return " or ".join(shapes)


def _port_kind(port):
    elements = [_ELEMENTS.get(dtype, dtype) for dtype in port["dtypes"]]
    return ", ".join(part for part in (_shape(port), " or ".join(elements)) if part)


def _unit(item):
    return f" Unit: {item['unit']}." if item.get("unit") else ""


def input_text(port):
    """Type and description of an input."""
    kind = f"array_like {_port_kind(port)}"
    if port["optional"]:
        kind += ", optional"
    also = []
    if "csr" in port["accepts"]:
        also.append("a sparse matrix")
    if "rows" in port["accepts"]:
        also.append("an iterator of rows or of blocks of rows")
    also.append("a file as pathlib.Path")
    text = f"{_sentence(port['text'])}{_unit(port)} Also {', '.join(also[:-1])}{' or ' if also[:-1] else ''}{also[-1]}."
    return kind, text


def _bound(b):
    """A bound in words: 0.5, 2**40, "below 1" for what is as good as that."""
    if isinstance(b, int):
        return f"2**{b.bit_length() - 1}" if b >= 2**20 and b & (b - 1) == 0 else str(b)
    if b is not None and 0 < math.ceil(b) - b <= 2 * sys.float_info.epsilon:
        return f"below {math.ceil(b)}"
    return None if b is None else f"{b:g}"


def _range(p):
    low, high = map(_bound, _bounds(p))
    if p.get("least") == "> 0":
        return f" Above 0, at most {high}." if high else " Above 0."
    if low and high:
        return f" From {low} to {high}."
    return f" At least {low}." if low else f" At most {high}." if high else ""


def _bounds(p):
    return (None if p["least"] == "> 0" else p["least"]), p["most"]


def parameter_text(p):
    """Type and description of a parameter."""
    kind = {"f64": "float", "i64": "int", "flag": "bool"}.get(p["kind"], "str")
    if p["kind"] == "choice":
        kind = "{" + ", ".join(repr(word) for word in p["choices"]) + "}"
    if p["content"] in PATHS:
        kind = "str or os.PathLike"
    if p["content"] == "value":
        kind = "float, bool or str"
    if p["kind"] == "text" and not p["required"] and p["default"] is None:
        kind += ", optional"
    elif not p["required"]:
        kind += f", default {p['default']!r}"
    limits = _range(p) if p["kind"] in ("f64", "i64") else ""
    return kind, f"{_sentence(p['text'])}{limits}{_unit(p)}"


def output_text(port):
    """Type and description of an output."""
    kind = "sparse matrix" if port["accepts"] == ["csr"] else "ndarray"
    if port["accepts"] == ["array", "csr"]:
        kind = "ndarray or sparse matrix"
    kind = "str" if port["is_text"] else f"{kind} {_port_kind(port)}"
    text = _sentence(port["text"]) + _unit(port)
    if port["on_request"]:
        text += " Made on request: want or out."
    elif port["optional"]:
        text += " Made when it costs nothing."
    return kind, text


def section(title, entries):
    return f"{title}\n{'-' * len(title)}\n" + "\n".join(entries)


def _examples_section(method):
    lines = [">>> import norma"]
    for example in method.descriptor["examples"]:
        lines += ["", _sentence(example["title"]), ""]
        lines.append(f">>> result = {_examples.python_call(method, example)}")
        for name, text in _examples.words(example["expect"]):
            lines.append(f">>> result.{name}  # {text}")
    return section("Examples", lines)


def docstring(method):
    d = method.descriptor
    parameters = [entry(name, *input_text(port)) for name, port in method.inputs.items()]
    parameters += [entry(name, *parameter_text(p)) for name, p in method.parameters.items()]
    parameters += [entry(name, *text) for name, text in SHARED_TEXT.items()]
    returns = ["Result"]
    returns += [entry(name, *output_text(port), indent="    ") for name, port in method.outputs.items()]
    kinds = {"f64": "float", "i64": "int", "flag": "bool", "str": "str"}
    returns += [
        entry(f"info.{field['name']}", kinds[field["kind"]], _sentence(field["text"]) + _unit(field), indent="    ")
        for field in d["info"]
    ]
    summary = d["summary"][:1].upper() + _sentence(d["summary"])[1:]
    details = "\n\n".join(textwrap.fill(" ".join(p.split()), _WIDTH) for p in d["details"].split("\n\n"))
    sections = [summary, details, section("Parameters", parameters), section("Returns", returns)]
    if d["paper"]:
        sections.append(section("References", [textwrap.fill(_sentence(d["paper"]), _WIDTH)]))
    if d["examples"]:
        sections.append(_examples_section(method))
    return "\n\n".join(section for section in sections if section) + "\n"
