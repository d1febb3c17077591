"""The examples of a descriptor, read: calls stored as text, the same for every door.

    call    x=[[1,2],[3,4]] algorithm=two-pass log prompt='two words'
    expect  y=[...] info.gap=0

A value in single quotes is taken as it stands; two of them in it are one.
"""

import json
import re

_SPECIAL = re.compile(r"[+-]?\b(?:inf(?:inity)?|nan)\b", re.IGNORECASE)


_WORD = re.compile(r"[ \n]*([^= \n]+)(=?)(?:(?<==)'((?:[^']|'')*)'?)?")


def words(text):
    """Split at blanks that are not inside brackets or quotes: [("x", "[1, 2]"), ("log", None)]."""
    pairs, at = [], 0
    while match := _WORD.match(text, at):
        name, equals, value = match.groups()
        at = match.end()
        if value is not None:
            value = value.replace("''", "'")
        elif equals:
            end = _end_of_plain(text, at)
            value, at = text[at:end], end
        pairs.append((name.replace("-", "_"), value))
    return pairs


def _end_of_plain(text, at):
    """Where a value without quotes ends: at a blank outside brackets."""
    depth = 0
    while at < len(text) and (depth > 0 or text[at] not in " \n"):
        depth += (text[at] == "[") - (text[at] == "]")
        at += 1
    return at


def _special(match):
    text = match.group().lower()
    return "NaN" if "nan" in text else "-Infinity" if text.startswith("-") else "Infinity"


def number_or_list(text):
    """A literal: "[[1,nan],[inf,4]]" or "2.5"."""
    return json.loads(_SPECIAL.sub(_special, text))


def value_of(parameter, text):
    """A parameter's value from its text."""
    kind = parameter["kind"]
    if text is None or kind == "flag":
        return text != "false"
    if parameter["content"] == "value":
        try:
            return number_or_list(text)
        except ValueError:
            return text
    return {"f64": float, "i64": int}.get(kind, str)(text)


def arguments(method, call):
    """The keyword arguments of an example's call."""
    named = {}
    for name, text in words(call):
        parameter = method.parameters.get(name)
        named[name] = number_or_list(text) if parameter is None else value_of(parameter, text)
    return named


def is_text(method, name):
    """Whether `name` is an output that is text."""
    return method.outputs.get(name, {}).get("is_text", False)


def expected(method, expect):
    """{"y": [...], "info.gap": 0.0, "info.solver": "lbfgs"}"""
    values = {}
    for name, text in words(expect):
        try:
            values[name] = text if is_text(method, name) else number_or_list(text)
        except ValueError:
            values[name] = text
    return values


def python_call(method, example):
    """The example as a line of Python."""
    parts = []
    first = method.positional[:1]
    for name, value in sorted(arguments(method, example["call"]).items(), key=lambda item: item[0] not in first):
        text = re.sub(r"\bnan\b", "float('nan')", repr(value)) if isinstance(value, list) else repr(value)
        text = re.sub(r"\binf\b", "float('inf')", text) if isinstance(value, (list, float)) else text
        parts.append(text if name in first else f"{name}={text}")
    want = [name for name, _ in words(example["expect"]) if method.outputs.get(name, {}).get("on_request")]
    parts += [f"want={(want[0] if len(want) == 1 else want)!r}"] if want else []
    return f"norma.{method.python_name}({', '.join(parts)})"
