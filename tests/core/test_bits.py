"""The bits of results are those of the stored table: a change of bits is a decision."""

import bits
import pytest

from gru_c import _core

AVX2, AVX512 = "x86_64 avx2", "x86_64 avx512"


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("threads", [1, 2])
def test_results_have_the_stored_bits(threads, monkeypatch):
    isa, tables = bits.name_of(_core.active_isa()), bits.stored()
    monkeypatch.setattr("gru_c.runtime.threads._num_threads", threads)
    expected = tables.get(isa)
    if expected is None and isa == AVX512:  # its forward pass has the bits of AVX2
        expected = {k: v for k, v in tables[AVX2].items() if k.split()[0] in ("forward", "step")}
    if expected is None:
        pytest.skip(f"no bits are stored for {isa}: run python tests/support/bits.py")
    actual = bits.table()
    different = [name for name, value in expected.items() if actual.get(name) != value]
    assert not different, (
        f"{len(different)} of {len(expected)} results have other bits with {isa}, such as "
        f"{different[:3]}. If that is meant, run python tests/support/bits.py and say so in the "
        "changelog."
    )
    if isa in tables:
        assert set(actual) == set(expected)


def test_the_table_can_be_trusted():
    """Other numbers have another hash; AVX2 and AVX-512 have one forward pass."""
    sizes, options = bits.SIZES[1], bits.OPTIONS["plain"]
    forward, backward = bits.of_passes(sizes, "float32", True, options)
    assert forward != backward
    assert forward != bits.of_passes(sizes, "float32", True, bits.OPTIONS["backwards"])[0]
    tables = bits.stored()
    if {AVX2, AVX512} <= set(tables):
        names = [name for name in tables[AVX2] if name.startswith("forward")]
        assert all(tables[AVX2][name] == tables[AVX512][name] for name in names)
