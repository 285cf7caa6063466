/* The threads of the packed engine: jobs of tasks for one team, gangs that share a
 * sequence, and relays that share several. */
#ifndef GRU_COMMON_THREADS_H
#define GRU_COMMON_THREADS_H

#include <stddef.h>
#include <stdint.h>

#include "gru_watch.h"

#pragma GCC visibility push(hidden)

/* Multiply-adds below which a second thread costs more than it brings: about 4 us of work. */
enum { GRU_SERIAL_WORK = 400 * 1000 };

/* ---- team --------------------------------------------------------------------------------- */

/* A function that does one task. `member` is 0 for the caller and below the number of threads for a
 * worker. Two tasks that run at the same time have different members. */
typedef void gru_task(void *context, size_t task, int member);

/* Run the tasks 0 .. tasks - 1 on up to `threads` threads, of which the caller is one. */
void gru_run_tasks(int threads, size_t tasks, gru_task *run, void *context);

/* The state of a loop that waits for another thread. Begins as {0}. */
typedef struct gru_wait {
    unsigned turns;
} gru_wait;

void gru_wait_a_little(gru_wait *wait);

/* The time of a clock that only moves on. */
int64_t gru_nanoseconds(void);

/* ---- watches ------------------------------------------------------------------------------ */

/* Return 1 if the pass that this thread works on shall end early: then parts of it may be left out,
 * in any order. Called between parts. */
int gru_stops(void);

/* Return the watch of this thread, for other threads that work on its pass; null: none. They join it
 * before they begin. */
gru_watch *gru_get_watch(void);
void gru_join_watch(gru_watch *watch);

/* ---- gangs -------------------------------------------------------------------------------- */

/* Several threads that work on one sequence. The work goes in phases of `members` parts each; no
 * part of a phase begins before all parts of the phase before it are done. Member i does part i
 * where it can, so that the weights of that part stay in its cache. Begins as {.members = n}. */
enum { GRU_MOST_MEMBERS = 64, GRU_MOST_GANGS = 16 };

typedef struct gru_gang {
    size_t members;                   /* 1 .. GRU_MOST_MEMBERS */
    _Alignas(64) _Atomic size_t done; /* parts that are done, of all phases */
    struct {
        _Alignas(64) _Atomic size_t next; /* the phase of this part that comes next */
        _Atomic int present;
    } parts[GRU_MOST_MEMBERS];
} gru_gang;

/* A function that does one part of a phase. */
typedef void gru_phase(void *context, size_t phase, size_t part);

/* Do the work of member `member`; return when all phases are done. */
void gru_gang_run(gru_gang *gang, size_t member, size_t phases, gru_phase *run, void *context);

/* ---- relays ------------------------------------------------------------------------------- */

/* Several threads that work on more than one sequence, each for a stretch of phases at a time: the
 * next stretch of a sequence may be another thread's. So a thread that has its core to itself does
 * more than one that shares it. A phase is done as a part of its own, numbered as its sequence. */
enum { GRU_MOST_IN_RELAY = 64 };

typedef struct gru_relay {
    size_t sequences; /* 2 .. GRU_MOST_IN_RELAY */
    size_t phases, stretch;
    struct {
        /* twice the number of the next phase; 1 more while a thread works on it */
        _Alignas(64) _Atomic size_t state;
    } items[GRU_MOST_IN_RELAY];
} gru_relay;

/* Take part, beginning with sequence `first` where it is free; return when all is done. */
void gru_relay_run(gru_relay *relay, size_t first, gru_phase *run, void *context);

#pragma GCC visibility pop

#endif
