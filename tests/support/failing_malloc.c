/* For LD_PRELOAD: an allocator that fails once, at a chosen allocation of a chosen thread.
 *
 * With PYTHONMALLOC=malloc, Python's objects, NumPy's arrays and the core's workspaces are all
 * allocated here. */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static __thread long calls, fails_at;
static __thread int failed;

/* Count this thread's allocations from now on, and let number `at` (1, 2, ...) fail; 0: none. */
void failing_begin(long at) {
    calls = failed = 0;
    fails_at = at ? at : -1;
}

/* End this. Return the number of allocations, negative if one of them has failed. */
long failing_end(void) {
    fails_at = 0;
    return failed ? -calls : calls;
}

static int fails(void) {
    if (!fails_at || ++calls != fails_at) {
        return 0;
    }
    failed = 1;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size) {
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    return fails() ? NULL : __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    return fails() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    if (fails()) {
        return ENOMEM;
    }
    *memory = __libc_memalign(alignment, size);
    return *memory ? 0 : ENOMEM;
}
