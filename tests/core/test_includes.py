"""The folders of the core: each file includes only what lies in its own folder or below it."""

import re
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "src_c"

# From the ground up. Only the kernels, their table and the weights of fewer bits, which are made
# together for each instruction set, include each other.
FLOORS = """
gru.h
gru_layers.h gru_watch.h gru_ctc.h
common
isa kernels reduced
packed blas
api
"""
FLOOR = {room: n for n, line in enumerate(FLOORS.strip().splitlines()) for room in line.split()}
TOGETHER = FLOOR["isa"]

pytestmark = pytest.mark.skipif(not CORE.is_dir(), reason="needs the sources")


def faults(path, core=CORE):
    """Return a sentence for each include of a file that does not point down."""
    room = path.relative_to(core).parts[0]
    sentences = []
    for name in re.findall(r'#\s*include "([^"]+)"', path.read_text()):
        target = name.split("/")[0]
        if target not in FLOOR:
            sentences.append(f'{path} includes {name}: write #include "room/file"')
            continue
        below = FLOOR[target] < FLOOR[room]
        together = FLOOR[target] == FLOOR[room] == TOGETHER
        if not (below or together or target == room):
            sentences.append(
                f"{path} includes {name}: '{room}' may include only what is below it. Move what "
                "both need to a lower folder."
            )
    return sentences


def test_includes_point_down():
    sources = [path for path in CORE.rglob("*.[chi]*") if path.is_file()]
    assert len(sources) > 20
    sentences = [sentence for path in sorted(sources) for sentence in faults(path)]
    assert not sentences, "\n".join(sentences)


def test_every_file_lies_in_a_folder_of_the_list():
    assert {path.name for path in CORE.iterdir()} == set(FLOOR)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('#include "packed/plan.h"', "'common' may include only what is below it"),
        ('#include "isa/kernels.h"', "'common' may include only what is below it"),
        ('#include "plan.h"', "write #include"),
        ('#include "gru.h"', None),
        ('#include "common/memory.h"', None),
        ("#include <string.h>", None),
    ],
)
def test_an_include_that_points_up_is_reported(tmp_path, line, fault):
    path = tmp_path / "common" / "memory.c"
    path.parent.mkdir()
    path.write_text(line + "\n")
    sentences = faults(path, tmp_path)
    assert (fault in sentences[0]) if fault else not sentences
