"""The build: what a user's CFLAGS cannot change, and sdists that are the same bytes."""

import os
import platform
import tarfile

import pytest
from core_build import ROOT, compiler, core_units, isa_units, run, settings

USERS_FLAGS = [
    ["-ffast-math"],
    ["-Ofast", "-funsafe-math-optimizations", "-fassociative-math", "-freciprocal-math"],
    ["-ffinite-math-only", "-fno-signed-zeros"],
    ["-march=native", "-mtune=generic"],
]
UNIT = ROOT / "src_c" / "packed" / "matmul.c"


@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="flags of x86-64")
@pytest.mark.parametrize("flags", USERS_FLAGS, ids=" ".join)
def test_flags_of_the_user_change_no_instruction_of_the_core(tmp_path, flags):
    if "Free Software Foundation" not in run(compiler(), "--version"):
        pytest.skip("flags of GCC")

    def assembler(*users):
        target = tmp_path / "unit.s"
        own = dict(core_units())[UNIT]
        core = [*users, *settings()["CORE_FLAGS"], "-g0", *own]
        run(compiler(), "-I", ROOT / "src_c", *core, "-S", UNIT, "-o", target)
        return target.read_text()

    assert assembler(*flags) == assembler()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("linux-x86_64", ["baseline", "avx2", "avx512"]),
        ("win-amd64", ["baseline", "avx2", "avx512"]),
        ("mingw_x86_64_ucrt", ["baseline", "avx2", "avx512"]),
        ("macosx-11.0-arm64", ["baseline", "neon"]),
        ("linux-aarch64", ["baseline", "neon"]),
        ("macosx-10.13-universal2", ["baseline", "avx2", "avx512", "neon"]),
        ("linux-i686", ["baseline"]),
        ("win32", ["baseline"]),
        ("linux-s390x", ["baseline"]),
    ],
)
def test_each_machine_has_its_instruction_sets(name, expected):
    assert list(settings()["isa_units"](name)) == expected
    assert isa_units()


def test_clang_cl_is_given_the_flags_that_bits_depend_on():
    flags = [settings()["spelled_for_clang_cl"](flag) for flag in settings()["CORE_FLAGS"]]
    assert {"/clang:-ffp-contract=off", "/clang:-O3", "-D_GNU_SOURCE"} < set(flags)


def test_an_sdist_does_not_depend_on_time_and_permissions(tmp_path, monkeypatch):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    contents = []
    for folder, moment, mode in (("first", 10**9, 0o600), ("second", 2 * 10**9, 0o666)):
        root = tmp_path / folder / "gru_c-1"
        root.mkdir(parents=True)
        for name in ("b", "a") if folder == "first" else ("a", "b"):
            (root / name).write_text(name)
            os.utime(root / name, (moment, moment))
            (root / name).chmod(mode)
        path = settings()["write_archive"](str(tmp_path / folder / "dist" / "s.tar.gz"), str(root))
        with tarfile.open(path) as archive:
            assert archive.getnames() == ["gru_c-1", "gru_c-1/a", "gru_c-1/b"]
            assert {entry.mtime for entry in archive} == {315532800}
        with open(path, "rb") as file:
            contents.append(file.read())
    assert contents[0] == contents[1]
