/* The threads of the packed engine: one team for the process.
 *
 * A job is a number of tasks. A thread that is free takes the next task, and the caller takes tasks
 * as the others do. It returns when all tasks are done, and never waits for a thread that has not
 * begun one: on a busy machine a job takes at most the time that the caller needs alone, or the
 * time of one task on a slow core. (An OpenMP region ends when its last thread has arrived, however
 * late.)
 *
 * Threads are started when a job first asks for them. Idle threads look for work for a short while,
 * then sleep. When two Python threads call at once, the team works for the first, and the other one
 * does its tasks itself. A forked child begins with a new team. */
#include <limits.h>
#include <stdatomic.h>

#include "common/memory.h"
#include "common/system.h"
#include "common/threads.h"

#if !defined(GRU_NO_THREADS) && !defined(_WIN32)
#include <signal.h>
#endif

static void gru_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Wait for another thread: pause the first thousand times, then yield the core, because the other
 * thread may need it. */
void gru_wait_a_little(gru_wait *wait) {
    if (++wait->turns < 1000) {
        gru_pause();
    } else {
        gru_yield();
    }
}

int64_t gru_nanoseconds(void) {
    return gru_clock();
}

static void run_alone(size_t tasks, gru_task *run, void *context) {
    (void)gru_get_watch();
    for (size_t task = 0; task < tasks && !gru_stops(); task++) {
        run(context, task, 0);
    }
}

#ifdef GRU_NO_THREADS
int gru_has_threads(void) {
    return 0;
}

void gru_run_tasks(int threads, size_t tasks, gru_task *run, void *context) {
    (void)threads;
    run_alone(tasks, run, context);
}

void gru_unbind_workers(size_t count, const int *cpus) {
    (void)count;
    (void)cpus;
}
#else

int gru_has_threads(void) {
    return 1;
}

enum {
    MOST_WORKERS = 1023,
    /* How long an idle worker looks for the next job: long enough to span the Python code between
     * two layers of a training step, short enough to leave the core to others. */
    SPIN_NANOSECONDS = 60 * 1000,
    SPINS_PER_LOOK = 64
};

/* The current job. The upper half of `ticket` is its number, the lower half the next task, so that
 * a worker that has read another job's fields cannot take a task of this one. */
static struct {
    _Atomic uint64_t ticket;
    _Atomic uint32_t tasks;
    _Atomic uint32_t done;
    _Atomic int threads;
    gru_task *_Atomic run;
    void *_Atomic context;
    gru_watch *_Atomic watch;
} job;

static gru_mutex mutex = GRU_MUTEX;
static gru_condition wake = GRU_CONDITION;
static _Atomic int sleepers;
static int workers; /* the number of started workers; only the holder of `busy` changes it */
static atomic_flag busy = ATOMIC_FLAG_INIT;

/* Take tasks of job `number` until none are left. */
static void take_tasks(uint64_t number, int member) {
    uint64_t ticket = atomic_load_explicit(&job.ticket, memory_order_acquire);
    for (;;) {
        const uint32_t task = (uint32_t)ticket;
        const uint32_t tasks = atomic_load_explicit(&job.tasks, memory_order_relaxed);
        gru_task *run = atomic_load_explicit(&job.run, memory_order_relaxed);
        void *context = atomic_load_explicit(&job.context, memory_order_relaxed);
        gru_watch *watch = atomic_load_explicit(&job.watch, memory_order_relaxed);
        if (ticket >> 32 != number || task >= tasks) {
            return;
        }
        if (atomic_compare_exchange_weak_explicit(
                &job.ticket, &ticket, ticket + 1, memory_order_acq_rel, memory_order_acquire)) {
            gru_join_watch(watch);
            if (!gru_stops()) {
                run(context, task, member);
            }
            atomic_fetch_add_explicit(&job.done, 1, memory_order_release);
            ticket = atomic_load_explicit(&job.ticket, memory_order_acquire);
        }
    }
}

/* Wait for a job other than `last`; return its number. */
static uint64_t wait_for_job(uint64_t last) {
    const int64_t until = gru_nanoseconds() + SPIN_NANOSECONDS;
    do {
        for (int i = 0; i < SPINS_PER_LOOK; i++) {
            const uint64_t number = atomic_load_explicit(&job.ticket, memory_order_acquire) >> 32;
            if (number != last) {
                return number;
            }
            gru_pause();
        }
    } while (gru_nanoseconds() < until);
    gru_lock(&mutex);
    atomic_fetch_add(&sleepers, 1);
    uint64_t number;
    while ((number = atomic_load(&job.ticket) >> 32) == last) {
        gru_sleep_on(&wake, &mutex);
    }
    atomic_fetch_sub(&sleepers, 1);
    gru_unlock(&mutex);
    return number;
}

static void work(int member) {
    uint64_t last = 0;
    for (;;) {
        last = wait_for_job(last);
        if (member < atomic_load_explicit(&job.threads, memory_order_relaxed)) {
            take_tasks(last, member);
        }
    }
}

/* ---- CPUs --------------------------------------------------------------------------------- */

#ifdef __linux__
/* Workers that are started by a thread with the CPUs `bound` get the CPUs `given`. */
static cpu_set_t bound, given;
static int unbinds;

void gru_unbind_workers(size_t count, const int *cpus) {
    CPU_ZERO(&given);
    for (size_t i = 0; i < count; i++) {
        if (cpus[i] >= 0 && cpus[i] < CPU_SETSIZE) {
            CPU_SET((size_t)cpus[i], &given);
        }
    }
    unbinds = count && pthread_getaffinity_np(pthread_self(), sizeof bound, &bound) == 0;
}

static void unbind(pthread_t thread) {
    cpu_set_t now;
    if (unbinds && pthread_getaffinity_np(pthread_self(), sizeof now, &now) == 0 &&
        CPU_EQUAL(&now, &bound)) {
        pthread_setaffinity_np(thread, sizeof given, &given);
    }
}
#else
void gru_unbind_workers(size_t count, const int *cpus) {
    (void)count;
    (void)cpus;
}

#ifndef _WIN32
static void unbind(pthread_t thread) {
    (void)thread;
}
#endif
#endif

/* ---- jobs --------------------------------------------------------------------------------- */

#ifdef _WIN32
static DWORD WINAPI work_of(void *argument) {
    work((int)(intptr_t)argument);
    return 0;
}

/* Start workers until there are `wanted`, or as many as the system allows. */
static void start_workers(int wanted) {
    while (workers < wanted) {
        HANDLE thread = CreateThread(NULL, 0, work_of, (void *)(intptr_t)(workers + 1), 0, NULL);
        if (!thread) {
            break;
        }
        CloseHandle(thread);
        workers++;
    }
}

static void watch_forks_once(void) {
}
#else
static void *work_of(void *argument) {
    work((int)(intptr_t)argument);
    return NULL;
}

/* Start workers until there are `wanted`, or as many as the system allows. */
static void start_workers(int wanted) {
    if (workers >= wanted) {
        return;
    }
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for Python's threads */
    while (workers < wanted) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, work_of, (void *)(intptr_t)(workers + 1)) != 0) {
            break;
        }
        unbind(thread);
        pthread_detach(thread);
        workers++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void begin_again_after_fork(void) {
    /* The parent may have been in the middle of a job, whose tasks new workers must not take. */
    atomic_store(&job.ticket, atomic_load(&job.ticket) | UINT32_MAX);
    pthread_mutex_init(&mutex, NULL);
    pthread_cond_init(&wake, NULL);
    atomic_store(&sleepers, 0);
    workers = 0;
    atomic_flag_clear(&busy);
}

static void watch_forks(void) {
    pthread_atfork(NULL, NULL, begin_again_after_fork);
}

static void watch_forks_once(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
}
#endif

void gru_run_tasks(int threads, size_t tasks, gru_task *run, void *context) {
    if (threads < 2 || tasks < 2 || tasks > INT_MAX || atomic_flag_test_and_set(&busy)) {
        run_alone(tasks, run, context);
        return;
    }
    watch_forks_once();
    threads = (int)gru_min((size_t)threads, gru_min(tasks, MOST_WORKERS + 1));
    start_workers(threads - 1);
    const uint64_t last = atomic_load(&job.ticket) >> 32;
    const uint64_t number = last == UINT32_MAX ? 1 : last + 1; /* 0: no job yet */
    /* From here on no task of the last job can be taken, so the fields may change. */
    atomic_exchange(&job.ticket, last << 32 | UINT32_MAX);
    atomic_thread_fence(memory_order_seq_cst);
    atomic_store_explicit(&job.tasks, (uint32_t)tasks, memory_order_relaxed);
    atomic_store_explicit(&job.done, 0, memory_order_relaxed);
    atomic_store_explicit(&job.threads, threads, memory_order_relaxed);
    atomic_store_explicit(&job.run, run, memory_order_relaxed);
    atomic_store_explicit(&job.context, context, memory_order_relaxed);
    atomic_store_explicit(&job.watch, gru_get_watch(), memory_order_relaxed);
    atomic_store(&job.ticket, number << 32);
    if (atomic_load(&sleepers) > 0) {
        gru_lock(&mutex);
        gru_wake_all(&wake);
        gru_unlock(&mutex);
    }
    take_tasks(number, 0);
    /* Other threads are still at the tasks that are not done. */
    gru_wait wait = { 0 };
    while (atomic_load_explicit(&job.done, memory_order_acquire) < (uint32_t)tasks) {
        (void)gru_stops(); /* asks */
        gru_wait_a_little(&wait);
    }
    atomic_flag_clear(&busy);
}
#endif
