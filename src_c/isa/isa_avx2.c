/* The kernels for x86-64 with AVX2 and FMA; compiled with -mavx2 -mfma. */
#ifdef GRU_HAVE_AVX2 /* a build for two machines has units that are empty for one of them */
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile isa_avx2.c with -mavx2 -mfma"
#endif

#include <immintrin.h>

#define ISA avx2
#define VEC_REGISTERS 16
#define VEC_BYTES 32
#define FMA_f32(a, b, c) _mm256_fmadd_ps(a, b, c)
#define FMA_f64(a, b, c) _mm256_fmadd_pd(a, b, c)
#define MIN_f32(a, b) _mm256_min_ps(a, b)
#define MIN_f64(a, b) _mm256_min_pd(a, b)
#define MAX_f32(a, b) _mm256_max_ps(a, b)
#define MAX_f64(a, b) _mm256_max_pd(a, b)
#define PAIR_SUMS(v, word) _mm256_madd_epi16((__m256i)(v), _mm256_set1_epi32(word))
#include "isa/kernels.inc"
#endif
