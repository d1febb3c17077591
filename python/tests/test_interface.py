"""Signatures, docstrings, stubs, the list of methods, results."""

import ast
import inspect
import pickle
import pydoc
import re

import numpy as np
import pytest

import norma
from norma import stubs
from norma._method import SHARED

FUNCTIONS = [pytest.param(norma._METHODS[name], id=name) for name in norma.methods()]
WITH_EXAMPLES = [f for f in FUNCTIONS if f.values[0].descriptor["examples"]]


def test_methods():
    assert norma.methods() == sorted(norma.methods())
    assert {"softmax", "sparse_ot", "top_eigenvector"} <= set(norma.methods())
    assert norma.describe("sparse-ot") is norma.describe("sparse_ot")
    assert set(norma.methods()) <= set(norma.__all__) and all(hasattr(norma, name) for name in norma.__all__)
    assert len(set(norma.__all__)) == len(norma.__all__)


def test_version_is_the_headers(request):
    header = request.config.rootpath.parent / "include/norma/core.h"
    version = re.search(r'#define NRM_VERSION "(.+)"', header.read_text()).group(1)
    assert norma.__version__ == version
    assert norma._library.HEADERS == tuple(map(int, version.split(".")[:2]))


@pytest.mark.parametrize("method", FUNCTIONS)
def test_signature(method):
    function = getattr(norma, method.python_name)
    assert inspect.isfunction(function) and function.__module__ == "norma"
    parameters = inspect.signature(function).parameters
    d = method.descriptor
    assert len(parameters) == len(d["inputs"]) + len(d["parameters"]) + len(SHARED)
    for port in d["inputs"]:
        p = parameters[port["name"]]
        assert p.default is (None if port["optional"] else inspect.Parameter.empty)
        assert (p.kind is p.POSITIONAL_OR_KEYWORD) != port["optional"]
    for item in d["parameters"]:
        p = parameters[item["name"]]
        assert p.kind is p.KEYWORD_ONLY
        assert p.default == (inspect.Parameter.empty if item["required"] else item["default"])
    assert pickle.loads(pickle.dumps(function)) is function


@pytest.mark.parametrize("method", FUNCTIONS)
def test_docstring(method):
    text = inspect.getdoc(getattr(norma, method.python_name))
    d = method.descriptor
    for section in ("Parameters", "Returns", "References", "Examples"):
        assert (f"\n{section}\n{'-' * len(section)}\n" in text) == (section != "Examples" or bool(d["examples"]))
    for item in d["inputs"] + d["outputs"] + d["parameters"]:
        assert re.search(rf"^ *{item['name']} : ", text, re.MULTILINE)
    for field in d["info"]:
        assert f"info.{field['name']} : " in text
    assert max(map(len, text.splitlines())) <= 200 and d["name"].split("-")[0] in pydoc.render_doc(method.function())


@pytest.mark.parametrize("method", WITH_EXAMPLES)
@pytest.mark.filterwarnings("ignore::norma.NormaWarning")
def test_examples_of_the_docstring_run(method):
    lines = [line[4:] for line in inspect.getdoc(getattr(norma, method.python_name)).splitlines() if line[:4] == ">>> "]
    assert len(lines) > 2
    exec("\n".join(lines), {})


@pytest.mark.parametrize("method", WITH_EXAMPLES)
@pytest.mark.filterwarnings("ignore::norma.NormaWarning")
def test_defaults_given_by_hand_change_nothing(method):
    """Every default is one that the library takes and reads back."""
    example = method.descriptor["examples"][0]
    named = norma._examples.arguments(method, example["call"])
    defaults = {n: p["default"] for n, p in method.parameters.items() if not p["required"] and p["default"] is not None}
    function = getattr(norma, method.python_name)
    assert function(**{**defaults, **named}).parameters == function(**named).parameters


def test_stub_is_fresh_and_compiles():
    for path, make in stubs.FILES.items():
        assert path.read_text(encoding="utf-8") == make(), "run: python -m norma.stubs"
        compile(make(), path.name, "exec")
    tree = ast.parse(stubs.text())
    defined = {node.name for node in tree.body if hasattr(node, "name")}
    assert set(norma.__all__) <= defined
    compile(stubs.text(), "norma/__init__.pyi", "exec")


def test_stub_runs_as_python():
    """All names it uses are defined."""
    names = {}
    exec(compile(stubs.text(), "norma/__init__.pyi", "exec"), names)
    assert inspect.signature(names["softmax"]).parameters.keys() == inspect.signature(norma.softmax).parameters.keys()


def test_result():
    result = norma.softmax([1.0, 2.0, 3.0], alpha=0.5, seed=4, threads=1)
    assert result.status is norma.Status.OK and result.message == "" and result.method == "softmax"
    assert result.parameters["alpha"] == result.parameters.alpha == 0.5
    assert result.report["method"] == "softmax" and result.report["seed"] == 4 and result.report["threads"] == 1
    assert result.report["version"] == norma.__version__ and result.seconds == result.report["seconds"] >= 0
    assert result.report["inputs"]["x"] == {"dtype": "f64", "shape": [3]}
    assert result.report["outputs"]["y"] == {"dtype": "f64", "shape": [3]}
    assert list(result.outputs)[0] == "y" and result.outputs["y"] is result.y
    assert set(result.info) == {f["name"] for f in norma.describe("softmax")["info"]}
    for name, value in result.report["info"].items():
        assert result.info[name] == value or value is None
    assert "y" in dir(result) and set(result.info) <= set(dir(result.info))
    assert "softmax: ok" in repr(result) and "float64 3" in repr(result) and repr(result.info).startswith("Info(")
    again = pickle.loads(pickle.dumps(result))
    np.testing.assert_array_equal(again.y, result.y)
    assert again.info == result.info and again.report == result.report


def test_big_seed():
    assert norma.softmax([1.0], seed=2**64 - 1).report["seed"] in (2**64 - 1, -1, str(2**64 - 1))


def test_names_that_python_reserves():
    assert norma._method.python_name("lambda") == "lambda_"
    assert norma._method.python_name("out") == "out_" and norma._method.python_name("max-iter") == "max_iter"
