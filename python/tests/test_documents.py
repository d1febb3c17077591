"""The Python blocks of the guide, of the package's page and of the reference run as they stand."""

import re
from pathlib import Path

import pytest

import norma

PYTHON = Path(__file__).resolve().parents[1]
DOCS = PYTHON.parent / "docs"
METHODS = [DOCS / "reference" / f"{m.name}.md" for m in norma._METHODS.values() if m.descriptor["examples"]]
PYTORCH = DOCS / "pytorch.md"
PAGES = [PYTORCH, PYTHON / "README.md", DOCS / "python.md", *METHODS]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@pytest.mark.filterwarnings("ignore::norma.NormaWarning")
def test_blocks_run(page, tmp_path, monkeypatch, capsys):
    if page == PYTORCH:
        pytest.importorskip("torch")
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    monkeypatch.chdir(tmp_path)
    names = {"norma": norma} if page in METHODS else {}
    for block in blocks:
        exec(compile(block, str(page), "exec"), names)
