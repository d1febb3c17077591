"""Text parameters and outputs, methods without inputs or examples; the methods are those of tests/trial, in a
library of their own that tests/scripts/trial.sh names."""

import inspect
import json
from pathlib import Path

import numpy as np
import pytest

import norma
from norma import _examples, stubs

pytestmark = pytest.mark.skipif("z_trial_words" not in norma.methods(), reason="not the library of tests/trial")

TEXTS = ["", "plain", "two\nlines\t", "\"'\\", '{"a": [1, 2]}', "é€😀", "\x02\x7f"]


def words(**named):
    return norma.z_trial_words(**{"model": "a", **named})


@pytest.mark.parametrize("text", TEXTS)
def test_text_arrives(text):
    result = words(prompt=text, model=text, note=text, want="letters")
    assert bytes(result.codes.astype(np.uint8)) == bytes(result.letters.astype(np.uint8)) == text.encode()
    assert result.info.length == result.info.noted == len(text.encode())
    assert result.parameters["prompt"] == result.parameters["note"] == text


@pytest.mark.parametrize("content", [b"", b"one\ntwo", "é€😀".encode(), b"a\x1b[31m\0", b"\xe1\x80\xe2\xf0\x91\x92\xf1\xbfA\xff"])
def test_text_comes_out(content, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(content)
    result = norma.z_trial_text(source=source, want="half")
    assert result.text == result.outputs["text"] == content.decode(errors="replace")
    assert result.half == content[: len(content) // 2].decode(errors="replace")
    assert result.report["outputs"]["text"] == {"dtype": "u8", "shape": [len(content)], "text": result.text}
    assert repr(result.text) in repr(result)
    memory = np.zeros(len(content), np.uint8)
    again = norma.z_trial_text(source=source, out={"text": memory})
    assert again.text is memory and bytes(memory) == content
    assert words(prompt="x" * 100, want="echo").echo == "x" * 100


def test_a_long_text_is_shortened(tmp_path):
    source = tmp_path / "source"
    source.write_text("line\n" * 500)
    lines = repr(norma.z_trial_text(source=source)).splitlines()
    assert max(map(len, lines)) < 100 and any(line.endswith("...'") for line in lines)


def test_none_is_the_default():
    result = words(prompt=None, data=None, note=None)
    assert result.parameters["prompt"] == "it's two words" and result.parameters["folder"] == "`a|b` c"
    assert result.parameters["data"] is result.parameters["note"] is None and result.info.noted == -1
    assert result.info.said == "two words"


def test_a_path_is_taken_where_a_path_belongs():
    assert words(data=Path("a/b c.csv")).parameters["data"] == "a/b c.csv"
    assert words(data="a/é.csv", folder=Path(".")).parameters["data"] == "a/é.csv"
    with pytest.raises(TypeError, match=r"z-trial-words: prompt is .*Path\('x'\); it must be a str$"):
        words(prompt=Path("x"))


@pytest.mark.parametrize("value", [3, 1.5, True, b"bytes", ["x"], np.zeros(3)])
def test_other_types_are_refused(value):
    with pytest.raises(norma.NormaTypeError, match="z-trial-words: prompt is .*; it must be a str$"):
        words(prompt=value)
    with pytest.raises(norma.NormaTypeError, match="z-trial-words: data is .*; it must be a str or a path$"):
        words(data=value)


def test_long_values_are_shortened():
    with pytest.raises(TypeError) as caught:
        words(prompt=list(range(1000)))
    assert len(str(caught.value)) < 150 and "..." in str(caught.value)


def test_what_is_no_text():
    with pytest.raises(norma.NormaValueError, match="prompt is 'a.x00b'; it must hold no NUL character"):
        words(prompt="a\0b")
    for value in ("\ud800", "caf\udce9"):
        with pytest.raises(norma.NormaValueError, match="it must be UTF-8"):
            words(prompt=value)
    with pytest.raises(norma.NormaValueError, match="it must be UTF-8"):
        words(data=Path("caf\udce9"))
    with pytest.raises(norma.NormaValueError, match="data is ''; it must be the path of a file"):
        words(data="")


def test_the_required_one_is_missing():
    with pytest.raises(norma.NormaTypeError, match="z-trial-words: model is missing; it is which model"):
        norma.z_trial_words()
    with pytest.raises(norma.NormaTypeError, match="model is missing"):
        norma.z_trial_words(model=None)


def test_without_inputs():
    result = norma.z_trial_alone()
    assert result.outputs == {} and result.info.length == 0 and result.report["inputs"] == {}
    assert "z-trial-alone: ok" in repr(result)
    np.testing.assert_array_equal(norma.z_trial_alone(word="ab", want="codes").codes, [97, 98])
    memory = np.zeros(2, np.uint8)
    assert norma.z_trial_alone(word="ab", out=memory).codes is memory and bytes(memory) == b"ab"
    with pytest.raises(norma.NormaTypeError, match="1 argument is given by position; all must be named"):
        norma.z_trial_alone("ab")
    assert words().outputs.keys() == {"codes"} and words(x=[1.0]).outputs.keys() == {"codes", "y"}


def test_signature_docstring_and_stub():
    parameters = inspect.signature(norma.z_trial_words).parameters
    assert parameters["model"].default is inspect.Parameter.empty and parameters["data"].default is None
    assert parameters["prompt"].default == "it's two words"
    text = inspect.getdoc(norma.z_trial_words)
    for line in (
        "model : str",
        'prompt : str, default "it\'s two words"',
        "data : str or os.PathLike, optional",
        "folder : str or os.PathLike, default '`a|b` c'",
        "note : str, optional",
    ):
        assert f"\n{line}\n" in text
    text = inspect.getdoc(norma.z_trial_text)
    assert "    text : str\n" in text and "    half : str\n" in text and "Made on request" in text
    assert "what is longer is cut. From 1 to 2**20. Unit: bytes." in text and "From 0 to below 1." in text
    assert "Examples" not in text and ">>>" not in text
    assert "    source: str | PathLike[str],\n" in stubs.text() and "    half: str\n" in stubs.text()
    for line in (
        "    model: str,",
        '    prompt: str | None = "it\'s two words",',
        "    data: str | PathLike[str] | None = None,",
        "    note: str | None = None,",
    ):
        assert line in stubs.text().splitlines()


def test_examples_are_read():
    assert _examples.words("x=[1, 2] log p='it''s [two words' q='' r= m='{\"a\": 1}'\n t=a'b") == [
        ("x", "[1, 2]"),
        ("log", None),
        ("p", "it's [two words"),
        ("q", ""),
        ("r", ""),
        ("m", '{"a": 1}'),
        ("t", "a'b"),
    ]
    assert _examples.words(" \n") == []


def test_a_problem_saved_by_the_command_is_what_python_gives(command, tmp_path):
    text = 'two\nlines "quoted" é'
    command("z-trial-words", "--model=a", f"--prompt={text}", f"--save-problem={tmp_path / 'p.npz'}", "--quiet", check=True)
    saved = json.loads(norma.load(tmp_path / "p.npz")["norma-call"].tobytes())
    assert saved["parameters"] == words(prompt=text).report["parameters"]
