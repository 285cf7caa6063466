/* The dtype template: set REAL_BITS to 32 or 64, include this file, then include a .inc body. The
 * template part has no include guard, because a .c file that needs both dtypes includes it twice.
 *
 * REAL         float or double
 * REAL_MAX     the largest finite number of the dtype
 * INTEGER      the signed integer of the same width
 * TYPED(name)  name_f32 or name_f64
 *
 * A template's types have short names at its head, such as PRODUCT for TYPED(gru_product): they are
 * macros, because each dtype has its own type. */
#ifndef GRU_COMMON_DTYPE_H
#define GRU_COMMON_DTYPE_H

#if !defined(__GNUC__) && !defined(__clang__)
#error "gru_c needs GCC or Clang: its kernels are written with their vector extensions"
#endif

#include <float.h>
#include <stdint.h>

#define GRU_PASTE_(a, b) a##b
#define GRU_PASTE(a, b) GRU_PASTE_(a, b)
#define TYPED(name) GRU_PASTE(name##_, REAL_NAME)

/* The function of a dtype that is known only at run time. */
#define BY_DTYPE(dtype, name) ((dtype) == GRU_F32 ? name##_f32 : name##_f64)

#endif

#undef REAL
#undef INTEGER
#undef REAL_NAME
#undef REAL_MAX

#ifdef REAL_BITS
#if REAL_BITS == 32
#define REAL float
#define REAL_MAX FLT_MAX
#define INTEGER int32_t
#define REAL_NAME f32
#elif REAL_BITS == 64
#define REAL double
#define REAL_MAX DBL_MAX
#define INTEGER int64_t
#define REAL_NAME f64
#else
#error "REAL_BITS is 32 or 64"
#endif
#endif
