/* What the team needs of the system: POSIX threads, those of Windows, or none.
 *
 * GRU_NO_THREADS, which the build can define, is defined here where the target has no threads. */
#ifndef GRU_COMMON_SYSTEM_H
#define GRU_COMMON_SYSTEM_H

#include <stdint.h>

#if defined(__wasi__) || (defined(__EMSCRIPTEN__) && !defined(__EMSCRIPTEN_PTHREADS__))
#define GRU_NO_THREADS 1
#endif

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

static inline void gru_yield(void) {
    SwitchToThread();
}

static inline int64_t gru_clock(void) {
    LARGE_INTEGER ticks, per_second;
    QueryPerformanceCounter(&ticks);
    QueryPerformanceFrequency(&per_second);
    const int64_t rate = per_second.QuadPart, seconds = ticks.QuadPart / rate;
    return seconds * 1000000000 + ticks.QuadPart % rate * 1000000000 / rate;
}

typedef SRWLOCK gru_mutex;
typedef CONDITION_VARIABLE gru_condition;
#define GRU_MUTEX SRWLOCK_INIT
#define GRU_CONDITION CONDITION_VARIABLE_INIT

static inline void gru_lock(gru_mutex *mutex) {
    AcquireSRWLockExclusive(mutex);
}

static inline void gru_unlock(gru_mutex *mutex) {
    ReleaseSRWLockExclusive(mutex);
}

static inline void gru_sleep_on(gru_condition *condition, gru_mutex *mutex) {
    SleepConditionVariableSRW(condition, mutex, INFINITE, 0);
}

static inline void gru_wake_all(gru_condition *condition) {
    WakeAllConditionVariable(condition);
}

#else
#include <sched.h>
#include <time.h>

static inline void gru_yield(void) {
    sched_yield();
}

static inline int64_t gru_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

#ifndef GRU_NO_THREADS
#include <pthread.h>

typedef pthread_mutex_t gru_mutex;
typedef pthread_cond_t gru_condition;
#define GRU_MUTEX PTHREAD_MUTEX_INITIALIZER
#define GRU_CONDITION PTHREAD_COND_INITIALIZER

static inline void gru_lock(gru_mutex *mutex) {
    pthread_mutex_lock(mutex);
}

static inline void gru_unlock(gru_mutex *mutex) {
    pthread_mutex_unlock(mutex);
}

static inline void gru_sleep_on(gru_condition *condition, gru_mutex *mutex) {
    pthread_cond_wait(condition, mutex);
}

static inline void gru_wake_all(gru_condition *condition) {
    pthread_cond_broadcast(condition);
}
#endif
#endif

#endif
