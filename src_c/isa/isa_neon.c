/* The kernels for 64-bit ARM, where NEON with fused multiply-add is always there. */
#ifdef GRU_HAVE_NEON /* a build for two machines has units that are empty for one of them */
#if !defined(__aarch64__) || !defined(__ARM_NEON)
#error "isa_neon.c is for 64-bit ARM"
#endif

#include <arm_neon.h>

#define ISA neon
#define VEC_REGISTERS 32
#define VEC_BYTES 16
#define FMA_f32(a, b, c) vfmaq_f32(c, a, b)
#define FMA_f64(a, b, c) vfmaq_f64(c, a, b)
#define MIN_f32(a, b) vminq_f32(a, b) /* NaN if a or b is NaN */
#define MIN_f64(a, b) vminq_f64(a, b)
#define MAX_f32(a, b) vmaxq_f32(a, b)
#define MAX_f64(a, b) vmaxq_f64(a, b)
#include "isa/kernels.inc"
#endif
