/* The instruction sets of an x86 CPU, asked of the CPU itself: the compiler's builtin answers "no" to
 * everything where its runtime library is another's. An answer takes microseconds in a virtual
 * machine, so callers keep it. */
#ifndef GRU_ISA_CPU_H
#define GRU_ISA_CPU_H

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

typedef enum gru_register { GRU_EAX, GRU_EBX, GRU_ECX, GRU_EDX } gru_register;

/* Return 1 if the bits `wanted` are set in a register of CPUID's leaf. */
static inline int gru_cpu_has(unsigned leaf, unsigned subleaf, gru_register at, unsigned wanted) {
    unsigned r[4] = { 0, 0, 0, 0 };
    return __get_cpuid_count(leaf, subleaf, &r[0], &r[1], &r[2], &r[3]) &&
           (r[at] & wanted) == wanted;
}

/* Return 1 if the system saves the registers `wanted`: bits 1 and 2 for AVX, 5 to 7 for AVX-512. */
static inline int gru_system_saves(unsigned wanted) {
    enum { OSXSAVE = 1 << 27 };
    if (!gru_cpu_has(1, 0, GRU_ECX, OSXSAVE)) {
        return 0;
    }
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & wanted) == wanted;
}

static inline int gru_cpu_has_avx2(void) {
    enum { FMA = 1 << 12, AVX = 1 << 28, AVX2 = 1 << 5 };
    return gru_system_saves(0x06) && gru_cpu_has(1, 0, GRU_ECX, FMA | AVX) &&
           gru_cpu_has(7, 0, GRU_EBX, AVX2);
}

static inline int gru_cpu_has_avx512(void) {
    const unsigned f = 1u << 16, dq = 1u << 17, bw = 1u << 30, vl = 1u << 31;
    return gru_system_saves(0xe6) && gru_cpu_has_avx2() &&
           gru_cpu_has(7, 0, GRU_EBX, f | dq | bw | vl);
}

static inline int gru_cpu_has_avx512_bf16(void) {
    return gru_cpu_has(7, 1, GRU_EAX, 1u << 5);
}

static inline int gru_cpu_has_avx512_vnni(void) {
    return gru_cpu_has(7, 0, GRU_ECX, 1u << 11);
}
#endif

#endif
