"""The build of the C core and its bindings; everything else is in pyproject.toml.

Environment
    GRU_C_OPENMP=0   build without OpenMP (every call runs on the calling thread)
    GRU_C_WERROR=1   turn warnings of the C core into errors
    GRU_C_SANITIZE=address,undefined   build with these sanitizers of the compiler, see the Makefile
"""

import os
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError, LinkError

SOURCES = sorted(str(path) for path in Path("src_c").rglob("*.[chi]*"))

# Only the source contracts multiply-adds, so that bits do not depend on the compiler's choices.
CORE_FLAGS = [
    "-std=c11",
    "-D_GNU_SOURCE",
    "-O3",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fvisibility=hidden",
]
SMALL = ["-g0"]  # no debug symbols: a third of the size
WARNINGS = ["-Wall", "-Wextra", "-Wshadow"]
SANITIZE = []
if os.environ.get("GRU_C_SANITIZE"):
    SANITIZE = ["-fsanitize=" + os.environ["GRU_C_SANITIZE"], "-fno-sanitize-recover"]
    SMALL = ["-O1", "-g", *SANITIZE]

AVX2 = ["-mavx2", "-mfma"]
AVX512 = [*AVX2, "-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl"]
ISA_FLAGS = {
    "x86_64": {"baseline": [], "avx2": AVX2, "avx512": AVX512},
    "aarch64": {"baseline": [], "neon": []},
    # Otherwise GCC computes float in double, as C allows, and vectors of float do not compile.
    "s390x": {"baseline": ["-fexcess-precision=fast"]},
}
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


def isa_units(platform):
    """Return the instruction sets of the target machine, with their compiler flags.

    `platform` is setuptools' name of the machine, such as linux-x86_64 or macosx-11.0-arm64.
    """
    machine = platform.rpartition("-")[2].lower()
    return ISA_FLAGS.get(MACHINES.get(machine, machine), {"baseline": []})


def core_units(platform, root):
    """Return the C files of the core, each with the compiler flags that only it has.

    All files in the folders of src_c/ are used, except those in isa/ for other machines.
    """
    isas = isa_units(platform)
    units = {path: [] for path in sorted(root.glob("src_c/*/*.c")) if "isa_" not in path.name}
    return units | {root / f"src_c/isa/isa_{name}.c": flags for name, flags in isas.items()}


class BuildCore(build_ext):
    """Compile each ISA unit with its own flags, which setuptools cannot do by itself."""

    def build_extensions(self):
        self.openmp = [] if os.environ.get("GRU_C_OPENMP") == "0" else self.find_openmp()
        super().build_extensions()

    def find_openmp(self):
        """Return the flags that compile and link an OpenMP program; [] if there are none."""
        folder = tempfile.mkdtemp()
        try:
            source = Path(folder, "probe.c")
            source.write_text("#include <omp.h>\nint main(void) { return omp_in_parallel(); }\n")
            objects = self.compiler.compile(
                [str(source)], output_dir=folder, extra_postargs=["-fopenmp"]
            )
            self.compiler.link_executable(
                objects, "probe", output_dir=folder, extra_postargs=["-fopenmp"]
            )
        except (CompileError, LinkError):
            print(
                "gru_c: this compiler has no OpenMP; building without threads. "
                "With Clang, install its libomp; with GCC, libgomp.",
                file=sys.stderr,
            )
            return []
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return ["-fopenmp"]

    def build_extension(self, ext):
        if ext.name != "gru_c._core":
            return super().build_extension(ext)
        openmp = self.openmp or ["-Wno-unknown-pragmas", "-DGRU_NO_THREADS"]
        flags = [*CORE_FLAGS, *SMALL, *WARNINGS, *openmp]
        if os.environ.get("GRU_C_WERROR") == "1":
            flags.append("-Werror")
        # for the table in isa/dispatch.c
        flags += [f"-DGRU_HAVE_{name.upper()}" for name in isa_units(self.plat_name)]

        def compile_unit(unit):
            source, extra = unit
            return self.compiler.compile(
                [str(source)],
                output_dir=self.build_temp,
                include_dirs=["src_c"],
                extra_postargs=[*flags, *extra],
                depends=SOURCES,
            )[0]

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            units = core_units(self.plat_name, Path()).items()
            ext.extra_objects = list(pool.map(compile_unit, units))
        ext.extra_link_args = [*self.openmp, *SANITIZE]
        return super().build_extension(ext)


def binding(name):
    """Return a Cython extension; NumPy's headers come from the NumPy that the build installed."""
    import numpy as np

    return Extension(
        f"gru_c.{name}",
        [f"gru_c/{name}.pyx"],
        include_dirs=["src_c", np.get_include()],
        extra_compile_args=SMALL,
        extra_link_args=SANITIZE,
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
        depends=SOURCES,
    )


setup(
    cmdclass={"build_ext": BuildCore},
    ext_modules=cythonize(
        [binding("_core"), binding("_blas")], compiler_directives={"language_level": "3"}
    ),
)
