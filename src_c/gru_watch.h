/* Part of the contract, beside gru.h: passes that end early, because a user wants to stop them. */
#ifndef GRU_WATCH_H
#define GRU_WATCH_H

/* Begins as {0} with `ask`; the rest is for the core. */
typedef struct gru_watch {
    int (*ask)(void); /* called some ten times a second; returns 1 to end the pass early */
    int stopped;      /* out  1: the pass has ended early, and what it writes is not complete */
    const void *owner;
    unsigned calls, calls_per_look;
    long long looked, asks;
} gru_watch;

/* Watch the calling thread's passes and matmuls: from now on it calls `ask` between their parts. End
 * this with the watch that this function returned, or null. Optimizer steps are not watched: they
 * change the weights in place. */
gru_watch *gru_set_watch(gru_watch *watch);

#endif
