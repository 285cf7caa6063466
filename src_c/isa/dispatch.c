/* The instruction sets that this CPU can run, and the kernels of the one in use. */
#include <stdatomic.h>

#include "isa/cpu.h"
#include "isa/kernels.h"
#include "reduced/reduced.h"

typedef struct isa {
    const char *name;
    int (*supported)(void);
    const gru_kernels_f32 *kernels_f32;
    const gru_kernels_f64 *kernels_f64;
    const gru_reduced *reduced; /* best first; the last entry is empty */
} isa;

#define DECLARE_ISA(name)                                                                          \
    extern const gru_kernels_f32 gru_kernels_f32_##name;                                           \
    extern const gru_kernels_f64 gru_kernels_f64_##name;                                           \
    extern const gru_reduced gru_reduced_##name[];
#define ISA_ENTRY(name, supported)                                                                 \
    { #name, supported, &gru_kernels_f32_##name, &gru_kernels_f64_##name, gru_reduced_##name }

static int always(void) {
    return 1;
}

DECLARE_ISA(baseline)

/* The build defines GRU_HAVE_* for the units that it has compiled. */
#ifdef GRU_HAVE_AVX2
DECLARE_ISA(avx2)
#endif

#ifdef GRU_HAVE_AVX512
DECLARE_ISA(avx512)
#endif

#ifdef GRU_HAVE_NEON
DECLARE_ISA(neon)
#endif

/* Best first. */
static const isa ISAS[] = {
#ifdef GRU_HAVE_AVX512
    ISA_ENTRY(avx512, gru_cpu_has_avx512),
#endif
#ifdef GRU_HAVE_AVX2
    ISA_ENTRY(avx2, gru_cpu_has_avx2),
#endif
#ifdef GRU_HAVE_NEON
    ISA_ENTRY(neon, always),
#endif
    ISA_ENTRY(baseline, always),
};

static const isa *_Atomic chosen; /* null: not yet */

/* Return instruction set i of those that this CPU can run; null past the last. */
static const isa *supported_isa(size_t i) {
    for (size_t k = 0; k < sizeof ISAS / sizeof *ISAS; k++) {
        if (ISAS[k].supported() && i-- == 0) {
            return &ISAS[k];
        }
    }
    return NULL;
}

static const isa *active(void) {
    const isa *use = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (!use) {
        use = supported_isa(0);
        atomic_store_explicit(&chosen, use, memory_order_relaxed);
    }
    return use;
}

const char *gru_isa_name(size_t i) {
    const isa *supported = supported_isa(i);
    return supported ? supported->name : NULL;
}

const char *gru_active_isa(void) {
    return active()->name;
}

gru_status gru_select_isa(const char *name) {
    const isa *candidate;
    for (size_t i = 0; (candidate = supported_isa(i)) != NULL; i++) {
        if (strcmp(candidate->name, name) == 0) {
            atomic_store_explicit(&chosen, candidate, memory_order_relaxed);
            return GRU_OK;
        }
    }
    return GRU_NO_ISA;
}

const gru_kernels_f32 *gru_active_kernels_f32(void) {
    return active()->kernels_f32;
}

const gru_kernels_f64 *gru_active_kernels_f64(void) {
    return active()->kernels_f64;
}

const gru_reduced *gru_active_reduced(gru_weight_format format) {
    for (const gru_reduced *entry = active()->reduced; entry->product; entry++) {
        if (entry->format == format && (!entry->supported || entry->supported())) {
            return entry;
        }
    }
    return NULL;
}

size_t gru_active_lanes(gru_dtype dtype) {
    return dtype == GRU_F32 ? active()->kernels_f32->lanes : active()->kernels_f64->lanes;
}

int gru_active_by_blocks(void) {
    return active()->kernels_f32->by_blocks;
}

int gru_active_fma(void) {
    return active() != &ISAS[sizeof ISAS / sizeof *ISAS - 1]; /* all except the baseline */
}
