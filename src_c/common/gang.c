/* Gangs: several threads that do the phases of one sequence together. */
#include <stdatomic.h>

#include "common/threads.h"

/* A thread that waits takes over a part that nobody has begun: at once if the part's member has not
 * arrived yet, otherwise after so many turns, because the member may have lost its core. */
enum { PATIENCE = 300 };

/* Take part `part` of a phase; return 1 unless another thread has taken it. */
static int claim(gru_gang *gang, size_t part, size_t phase) {
    size_t expected = phase;
    return atomic_load_explicit(&gang->parts[part].next, memory_order_relaxed) == phase &&
           atomic_compare_exchange_strong(&gang->parts[part].next, &expected, phase + 1);
}

void gru_gang_run(gru_gang *gang, size_t member, size_t phases, gru_phase *run, void *context) {
    const size_t members = gang->members;
    atomic_store(&gang->parts[member].present, 1);
    for (size_t phase = atomic_load(&gang->done) / members; phase < phases; phase++) {
        const size_t end = (phase + 1) * members;
        if (claim(gang, member, phase)) {
            run(context, phase, member);
            atomic_fetch_add_explicit(&gang->done, 1, memory_order_acq_rel);
        }
        gru_wait wait = { 0 };
        while (atomic_load_explicit(&gang->done, memory_order_acquire) < end) {
            for (size_t part = 0; part < members; part++) {
                if ((!atomic_load_explicit(&gang->parts[part].present, memory_order_relaxed) ||
                        wait.turns > PATIENCE) &&
                    claim(gang, part, phase)) {
                    run(context, phase, part);
                    atomic_fetch_add_explicit(&gang->done, 1, memory_order_acq_rel);
                }
            }
            gru_wait_a_little(&wait);
        }
    }
}
