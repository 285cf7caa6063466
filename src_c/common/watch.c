/* Watches: a pass that is no longer wanted ends between two of its parts. Only the thread that has
 * called the pass asks; the others see its answer. */
#include "common/memory.h"
#include "common/threads.h"

enum {
    ASK_NANOSECONDS = 100 * 1000 * 1000,
    /* A look at the clock takes as long as a step of a small layer, so there are this many parts
     * between two looks, or fewer where they take longer. */
    MOST_CALLS = 4095,
    SHORT_NANOSECONDS = 1000 * 1000,
    LONG_NANOSECONDS = 20 * 1000 * 1000
};

static _Thread_local gru_watch *watched;

gru_watch *gru_set_watch(gru_watch *watch) {
    gru_watch *const before = watched;
    watched = watch;
    if (watch) {
        watch->owner = &watched;
        if (!watch->asks) {
            watch->asks = gru_nanoseconds() + ASK_NANOSECONDS;
        }
    }
    return before;
}

gru_watch *gru_get_watch(void) {
    if (watched) {
        watched->calls_per_look = 0; /* the parts that come now may take longer */
    }
    return watched;
}

void gru_join_watch(gru_watch *watch) {
    watched = watch;
}

static void look(gru_watch *watch) {
    const long long now = gru_nanoseconds(), since = now - watch->looked;
    const unsigned calls = watch->calls_per_look;
    watch->calls = 0;
    watch->looked = now;
    if (since < SHORT_NANOSECONDS) {
        watch->calls_per_look = (unsigned)gru_min(2 * calls + 1, MOST_CALLS);
    } else if (since > LONG_NANOSECONDS) {
        watch->calls_per_look = calls / 2;
    }
    if (now >= watch->asks) {
        const int stops = watch->ask();
        watch->asks = gru_nanoseconds() + ASK_NANOSECONDS;
        if (stops) {
            __atomic_store_n(&watch->stopped, 1, __ATOMIC_RELAXED);
        }
    }
}

int gru_stops(void) {
    gru_watch *watch = watched;
    if (!watch) {
        return 0;
    }
    if (watch->owner == &watched && ++watch->calls > watch->calls_per_look) {
        look(watch);
    }
    return __atomic_load_n(&watch->stopped, __ATOMIC_RELAXED);
}
