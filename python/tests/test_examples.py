"""Every example of every descriptor, through Python and through the command."""

import json
import re

import numpy as np
import pytest

import norma
from norma import _examples

EXAMPLES = [
    pytest.param(method, example, id=f"{method.python_name}: {example['title']}")
    for method in norma._METHODS.values()
    for example in method.descriptor["examples"]
]


def run(method, example):
    expected = _examples.expected(method, example["expect"])
    want = [name for name in expected if name in method.outputs]
    result = getattr(norma, method.python_name)(**_examples.arguments(method, example["call"]), want=want)
    return result, expected


def value_of(result, name):
    value = result.info[name[5:]] if name.startswith("info.") else result.outputs[name]
    return value.toarray() if hasattr(value, "toarray") else value


def test_every_method_that_runs_on_its_own_has_an_example():
    for method in norma._METHODS.values():
        needs_file = any(p["required"] and p["content"] == "file" for p in method.parameters.values())
        assert method.descriptor["examples"] or needs_file, method.name


@pytest.mark.filterwarnings("ignore::norma.NormaWarning")
@pytest.mark.parametrize("method, example", EXAMPLES)
def test_in_python(method, example):
    result, expected = run(method, example)
    assert expected
    for name, want in expected.items():
        got = value_of(result, name)
        if isinstance(want, str):
            assert str(got) == want or (want in ("true", "false") and got == (want == "true"))
        else:
            got, want = np.ravel(np.asarray(got, float)), np.ravel(np.asarray(want, float))
            np.testing.assert_allclose(got, want, rtol=example["tol"], atol=example["tol"])


@pytest.mark.filterwarnings("ignore::norma.NormaWarning")
@pytest.mark.parametrize("method, example", EXAMPLES)
def test_command_gives_the_same_numbers(method, example, command, tmp_path):
    result, expected = run(method, example)
    arguments = []
    for name, text in _examples.words(example["call"]):
        arguments += [f"--{name}"] if text is None else [f"--{name}={text}"]
    outputs = [name for name in expected if name in method.outputs]
    for name in outputs:
        arguments.append(f"--{name}={tmp_path / name}.{'txt' if _examples.is_text(method, name) else 'npy'}")
    done = command(method.name, *arguments, "--json")
    assert done.returncode == (4 if result.status > 0 else 0), done.stderr
    report = json.loads(done.stdout)
    for name in outputs:
        if _examples.is_text(method, name):
            assert (tmp_path / f"{name}.txt").read_bytes() == result.outputs[name].encode()
            continue
        got, want = norma.load(tmp_path / f"{name}.npy"), value_of(result, name)
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got, want)
    assert report["parameters"] == result.report["parameters"]
    assert report["status"] == str(result.status)
    for field in method.descriptor["info"]:
        if not re.search(r"(^|/)s$", field["unit"]):  # times differ
            assert report["info"][field["name"]] == result.report["info"][field["name"]], field["name"]
