/* Measures the rate of multiply-adds that this machine reaches, its peak.

   The compiler's flags choose the vector: BYTES is its size, CHAINS the number of independent
   accumulators. A core must have latency times throughput of them in flight (8 to 16), and they
   must stay in registers (16 or 32, less two operands). */

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#if defined(__AVX512F__)
#define BYTES 64
#define CHAINS 24
#elif defined(__AVX__)
#define BYTES 32
#define CHAINS 12
#elif defined(__aarch64__)
#define BYTES 16
#define CHAINS 24
#else
#define BYTES 16
#define CHAINS 12
#endif

#define MOST_THREADS 256

typedef struct {
    long iterations;
    atomic_int ready, go, done; /* go: 0 wait, 1 work, -1 leave */
} burst;

typedef void (*chain_loop)(long iterations);

/* acc = acc * a + b converges to b / (1 - a): it never overflows or becomes subnormal. */
#define CHAIN_LOOP(name, real)                                                                     \
    static volatile real name##_sink;                                                              \
    static void name(long iterations) {                                                            \
        typedef real vec __attribute__((vector_size(BYTES)));                                      \
        volatile real factor = (real)0.875, term = (real)0.125;                                    \
        vec a = (vec){ 0 } + factor, b = (vec){ 0 } + term, acc[CHAINS];                           \
        for (int i = 0; i < CHAINS; i++)                                                           \
            acc[i] = (vec){ 0 } + (real)i;                                                         \
        for (long k = 0; k < iterations; k++) {                                                    \
            _Pragma("GCC unroll 32") for (int i = 0; i < CHAINS; i++) acc[i] = acc[i] * a + b;     \
        }                                                                                          \
        for (int i = 1; i < CHAINS; i++)                                                           \
            acc[0] += acc[i];                                                                      \
        for (unsigned i = 0; i < sizeof(vec) / sizeof(real); i++)                                  \
            name##_sink = acc[0][i];                                                               \
    }

CHAIN_LOOP(loop_float32, float)
CHAIN_LOOP(loop_float64, double)

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct {
    burst *shared;
    chain_loop loop;
} worker_argument;

static void *worker(void *argument) {
    worker_argument *mine = argument;
    int go;
    atomic_fetch_add(&mine->shared->ready, 1);
    while ((go = atomic_load(&mine->shared->go)) == 0) {
    }
    if (go == 1)
        mine->loop(mine->shared->iterations);
    atomic_fetch_add(&mine->shared->done, 1);
    return 0;
}

/* Seconds from the moment when all threads are ready to the one when all are done; -1 when they
   could not be started. */
static double run(chain_loop loop, long iterations, int threads) {
    pthread_t others[MOST_THREADS];
    burst shared = { iterations, 0, 0, 0 };
    worker_argument argument = { &shared, loop };
    int started = 0;
    if (threads < 1 || threads > MOST_THREADS)
        return -1;
    while (started < threads - 1 && !pthread_create(&others[started], 0, worker, &argument))
        started++;
    int all = started == threads - 1;
    while (all && atomic_load(&shared.ready) < started) {
    }
    double begin = now();
    atomic_store(&shared.go, all ? 1 : -1);
    if (all)
        loop(iterations);
    while (atomic_load(&shared.done) < started) {
    }
    double seconds = now() - begin;
    for (int i = 0; i < started; i++)
        pthread_join(others[i], 0);
    return all ? seconds : -1;
}

/* FLOP/s of all threads together; negative when they could not be started. */
#define PROBE(name, real)                                                                          \
    double probe_##name(long iterations, int threads) {                                            \
        double flops = 2.0 * (BYTES / sizeof(real)) * CHAINS * (double)iterations * threads;       \
        return flops / run(loop_##name, iterations, threads);                                      \
    }

PROBE(float32, float)
PROBE(float64, double)
