"""Where the library and the command are: $NRM_BUILD, else the source tree's newest build."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PYTHON = Path(__file__).resolve().parents[1]
SOURCE = PYTHON.parent

if os.environ.get("NRM_BUILD"):
    os.environ["NORMA_LIBRARY"] = str(Path(os.environ["NRM_BUILD"]) / "libnorma.so")
sys.path.insert(0, str(PYTHON))
sys.dont_write_bytecode = True

import norma  # noqa: E402


@pytest.fixture(scope="session")
def command():
    """Run the `norma` command; the completed process."""
    path = Path(norma._library.path).resolve().parent / "norma"
    if not path.exists():
        pytest.skip(f"{path} is not built")

    def run(*arguments, check=False):
        done = subprocess.run(
            [str(path), *map(str, arguments)], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    return run


@pytest.fixture
def python():
    """Start Python on a piece of code, with norma importable; the process."""
    started = []

    def start(code, *arguments, path=PYTHON, cwd=None, **environment):
        env = dict(os.environ, PYTHONPATH=str(path), NORMA_LIBRARY=norma._library.path, PYTHONDONTWRITEBYTECODE="1")
        env.update(environment)
        env = {name: value for name, value in env.items() if value}
        process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
            cwd=cwd,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()
