#!/usr/bin/env bash
# Builds a copy of the tree with counters, runs the core's tests and guard_harness.c in it on each
# instruction set of this machine, and prints the lines and branches of src_c that they reach.
# Arguments: least percent of lines and of branches.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -c --exclude='*.so' --exclude='gru_c/*.c' gru_c src_c tests bench setup.py pyproject.toml \
    README.md LICENSE | tar -x -C "$work"
cd "$work"
export PYTHONPATH=$work PYTHONDONTWRITEBYTECODE=1
CC="${CC:-cc} --coverage" python setup.py -q build_ext --inplace
GRU_C_TEST_OBJECTS=$(dirname "$(find build -type d -name src_c)") \
    GRU_C_TEST_CFLAGS="--coverage -fopenmp" \
    python -m pytest -q -p no:cacheprovider -m slow tests/core/test_guards.py
python -m pytest -q -p no:cacheprovider tests/core tests/recurrence tests/streaming tests/serving \
    tests/functional/test_gru.py tests/functional/test_arrays.py tests/functional/test_cells.py tests/test_argument_pairs.py \
    tests/layers/test_gru.py tests/layers/test_dense.py tests/layers/test_convolution.py \
    tests/optimizers tests/network/test_training_runs.py
python tests/support/coverage.py "$work" "${1:-0}" "${2:-0}"
