#!/usr/bin/env bash
# Builds the core and guard_harness.c for other machines and runs some of its cases under QEMU:
# AArch64 (NEON), s390x (big-endian) and riscv64 by cross compilers, and a Nehalem (no AVX, no FMA)
# and a Haswell (AVX2) by the compiler of this machine if it is x86-64.
#
#   tests/support/emulated.sh [machine ...]
#
# Debian has them as qemu-user and gcc-{aarch64,s390x,riscv64}-linux-gnu. CASES names the cases.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || set -- aarch64 s390x riscv64 nehalem haswell
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cases=${CASES:-5 18 33 68 73}

build() { # folder, compiler, instruction sets ...
    local folder=$1 cc=$2 flags source own name
    shift 2
    mkdir -p "$folder"
    flags="-std=c11 -D_GNU_SOURCE -O2 -ffp-contract=off -fno-math-errno -Wno-unknown-pragmas -Isrc_c"
    [[ $cc == s390x* ]] && flags+=" -fexcess-precision=fast" # as in setup.py
    for name in "$@"; do flags+=" -DGRU_HAVE_${name^^}"; done
    for source in src_c/*/*.c tests/support/guard_harness.c; do
        own=
        case $source in src_c/isa/isa_*)
            name=${source#src_c/isa/isa_}
            [[ " $* " == *" ${name%.c} "* ]] || continue
            [ "$name" = avx2.c ] && own="-mavx2 -mfma"
            ;;
        esac
        echo "$cc $flags $own -c $source -o $folder/${source//\//_}.o"
    done | xargs -P "$(nproc)" -I{} sh -c '{}'
    $cc -static "$folder"/*.o -lm -lpthread -o "$folder/harness"
}

run() { # folder, emulator ...
    local folder=$1 number
    shift
    for number in $cases; do
        "$@" "$folder/harness" "$number"
    done
}

for machine in "$@"; do
    case $machine in
    aarch64)
        build "$work/aarch64" aarch64-linux-gnu-gcc baseline neon
        run "$work/aarch64" qemu-aarch64
        ;;
    s390x | riscv64)
        build "$work/$machine" "$machine-linux-gnu-gcc" baseline
        run "$work/$machine" "qemu-$machine"
        ;;
    nehalem | haswell)
        [ -e "$work/x86/harness" ] || build "$work/x86" "${CC:-cc}" baseline avx2
        run "$work/x86" qemu-x86_64 -cpu "${machine^}"
        ;;
    *)
        echo "no such machine: $machine" >&2
        exit 2
        ;;
    esac
    echo "$machine: cases $cases are right"
done
