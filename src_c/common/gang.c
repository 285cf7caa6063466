/* Gangs: several threads that do the phases of one sequence together. */
#include <stdatomic.h>

#include "common/system.h"
#include "common/threads.h"

/* A thread that waits takes over a part that nobody has begun: at once if the part's member has not
 * arrived yet, otherwise after so many turns, because the member may have lost its core. */
enum { PATIENCE = 300 };

/* A member that another program drives off its core in the middle of a part holds up all others until
 * it returns. So it leaves by itself, between two phases, before its time is likely to be over: Linux
 * gives a core to another program at a tick, 4 ms after the last one on many machines. */
enum {
    PHASES_PER_LOOK = 4,
    MOST_NANOSECONDS = 3 * 1000 * 1000, /* on a core, before a member leaves it */
    GAP_NANOSECONDS = 500 * 1000        /* between two looks: the member was not on a core */
};

/* The time that a member has had its core. */
typedef struct gru_turn {
    int64_t begun, looked;
} gru_turn;

/* Leave the core if the member has had it for long. Others take over its parts meanwhile. */
static void leave_in_time(gru_gang *gang, size_t member, gru_turn *turn) {
    int64_t now = gru_nanoseconds();
    if (now - turn->looked > GAP_NANOSECONDS) {
        turn->begun = now;
    }
    if (now - turn->begun > MOST_NANOSECONDS) {
        atomic_store_explicit(&gang->parts[member].present, 0, memory_order_relaxed);
        gru_yield();
        atomic_store_explicit(&gang->parts[member].present, 1, memory_order_relaxed);
        turn->begun = now = gru_nanoseconds();
    }
    turn->looked = now;
}

/* Take part `part` of a phase; return 1 unless another thread has taken it. */
static int claim(gru_gang *gang, size_t part, size_t phase) {
    size_t expected = phase;
    return atomic_load_explicit(&gang->parts[part].next, memory_order_relaxed) == phase &&
           atomic_compare_exchange_strong(&gang->parts[part].next, &expected, phase + 1);
}

void gru_gang_run(gru_gang *gang, size_t member, size_t phases, gru_phase *run, void *context) {
    const size_t members = gang->members;
    atomic_store(&gang->parts[member].present, 1);
    gru_turn turn = { gru_nanoseconds(), 0 };
    turn.looked = turn.begun;
    for (size_t phase = atomic_load(&gang->done) / members; phase < phases && !gru_stops();
        phase++) {
        const size_t end = (phase + 1) * members;
        if (phase % PHASES_PER_LOOK == 0) {
            leave_in_time(gang, member, &turn);
        }
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
