#!/usr/bin/env bash
# Builds a copy of the tree with AddressSanitizer and UndefinedBehaviorSanitizer, and runs the tests of
# the core in it; beside them guard_harness.c, linked with the same objects.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -c --exclude='*.so' --exclude='gru_c/*.c' gru_c src_c tests bench setup.py pyproject.toml \
    README.md LICENSE | tar -x -C "$work"
cd "$work"
export PYTHONPATH=$work PYTHONDONTWRITEBYTECODE=1
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1
export GRU_C_SANITIZE=address,undefined

python setup.py -q build_ext --inplace
GRU_C_TEST_OBJECTS=$(dirname "$(find build -type d -name src_c)")
export GRU_C_TEST_OBJECTS
export GRU_C_TEST_CFLAGS="-fsanitize=$GRU_C_SANITIZE -fno-sanitize-recover -g -fopenmp"
cc=${CC:-cc}
run_tests() {
    LD_PRELOAD="$($cc -print-file-name=libasan.so) $($cc -print-file-name=libubsan.so)" \
        python -m pytest -q -p no:cacheprovider "$@"
}
run_tests -m slow tests/core/test_guards.py &
guards=$!
run_tests tests/core/test_activation_kernels.py tests/core/test_arrays.py \
    tests/core/test_entry_points.py tests/core/test_misuse.py tests/core/test_packed.py \
    tests/functional/test_gru.py tests/functional/test_arrays.py tests/functional/test_cells.py \
    tests/recurrence/test_inference_weights.py tests/recurrence/test_options.py \
    tests/layers/test_gru.py tests/layers/base/test_recurrent_passes.py tests/layers/test_dense.py \
    tests/layers/test_dropout.py tests/layers/base/test_weight_holder.py \
    tests/parameters/test_flat.py tests/streaming/test_stream.py tests/streaming/test_stages.py \
    tests/streaming/test_stream_use.py tests/streaming/test_stream_weights.py
wait "$guards"
