/* The kernels for any CPU: 16-byte vectors, for which the compiler finds instructions (SSE2 on
 * x86-64). Multiply-adds are not fused: a fused one in software would cost a hundred times the
 * product. */
#define ISA baseline
#define VEC_REGISTERS 16
#define VEC_BYTES 16
#define FMA_f32(a, b, c) ((a) * (b) + (c))
#define FMA_f64(a, b, c) ((a) * (b) + (c))
#define MIN_f32(a, b) select_f32((a) < (b), a, b)
#define MIN_f64(a, b) select_f64((a) < (b), a, b)
#define MAX_f32(a, b) select_f32((a) > (b), a, b)
#define MAX_f64(a, b) select_f64((a) > (b), a, b)
#ifdef __SSE2__
#include <emmintrin.h>
#define PAIR_SUMS(v, word) _mm_madd_epi16((__m128i)(v), _mm_set1_epi32(word))
#endif
#include "isa/kernels.inc"
