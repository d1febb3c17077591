"""The wheel holds libnorma, built here by CMake from the source tree around this folder.

The wheel fits every Python 3 of one platform, as the package talks to the library
through ctypes: py3-none-PLATFORM.

NORMA_PREBUILT   take this libnorma and build none
NORMA_CMAKE      build folder to use, kept between builds (default: build/cmake)
CMAKE_ARGS       more arguments for CMake, as CMAKE_ARGS="-DNRM_FFT=kissfft"
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py
from wheel.bdist_wheel import bdist_wheel

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent
LIBRARY = "libnorma.dylib" if sys.platform == "darwin" else "libnorma.so"


def version():
    header = SOURCE / "include" / "norma" / "core.h"
    if not header.exists():
        sys.exit(f"norma: {header} is not there; build from the whole source tree: pip install ./python")
    return re.search(r'#define NRM_VERSION "(.+)"', header.read_text(encoding="utf-8")).group(1)


def build_library():
    """Build libnorma with CMake; its path."""
    folder = Path(os.environ.get("NORMA_CMAKE", HERE / "build" / "cmake"))
    generator = ["-G", "Ninja"] if shutil.which("ninja") and not (folder / "Makefile").exists() else []
    options = ["-DCMAKE_BUILD_TYPE=Release", "-DNRM_TESTS=OFF", *shlex.split(os.environ.get("CMAKE_ARGS", ""))]
    subprocess.run(["cmake", "-S", SOURCE, "-B", folder, *generator, *options], check=True)
    jobs = os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL", str(os.cpu_count() or 1))
    # For Ninja "norma" is the file of that name, the command.
    target = LIBRARY if (folder / "build.ninja").exists() else "norma"
    subprocess.run(["cmake", "--build", folder, "--target", target, "--parallel", jobs], check=True)
    return folder / LIBRARY


class BuildWithLibrary(build_py):
    def run(self):
        package = Path(self.build_lib) / "norma"
        shutil.rmtree(package, ignore_errors=True)  # nothing of an earlier build
        super().run()
        if getattr(self, "editable_mode", False):  # the source tree's own build is found from there
            return
        library = Path(os.environ.get("NORMA_PREBUILT") or build_library())
        shutil.copy2(library.resolve(), package / LIBRARY)


class PlatformWheel(bdist_wheel):
    def finalize_options(self):
        super().finalize_options()
        self.root_is_pure = False

    def get_tag(self):
        return "py3", "none", super().get_tag()[2]


class PlatformDistribution(Distribution):
    def has_ext_modules(self):  # lib goes beside the code that is for one platform
        return True


setup(
    version=version(),
    distclass=PlatformDistribution,
    cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": PlatformWheel},
)
