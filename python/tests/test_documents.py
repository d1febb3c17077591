"""The Python blocks of the guide and of the package's page run as they stand."""

import re
from pathlib import Path

import pytest

PYTHON = Path(__file__).resolve().parents[1]
PAGES = [PYTHON / "README.md", PYTHON.parent / "docs" / "python.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@pytest.mark.filterwarnings("ignore::norma.NormaWarning")
def test_blocks_run(page, tmp_path, monkeypatch, capsys):
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks:
        exec(compile(block, str(page), "exec"), names)
