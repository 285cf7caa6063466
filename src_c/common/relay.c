/* Relays: several threads that take stretches of several sequences. */
#include <stdatomic.h>

#include "common/memory.h"
#include "common/threads.h"

/* A thread stays with its sequence until another one that is free lags behind it by this part of
 * all phases. Each change moves states and gates to another core's cache. */
enum { LAG = 8 };

static size_t state_of(const gru_relay *relay, size_t i) {
    return atomic_load_explicit(&relay->items[i].state, memory_order_relaxed);
}

/* Return the sequence to go on with after `last`: the free one that is furthest behind, if that is
 * by much, else the last one. Return the number of sequences if none is free. `unfinished` is set
 * to the number of those with phases to do. */
static size_t choose(const gru_relay *relay, size_t last, size_t *unfinished) {
    const size_t all = 2 * relay->phases;
    size_t choice = relay->sequences, least = all;
    *unfinished = 0;
    for (size_t k = 0; k < relay->sequences; k++) {
        const size_t i = (last + k) % relay->sequences, state = state_of(relay, i);
        *unfinished += state < all;
        if (state < all && state % 2 == 0 && state + (choice == last ? all / LAG : 0) < least) {
            choice = i;
            least = state;
        }
    }
    return choice;
}

void gru_relay_run(gru_relay *relay, size_t first, gru_phase *run, void *context) {
    gru_wait wait = { 0 };
    size_t last = first, unfinished;
    for (;;) {
        const size_t i = choose(relay, last, &unfinished);
        if (!unfinished || gru_stops()) {
            atomic_thread_fence(memory_order_acquire);
            return;
        }
        size_t state = i < relay->sequences ? state_of(relay, i) : 1;
        if (state % 2 ||
            !atomic_compare_exchange_strong(&relay->items[i].state, &state, state + 1)) {
            gru_wait_a_little(&wait);
            continue;
        }
        wait.turns = 0;
        last = i;
        const size_t begin = state / 2, end = gru_min(begin + relay->stretch, relay->phases);
        for (size_t phase = begin; phase < end && !gru_stops(); phase++) {
            run(context, phase, i);
        }
        atomic_store_explicit(&relay->items[i].state, 2 * end, memory_order_release);
    }
}
