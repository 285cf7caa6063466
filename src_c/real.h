/* The dtype template: include with REAL_BITS set to 32 or 64, then include a .inc body. No include
 * guard: each .c that needs both dtypes does this twice.
 *
 * REAL         float or double
 * REAL_MAX     the largest finite one
 * INTEGER      the signed integer of the same width
 * TYPED(name)  name_f32 or name_f64
 */
#undef REAL
#undef INTEGER
#undef REAL_NAME
#undef REAL_MAX

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
#error "set REAL_BITS to 32 or 64 before including real.h"
#endif

#ifndef TYPED
#define GRU_PASTE_(a, b) a##b
#define GRU_PASTE(a, b) GRU_PASTE_(a, b)
#define TYPED(name) GRU_PASTE(name##_, REAL_NAME)
#endif
