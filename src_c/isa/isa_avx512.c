/* The kernels for x86-64 with AVX-512 (F, BW, DQ, VL); compiled with the flags of the same
 * names. */
#ifdef GRU_HAVE_AVX512 /* a build for two machines has units that are empty for one of them */
#if !defined(__AVX512F__) || !defined(__AVX512BW__) || !defined(__AVX512DQ__) ||                   \
    !defined(__AVX512VL__) || !defined(__FMA__)
#error "compile isa_avx512.c with -mavx2 -mfma -mavx512f -mavx512bw -mavx512dq -mavx512vl"
#endif

#include <immintrin.h>
#include <stdatomic.h>

#include "isa/cpu.h"

#define ISA avx512
#define VEC_REGISTERS 32
#define VEC_BYTES 64
#define FMA_f32(a, b, c) _mm512_fmadd_ps(a, b, c)
#define FMA_f64(a, b, c) _mm512_fmadd_pd(a, b, c)
#define MIN_f32(a, b) _mm512_min_ps(a, b)
#define MIN_f64(a, b) _mm512_min_pd(a, b)
#define MAX_f32(a, b) _mm512_max_ps(a, b)
#define MAX_f64(a, b) _mm512_max_pd(a, b)
#define PAIR_SUMS(v, word) _mm512_madd_epi16((__m512i)(v), _mm512_set1_epi32(word))
#define REDUCED_FASTER "reduced/avx512.inc"
#include "isa/kernels.inc"
#endif
