"""The wheel: built by CMake without a network, installed elsewhere, used from there."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import norma

PYTHON = Path(__file__).resolve().parents[1]
pytest.importorskip("pip")
pytest.importorskip("wheel")

USE = """
import norma, sys
print(norma.__file__, norma._library.path, norma.softmax([0.0, 0.0]).y.tolist())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    environment = dict(os.environ, PYTHONPATH="", PYTHONDONTWRITEBYTECODE="1", PIP_NO_INDEX="1")
    # What the package holds is asked here, not how fast it is.
    environment["CMAKE_ARGS"] = f"-DCMAKE_C_FLAGS_RELEASE=-O0 {environment.get('CMAKE_ARGS', '')}"
    build = os.environ.get("NRM_BUILD")
    if build:  # kept, so that a second run builds only what has changed
        environment["NORMA_CMAKE"] = str(Path(build) / "python-wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps", "-w", folder, PYTHON],
        check=True,
        env=environment,
        timeout=280,
    )
    (made,) = folder.glob("*.whl")
    return made


def test_wheel_fits_every_python_of_the_platform(wheel):
    assert wheel.name.startswith(f"norma-{norma.__version__}-py3-none-") and "any" not in wheel.name
    names = zipfile.ZipFile(wheel).namelist()
    for name in ("__init__.py", "__init__.pyi", "py.typed", "libnorma.so", "stubs.py"):
        assert f"norma/{name}" in names
    assert not [name for name in names if "test" in name or name.endswith(".pyc")]


def test_installed_elsewhere_and_imported_from_another_folder(wheel, python, tmp_path):
    target, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", target, wheel],
        check=True,
        env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1"),
        timeout=120,
    )
    process = python(USE, path=target, cwd=elsewhere, NORMA_LIBRARY="")
    out, err = process.communicate(timeout=60)
    assert err == ""
    assert out.split()[:2] == [str(target / "norma" / "__init__.py"), str(target / "norma" / "libnorma.so")]
    assert out.endswith("[0.5, 0.5]\n")


def test_a_missing_library_is_said_so(python, tmp_path):
    out, err = python("import norma", NORMA_LIBRARY=str(tmp_path / "libnorma.so")).communicate(timeout=60)
    assert "ImportError: norma: libnorma was not found" in err and str(tmp_path) in err


def test_another_library_is_refused(python, tmp_path):
    out, err = python("import norma", NORMA_LIBRARY="libc.so.6").communicate(timeout=60)
    assert "ImportError: norma: libnorma was not found" in err and "nrm_" in err


def test_scipy_is_optional(python):
    code = "import sys; sys.modules['scipy'] = None; import norma; print(norma.softmax([0.0, 0.0]).y.tolist())"
    out, err = python(code).communicate(timeout=60)
    assert out == "[0.5, 0.5]\n" and err == ""
