#!/usr/bin/env bash
# Fuzzes the core's entry points and the readers of files for some minutes each; see kernels.c and
# readers.py. Needs clang with libFuzzer (CLANG names it) and the package atheris.
#
#   fuzz/run.sh [minutes] [kernels | a reader's name ...]
#
# Inputs that reach new code are kept in build/fuzz, those that fail in build/fuzz/failed.
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=${1:-1}
shift || true
[ $# -gt 0 ] || set -- kernels safetensors predictor checkpoint forecaster keras h5 onnx csv
clang=${CLANG:-clang}
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}
mkdir -p build/fuzz/failed

# A pointer that is null plus 0 is not an error here: kernels compute it for arrays without elements.
flags=(-std=c11 -D_GNU_SOURCE -O1 -g -ffp-contract=off -fno-math-errno -Isrc_c
    -Wno-unknown-pragmas -DGRU_NO_THREADS -fno-sanitize-recover=all
    -fsanitize=address,undefined -fno-sanitize=pointer-overflow)

build_kernels() {
    local folder=build/fuzz/objects units=(baseline) source unit
    [ "$(uname -m)" = aarch64 ] && units=(baseline neon)
    [ "$(uname -m)" = x86_64 ] && units=(baseline avx2 avx512)
    for unit in "${units[@]}"; do flags+=("-DGRU_HAVE_${unit^^}"); done
    mkdir -p "$folder"
    for source in src_c/*/*.c; do
        case $source in
        *isa_avx2.c) [[ " ${units[*]} " == *" avx2 "* ]] && echo "$source -mavx2 -mfma" ;;
        *isa_avx512.c)
            [[ " ${units[*]} " == *" avx512 "* ]] &&
                echo "$source -mavx2 -mfma -mavx512f -mavx512bw -mavx512dq -mavx512vl"
            ;;
        *isa_neon.c) [[ " ${units[*]} " == *" neon "* ]] && echo "$source" ;;
        *) echo "$source" ;;
        esac || true
    done | while read -r source own; do
        echo "$clang ${flags[*]} -fsanitize=fuzzer-no-link $own -c $source -o $folder/${source//\//_}.o"
    done | xargs -P "$(nproc)" -I{} sh -c '{}'
    "$clang" "${flags[@]}" -fsanitize=fuzzer -Wno-unused-function fuzz/kernels.c "$folder"/*.o \
        -lm -lpthread -o build/fuzz/kernels
}

for name in "$@"; do
    corpus=build/fuzz/$name
    mkdir -p "$corpus"
    options=(-max_total_time=$((60 * minutes)) -artifact_prefix=build/fuzz/failed/ -timeout=60
        -print_final_stats=1)
    echo "== $name"
    if [ "$name" = kernels ]; then
        build_kernels
        build/fuzz/kernels "${options[@]}" -max_len=96 -len_control=0 "$corpus" fuzz/corpus/kernels
    else
        python fuzz/readers.py "$name" "${options[@]}" "$corpus"
    fi
done
