"""The build of the C core and its binding; everything else is in pyproject.toml.

Environment
    GRU_C_OPENMP=0   build without OpenMP, which only the BLAS engine uses
    GRU_C_THREADS=0  build without threads: every call runs on the calling thread
    GRU_C_WERROR=1   turn warnings of the C core into errors
    GRU_C_SANITIZE=address,undefined   build with these sanitizers of the compiler, see the Makefile

Objects are kept in build/objects, under a digest of all that they depend on. So nothing is compiled
again unless it has changed, also by pip, which gives each build a new folder; and builds that run
at the same time do not meet.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist
from setuptools.errors import CompileError, LinkError

SOURCES = sorted(str(path) for path in Path("src_c").rglob("*.[chi]*"))

# Only the source contracts multiply-adds, so that bits do not depend on the compiler's choices.
# Those of the user come before these: the second part undoes what would change bits.
CORE_FLAGS = [
    "-std=c11",
    "-D_GNU_SOURCE",
    "-O3",
    "-fno-fast-math",
    "-fno-unsafe-math-optimizations",
    "-fno-associative-math",
    "-fno-reciprocal-math",
    "-fno-finite-math-only",
    "-fsigned-zeros",
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
# Whatever CPU the user's flags name, the baseline runs on every CPU of its kind.
LEAST_X86 = ["-march=x86-64", "-mno-sse3"]
ISA_FLAGS = {
    "x86_64": {
        "baseline": LEAST_X86,
        "avx2": [*LEAST_X86[:1], *AVX2],
        "avx512": [*LEAST_X86[:1], *AVX512],
    },
    "i686": {"baseline": ["-msse2", "-mfpmath=sse"]},
    "aarch64": {"baseline": [], "neon": []},
    # Both kinds in one file: Clang gives each flag to the kind that it is for.
    "universal2": {
        "baseline": [],
        "avx2": [word for flag in AVX2 for word in ("-Xarch_x86_64", flag)],
        "avx512": [word for flag in AVX512 for word in ("-Xarch_x86_64", flag)],
        "neon": [],
    },
    # Otherwise GCC computes float in double, as C allows, and vectors of float do not compile.
    "s390x": {"baseline": ["-fexcess-precision=fast"]},
}
MACHINES = {
    "amd64": "x86_64",
    "arm64": "aarch64",
    "i386": "i686",
    "i586": "i686",
    "win32": "i686",
}
MOST_OBJECTS = 6  # of a source, for builds with different flags


def isa_units(platform):
    """Return the instruction sets of the target machine, with their compiler flags.

    `platform` is setuptools' name of the machine: linux-x86_64, macosx-11.0-arm64, win-amd64,
    mingw_x86_64_ucrt.
    """
    machine = platform.rpartition("-")[2].lower()
    if machine.startswith("mingw"):
        machine = next((name for name in ISA_FLAGS if name in machine), machine)
    return ISA_FLAGS.get(MACHINES.get(machine, machine), {"baseline": []})


def core_units(platform, root):
    """Return the C files of the core, each with the compiler flags that only it has.

    All files in the folders of src_c/ are used, except those in isa/ for other machines.
    """
    isas = isa_units(platform)
    units = {
        path: isas["baseline"] if "universal2" not in platform else []
        for path in sorted(root.glob("src_c/*/*.c"))
        if "isa_" not in path.name
    }
    return units | {root / f"src_c/isa/isa_{name}.c": flags for name, flags in isas.items()}


def spelled_for_clang_cl(flag):
    """Return a flag as clang-cl takes it, which ignores those of GCC unless /clang: is before."""
    return flag if flag.startswith("-D") else f"/clang:{flag}"


def digest_of(*parts):
    """Return a name for the content of texts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


class BuildCore(build_ext):
    """Compile each ISA unit with its own flags, which setuptools cannot do by itself."""

    def build_extensions(self):
        self.prepare_compiler()
        self.openmp = [] if os.environ.get("GRU_C_OPENMP") == "0" else self.find_openmp()
        super().build_extensions()

    def prepare_compiler(self):
        """Choose clang-cl on Windows; end with one message where there is no compiler."""
        self.is_msvc = self.compiler.compiler_type == "msvc"
        if self.is_msvc:
            self.compiler.initialize()
            command = [shutil.which("clang-cl") or "clang-cl"]
            self.compiler.cc = command[0]
            missing = not shutil.which(command[0])
            advice = "LLVM's clang-cl; MSVC cannot compile it"
        else:
            command = self.compiler.compiler_so
            missing = not shutil.which(command[0])
            advice = (
                "GCC or Clang. Debian, Ubuntu: apt-get install gcc libc6-dev python3-dev; Fedora: "
                "dnf install gcc python3-devel; macOS: xcode-select --install"
            )
        if missing:
            raise SystemExit(f"gru_c: there is no C compiler {command[0]!r}. Install {advice}")
        version = subprocess.run(
            [command[0], "--version"], capture_output=True, text=True, check=False
        )
        # zig writes the name of the architecture in its own way.
        self.renamed = {"-march=x86-64": "-march=x86_64"} if "ziglang" in command else {}
        # Flags of the environment are in the command, too.
        self.compiler_key = digest_of(*command, version.stdout)

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
                "gru_c: this compiler has no OpenMP, so engine='blas' will run on one thread; the "
                "usual engine has threads of its own.",
                file=sys.stderr,
            )
            return []
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return ["-fopenmp"]

    def build_extension(self, ext):
        openmp = self.openmp or ["-Wno-unknown-pragmas"]
        flags = [*CORE_FLAGS, *SMALL, *WARNINGS, *openmp]
        if os.environ.get("GRU_C_THREADS") == "0":
            flags.append("-DGRU_NO_THREADS")
        if os.environ.get("GRU_C_WERROR") == "1":
            flags.append("-Werror")
        # for the table in isa/dispatch.c, and for the units themselves
        for name in isa_units(self.plat_name):
            flags += self.macro_of_isa(name)
        core = digest_of(*(Path(path).read_text(encoding="utf-8") for path in SOURCES))
        python = digest_of(core, sys.version, *sorted(ext.define_macros[0]), numpy_version())

        least = [] if "universal2" in self.plat_name else isa_units(self.plat_name)["baseline"]

        def compile_unit(unit):
            source, extra = unit
            return self.compile_once(source, [*flags, *extra], core, include_dirs=["src_c"])

        units = core_units(self.plat_name, Path()).items()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            binding = pool.submit(
                self.compile_once,
                *(Path(ext.sources[0]), [*SMALL, "-fno-fast-math", *least], python),
                include_dirs=ext.include_dirs,
                macros=ext.define_macros,
            )
            ext.extra_objects = [*pool.map(compile_unit, units), binding.result()]
        ext.sources, ext.depends = [], list(ext.extra_objects)
        pthread = [] if os.name == "nt" else ["-pthread"]
        # -ffast-math at the link would change how the whole process rounds
        exact = [] if self.is_msvc else ["-fno-fast-math"]
        ext.extra_link_args = [*self.openmp, *pthread, *exact, *SANITIZE]
        return super().build_extension(ext)

    def macro_of_isa(self, name):
        """Return the flags that say that the core has an instruction set."""
        macro = f"-DGRU_HAVE_{name.upper()}"
        if "universal2" not in self.plat_name or name == "baseline":
            return [macro]
        return ["-Xarch_arm64" if name == "neon" else "-Xarch_x86_64", macro]

    def compile_once(self, source, flags, depends, **options):
        """Return the object of a source: one that is kept, or a new one."""
        flags = [self.renamed.get(flag, flag) for flag in flags]
        if self.is_msvc:  # setuptools gives it flags of MSVC alone, too
            flags = [spelled_for_clang_cl(flag) for flag in flags]
            flags.append("-Wno-unused-command-line-argument")
        key = digest_of(
            *(self.plat_name, self.compiler_key, depends, *flags),
            source.read_text(encoding="utf-8"),
        )
        folder = Path("build", "objects", *source.with_suffix("").parts)
        kept = folder / f"{key}{self.compiler.obj_extension}"
        if kept.exists() and not self.force:
            os.utime(kept)
            return str(kept)
        folder.mkdir(parents=True, exist_ok=True)
        new = tempfile.mkdtemp(dir=folder)
        try:
            objects = self.compiler.compile(
                [str(source)], output_dir=new, extra_postargs=flags, **options
            )
            os.replace(objects[0], kept)  # at once: another build may read it
        finally:
            shutil.rmtree(new, ignore_errors=True)
        by_age = sorted(folder.glob(f"*{kept.suffix}"), key=lambda path: -path.stat().st_mtime)
        for old in by_age[MOST_OBJECTS:]:
            old.unlink(missing_ok=True)
        return str(kept)


class PlainSdist(sdist):
    """Write an sdist that has the same bytes whenever and by whomever it is written."""

    def make_archive(  # with the names of setuptools
        self,
        base_name,
        format,  # noqa: A002
        root_dir=None,
        base_dir=None,
        **owner,
    ):
        if format != "gztar":
            return super().make_archive(base_name, format, root_dir, base_dir, **owner)
        return write_archive(f"{base_name}.tar.gz", base_dir)


def write_archive(path, folder):
    """Write a folder into a .tar.gz without times, users or permissions; return the path."""
    import gzip
    import tarfile

    # The first second that a wheel, made of these files, can express.
    moment = int(os.environ.get("SOURCE_DATE_EPOCH", "315532800"))

    def plain(entry):
        entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = moment, 0, 0, "", ""
        entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry

    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with (
        open(path, "wb") as file,
        gzip.GzipFile("", "wb", 9, file, moment) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        archive.add(folder, Path(folder).name, filter=plain)
    return path


def numpy_version():
    import numpy as np

    return np.__version__


def binding(name):
    """Return a Cython extension; NumPy's headers come from the NumPy that the build installed."""
    import numpy as np

    return Extension(
        f"gru_c.{name}",
        [f"gru_c/{name}.pyx"],
        include_dirs=["src_c", np.get_include()],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
        depends=SOURCES,
    )


def extensions():
    """Return the extensions, with their C files written by one build at a time."""
    Path("build").mkdir(exist_ok=True)
    with open("build/lock", "w") as lock:
        if os.name == "posix":
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        return cythonize([binding("_core")], compiler_directives={"language_level": "3"})


setup(cmdclass={"build_ext": BuildCore, "sdist": PlainSdist}, ext_modules=extensions())
