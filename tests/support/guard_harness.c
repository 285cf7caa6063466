/* The core with every buffer that it is given between pages that nobody may touch, at the lower and at
 * the upper end in turn, in problems of all small sizes and some larger ones; results against plain
 * loops in double precision. Arrays begin as NaN, so that what is read before it is written shows.
 *
 *   guard_harness [case]    all cases, or one by its number; silence is success
 *
 * Built by test_guards.py together with the sources of the core. With AddressSanitizer buffers come
 * from malloc, whose surroundings it watches itself. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gru.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__
#endif
#endif

static char now[512]; /* what is being computed */

static void fail(const char *what, size_t at) {
    printf("%s: %s, element %zu\n", now, what, at);
    exit(1);
}

static void on_fault(int signal_number) {
    (void)signal_number;
    static const char text[] = ": outside of a buffer\n";
    ssize_t written = write(STDOUT_FILENO, now, strlen(now));
    written += write(STDOUT_FILENO, text, sizeof text - 1);
    _exit(written > 0 ? 1 : 2);
}

static void *pages(size_t bytes, int protection) {
    void *memory = mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANON, -1, 0);
    if (memory == MAP_FAILED) {
        perror("mmap");
        exit(2);
    }
    return memory;
}

/* ---- buffers ------------------------------------------------------------------------------ */

enum { MOST_BUFFERS = 24, ROOM = 32 * 1024 * 1024, CANARY = 256 };

static struct buffer {
    unsigned char *room, *data, *canary;
    size_t before; /* canaries before the data, beside those at `canary` */
} buffers[MOST_BUFFERS];
static size_t buffer_count;
static int at_end;     /* do buffers end, or begin, at the page that nobody may touch? */
static size_t skipped; /* bytes before a tape or workspace, which may begin anywhere */

/* Room between two such pages, made once. */
static unsigned char *guarded_room(void) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *all = pages(ROOM + 2 * page, PROT_NONE);
    if (mprotect(all + page, ROOM, PROT_READ | PROT_WRITE) != 0) {
        perror("mprotect");
        exit(2);
    }
    return all + page;
}

/* A buffer of the run at hand, all NaN; `before` bytes from where it could begin. */
static void *take_after(size_t before, size_t bytes) {
    if (buffer_count == MOST_BUFFERS || before + bytes + CANARY > ROOM) {
        fail("the harness has no room", bytes);
    }
    struct buffer *b = &buffers[buffer_count++];
#ifdef __SANITIZE_ADDRESS__
    (void)before;
    b->data = malloc(bytes);
#else
    b->room = b->room ? b->room : guarded_room();
    b->before = at_end ? 0 : before;
    b->data = at_end ? b->room + ROOM - bytes : b->room + before;
    b->canary = at_end ? b->data - CANARY : b->data + bytes;
    memset(b->room, 0xFF, b->before);
    memset(b->canary, 0xFF, CANARY);
#endif
    memset(b->data, 0xFF, bytes);
    return b->data;
}

static void *take(size_t bytes) {
    return take_after(0, bytes);
}

static void expect_canaries(const unsigned char *bytes, size_t count, size_t buffer) {
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != 0xFF) {
            fail("written beside a buffer", buffer);
        }
    }
}

static void give_all_back(void) {
    for (; buffer_count > 0; buffer_count--) {
        struct buffer *b = &buffers[buffer_count - 1];
#ifdef __SANITIZE_ADDRESS__
        free(b->data);
#else
        expect_canaries(b->canary, CANARY, buffer_count - 1);
        expect_canaries(b->room, b->before, buffer_count - 1);
#endif
    }
}

/* ---- numbers ------------------------------------------------------------------------------ */

static double element(const void *data, gru_dtype dtype, ptrdiff_t i) {
    return dtype == GRU_F32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
}

static void set_element(void *data, gru_dtype dtype, ptrdiff_t i, double value) {
    if (dtype == GRU_F32) {
        ((float *)data)[i] = (float)value;
    } else {
        ((double *)data)[i] = value;
    }
}

static size_t itemsize(gru_dtype dtype) {
    return dtype == GRU_F32 ? sizeof(float) : sizeof(double);
}

static double tolerance; /* of the results, beside the largest one or 1 */
static unsigned seed;

static unsigned draw(void) {
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

/* Numbers that float holds as they are. */
static double *random_numbers(size_t n, double scale) {
    double *numbers = malloc((n + 1) * sizeof(double));
    for (size_t i = 0; i < n; i++) {
        numbers[i] = (float)(scale * ((double)draw() / (1 << 23) - 1));
    }
    return numbers;
}

static double *zeros(size_t n) {
    return calloc(n + 1, sizeof(double));
}

static void *copy_of(const double *numbers, size_t n, gru_dtype dtype) {
    void *data = take(n * itemsize(dtype));
    for (size_t i = 0; i < n; i++) {
        set_element(data, dtype, (ptrdiff_t)i, numbers[i]);
    }
    return data;
}

static void compare(const char *name, const void *data, const double *expected, size_t n,
    gru_dtype dtype, double offset) {
    double scale = 1;
    for (size_t i = 0; i < n; i++) {
        scale = fmax(scale, fabs(expected[i]));
    }
    for (size_t i = 0; i < n; i++) {
        const double error = fabs(element(data, dtype, (ptrdiff_t)i) - offset - expected[i]);
        if (!(error <= scale * tolerance)) {
            fail(name, i);
        }
    }
}

/* ---- sequences in several layouts ---------------------------------------------------------- */

enum { BATCH_FIRST, TIME_FIRST, BACKWARDS_WITH_GAPS, LAYOUTS, GAP = 3 };

typedef struct sequence {
    void *data;
    ptrdiff_t batch, time, first; /* element (b, t, i) at first + b * batch + t * time + i */
    size_t B, T, n;
    int gaps;
} sequence;

static sequence take_sequence(size_t B, size_t T, size_t n, gru_dtype dtype, int layout) {
    sequence s = { .B = B, .T = T, .n = n, .gaps = layout == BACKWARDS_WITH_GAPS };
    const ptrdiff_t row = (ptrdiff_t)(s.gaps ? n + GAP : n);
    s.batch = layout == TIME_FIRST ? row : (ptrdiff_t)T * row;
    s.time = s.gaps ? -row : layout == TIME_FIRST ? (ptrdiff_t)B * row : row;
    s.first = s.gaps && T ? ((ptrdiff_t)T - 1) * row : 0;
    const size_t elements = B * T * (size_t)row;
    s.data = take((elements - (s.gaps && elements ? GAP : 0)) * itemsize(dtype));
    return s;
}

static void *first_of(const sequence *s, gru_dtype dtype) {
    return (char *)s->data + s->first * (ptrdiff_t)itemsize(dtype);
}

static gru_sequence_in in(const sequence *s, gru_dtype dtype) {
    return (gru_sequence_in){ first_of(s, dtype), s->batch, s->time };
}

static gru_sequence_out out(const sequence *s, gru_dtype dtype) {
    return (gru_sequence_out){ first_of(s, dtype), s->batch, s->time };
}

static ptrdiff_t place(const sequence *s, size_t b, size_t t) {
    return s->first + (ptrdiff_t)b * s->batch + (ptrdiff_t)t * s->time;
}

static void fill_sequence(const sequence *s, const double *numbers, gru_dtype dtype) {
    for (size_t b = 0; b < s->B; b++) {
        for (size_t t = 0; t < s->T; t++) {
            for (size_t i = 0; i < s->n; i++) {
                set_element(s->data, dtype, place(s, b, t) + (ptrdiff_t)i,
                    numbers[(b * s->T + t) * s->n + i]);
            }
        }
    }
}

static void compare_sequence(
    const char *name, const sequence *s, const double *expected, gru_dtype dtype) {
    for (size_t b = 0; b < s->B; b++) {
        for (size_t t = 0; t < s->T; t++) {
            const char *row = (const char *)s->data + place(s, b, t) * (ptrdiff_t)itemsize(dtype);
            compare(name, row, expected + (b * s->T + t) * s->n, s->n, dtype, 0);
            const int last = b + 1 == s->B && t == 0;
            for (size_t i = s->n; s->gaps && !last && i < s->n + GAP; i++) {
                if (!isnan(element(row, dtype, (ptrdiff_t)i))) {
                    fail("written between the rows of a sequence", (b * s->T + t) * s->n);
                }
            }
        }
    }
}

/* ---- what is expected ---------------------------------------------------------------------- */

/* Inputs and results of one problem in plain loops. */
typedef struct example {
    size_t B, T, I, H;
    int reset_after, with_bias, with_state, with_d_output, with_d_state;
    double *x, *W, *U, *bias, *h0, *dy, *d_state;
    double *y, *state, *dx, *dW, *dU, *d_bias, *dh0;
} example;

static double sigmoid(double a) {
    return 1 / (1 + exp(-a));
}

/* to (n) += from (k) times matrix (k, n), or its transpose: to (k) += matrix times from (n). */
static void multiply(const double *from, const double *matrix, size_t k, size_t first, size_t n,
    size_t stride, double *to) {
    for (size_t i = 0; i < k; i++) {
        for (size_t j = first; j < first + n; j++) {
            to[j] += from[i] * matrix[i * stride + j];
        }
    }
}

static void multiply_transposed(const double *from, const double *matrix, size_t k, size_t first,
    size_t n, size_t stride, double *to) {
    for (size_t i = 0; i < k; i++) {
        for (size_t j = first; j < first + n; j++) {
            to[i] += from[j] * matrix[i * stride + j];
        }
    }
}

static void add_outer(const double *left, const double *right, size_t k, size_t first, size_t n,
    size_t stride, double *to) {
    for (size_t i = 0; i < k; i++) {
        for (size_t j = first; j < first + n; j++) {
            to[i * stride + j] += left[i] * right[j];
        }
    }
}

static void compute_row(example *e, size_t b) {
    const size_t T = e->T, I = e->I, H = e->H, G = 3 * H;
    double *h = zeros((T + 1) * H), *gates = zeros(T * G), *hn = zeros(T * H), *rh = zeros(H);
    double *a = zeros(G), *u = zeros(G), *dh = zeros(H), *before = zeros(H), *drh = zeros(H);
    const double *recurrent_bias = e->reset_after ? e->bias + G : NULL;
    memcpy(h, e->h0 + b * H, H * sizeof(double));
    for (size_t t = 0; t < T; t++) {
        const double *old = h + t * H;
        double *z = gates + t * G, *r = z + H, *n = r + H;
        memcpy(a, e->bias, G * sizeof(double));
        memset(u, 0, G * sizeof(double));
        if (recurrent_bias) {
            memcpy(u, recurrent_bias, G * sizeof(double));
        }
        multiply(e->x + (b * T + t) * I, e->W, I, 0, G, G, a);
        multiply(old, e->U, H, 0, e->reset_after ? G : 2 * H, G, u);
        for (size_t j = 0; j < H; j++) {
            z[j] = sigmoid(a[j] + u[j]);
            r[j] = sigmoid(a[H + j] + u[H + j]);
            rh[j] = r[j] * old[j];
        }
        if (!e->reset_after) {
            multiply(rh, e->U, H, 2 * H, H, G, u);
        }
        for (size_t j = 0; j < H; j++) {
            hn[t * H + j] = u[2 * H + j];
            n[j] = tanh(a[2 * H + j] + (e->reset_after ? r[j] : 1) * u[2 * H + j]);
            h[(t + 1) * H + j] = (1 - z[j]) * n[j] + z[j] * old[j];
        }
        memcpy(e->y + (b * T + t) * H, h + (t + 1) * H, H * sizeof(double));
    }
    memcpy(e->state + b * H, h + T * H, H * sizeof(double));
    memcpy(dh, e->d_state + b * H, H * sizeof(double));
    for (size_t t = T; t-- > 0;) {
        const double *old = h + t * H, *z = gates + t * G, *r = z + H, *n = r + H;
        for (size_t j = 0; j < H; j++) {
            dh[j] += e->dy[(b * T + t) * H + j];
            a[j] = u[j] = dh[j] * (old[j] - n[j]) * z[j] * (1 - z[j]);
            a[2 * H + j] = dh[j] * (1 - z[j]) * (1 - n[j] * n[j]);
            u[2 * H + j] = a[2 * H + j] * (e->reset_after ? r[j] : 1);
            before[j] = dh[j] * z[j];
            rh[j] = e->reset_after ? old[j] : r[j] * old[j];
            drh[j] = 0;
        }
        multiply_transposed(u, e->U, H, 2 * H, H, G, drh);
        for (size_t j = 0; j < H; j++) {
            const double dr = e->reset_after ? a[2 * H + j] * hn[t * H + j] : drh[j] * old[j];
            a[H + j] = u[H + j] = dr * r[j] * (1 - r[j]);
            before[j] += drh[j] * (e->reset_after ? 1 : r[j]);
        }
        multiply_transposed(u, e->U, H, 0, 2 * H, G, before);
        multiply_transposed(a, e->W, I, 0, G, G, e->dx + (b * T + t) * I);
        add_outer(e->x + (b * T + t) * I, a, I, 0, G, G, e->dW);
        add_outer(old, u, H, 0, 2 * H, G, e->dU);
        add_outer(rh, u, H, 2 * H, H, G, e->dU);
        for (size_t j = 0; j < G; j++) {
            e->d_bias[j] += a[j];
            if (e->reset_after) {
                e->d_bias[G + j] += u[j];
            }
        }
        memcpy(dh, before, H * sizeof(double));
    }
    memcpy(e->dh0 + b * H, dh, H * sizeof(double));
    double *const all[] = { h, gates, hn, rh, a, u, dh, before, drh };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free(all[i]);
    }
}

static double *maybe(int wanted, size_t n, double scale) {
    return wanted ? random_numbers(n, scale) : zeros(n);
}

static example make_example(const size_t sizes[4], int reset_after, unsigned options) {
    example e = { .B = sizes[0],
        .T = sizes[1],
        .I = sizes[2],
        .H = sizes[3],
        .reset_after = reset_after,
        .with_bias = options & 1,
        .with_state = options >> 1 & 1,
        .with_d_output = options >> 2 & 1,
        .with_d_state = options >> 3 & 1 };
    const size_t biases = (reset_after ? 6 : 3) * e.H;
    e.x = random_numbers(e.B * e.T * e.I, 1);
    e.W = random_numbers(e.I * 3 * e.H, 1 / sqrt((double)e.I + 1));
    e.U = random_numbers(e.H * 3 * e.H, 1 / sqrt((double)e.H));
    e.bias = maybe(e.with_bias, biases, 0.5);
    e.h0 = maybe(e.with_state, e.B * e.H, 1);
    e.dy = maybe(e.with_d_output, e.B * e.T * e.H, 1);
    e.d_state = maybe(e.with_d_state, e.B * e.H, 1);
    e.y = zeros(e.B * e.T * e.H);
    e.state = zeros(e.B * e.H);
    e.dx = zeros(e.B * e.T * e.I);
    e.dW = zeros(e.I * 3 * e.H);
    e.dU = zeros(e.H * 3 * e.H);
    e.d_bias = zeros(biases);
    e.dh0 = zeros(e.B * e.H);
    for (size_t b = 0; b < e.B; b++) {
        compute_row(&e, b);
    }
    return e;
}

static void free_example(example *e) {
    double *const all[] = { e->x, e->W, e->U, e->bias, e->h0, e->dy, e->d_state, e->y, e->state,
        e->dx, e->dW, e->dU, e->d_bias, e->dh0 };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free(all[i]);
    }
}

/* ---- the core's answer --------------------------------------------------------------------- */

/* BLAS as the manual has it: matrices column by column. */
#define DEFINE_BLAS(real, gemm, gemv)                                                              \
    static void gemm(char *transa, char *transb, int *m, int *n, int *k, real *alpha, real *a,     \
        int *lda, real *b, int *ldb, real *beta, real *c, int *ldc) {                              \
        const int ta = *transa != 'N' && *transa != 'n', tb = *transb != 'N' && *transb != 'n';    \
        for (int j = 0; j < *n; j++) {                                                             \
            for (int i = 0; i < *m; i++) {                                                         \
                real sum = 0;                                                                      \
                for (int l = 0; l < *k; l++) {                                                     \
                    sum += (ta ? a[l + (ptrdiff_t)i * *lda] : a[i + (ptrdiff_t)l * *lda]) *        \
                           (tb ? b[j + (ptrdiff_t)l * *ldb] : b[l + (ptrdiff_t)j * *ldb]);         \
                }                                                                                  \
                real *out = c + i + (ptrdiff_t)j * *ldc;                                           \
                *out = *alpha * sum + (*beta != 0 ? *beta * *out : 0);                             \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
    static void gemv(char *trans, int *m, int *n, real *alpha, real *a, int *lda, real *x,         \
        int *incx, real *beta, real *y, int *incy) {                                               \
        const int t = *trans != 'N' && *trans != 'n';                                              \
        for (int i = 0; i < (t ? *n : *m); i++) {                                                  \
            real sum = 0;                                                                          \
            for (int l = 0; l < (t ? *m : *n); l++) {                                              \
                sum += (t ? a[l + (ptrdiff_t)i * *lda] : a[i + (ptrdiff_t)l * *lda]) *             \
                       x[(ptrdiff_t)l * *incx];                                                    \
            }                                                                                      \
            real *out = y + (ptrdiff_t)i * *incy;                                                  \
            *out = *alpha * sum + (*beta != 0 ? *beta * *out : 0);                                 \
        }                                                                                          \
    }

DEFINE_BLAS(float, sgemm, sgemv)
DEFINE_BLAS(double, dgemm, dgemv)

static void expect_ok(gru_status status) {
    if (status != GRU_OK) {
        fail(gru_status_message(status), 0);
    }
}

static void *workspace_of(const gru_problem *p, gru_pass pass) {
    size_t bytes;
    expect_ok(gru_workspace_bytes(p, pass, &bytes));
    return take_after(skipped, bytes);
}

/* How a run goes, besides the problem. */
typedef struct manner {
    int training, keep_tape, packed, accumulate, layout;
    int no_output, no_d_x, no_d_bias, no_d_state;
} manner;

/* Factors for all states, which leave them as they are; null where none are wanted. */
static const void *take_mask(const gru_problem *p, const example *e) {
    if (!p->masks_state) {
        return NULL;
    }
    void *mask = take(e->B * e->H * itemsize(p->dtype));
    for (size_t i = 0; i < e->B * e->H; i++) {
        set_element(mask, p->dtype, (ptrdiff_t)i, 1);
    }
    return mask;
}

static void check_backward(
    const gru_problem *p, const example *e, manner how, const gru_forward_args *forward) {
    const gru_dtype dtype = p->dtype;
    const size_t biases = (e->reset_after ? 6 : 3) * e->H;
    gru_backward_args a = { .weights = forward->weights,
        .x = forward->x,
        .tape = forward->tape,
        .keep_tape = how.keep_tape,
        .accumulate = how.accumulate };
    a.weights.bias = NULL;
    a.state_mask = take_mask(p, e);
    const sequence hidden = take_sequence(e->B, e->T, e->H, dtype, (how.layout + 2) % LAYOUTS);
    if (p->masks_state) {
        a.d_hidden = out(&hidden, dtype);
    }
    if (e->with_d_output) {
        const sequence dy = take_sequence(e->B, e->T, e->H, dtype, how.layout);
        fill_sequence(&dy, e->dy, dtype);
        a.d_output = in(&dy, dtype);
    }
    a.d_state = e->with_d_state ? copy_of(e->d_state, e->B * e->H, dtype) : NULL;
    const sequence dx = take_sequence(e->B, e->T, e->I, dtype, (how.layout + 1) % LAYOUTS);
    if (!how.no_d_x) {
        a.d_x = out(&dx, dtype);
    }
    double *ones = zeros(3 * e->H * (e->I + e->H + 2));
    for (size_t i = 0; i < 3 * e->H * (e->I + e->H + 2); i++) {
        ones[i] = how.accumulate ? 1 : NAN;
    }
    a.d_kernel = copy_of(ones, e->I * 3 * e->H, dtype);
    a.d_recurrent_kernel = copy_of(ones, e->H * 3 * e->H, dtype);
    a.d_bias = how.no_d_bias ? NULL : copy_of(ones, biases, dtype);
    a.d_initial_state = how.no_d_state ? NULL : take(e->B * e->H * itemsize(dtype));
    a.workspace = workspace_of(p, how.keep_tape ? GRU_BACKWARD_KEEP : GRU_BACKWARD);
    free(ones);
    size_t tape_bytes;
    expect_ok(gru_tape_bytes(p, &tape_bytes));
    unsigned char *tape = how.keep_tape ? malloc(tape_bytes) : NULL;
    if (tape) {
        memcpy(tape, a.tape, tape_bytes);
    }
    expect_ok(gru_backward(p, &a));
    if (tape && memcmp(tape, a.tape, tape_bytes) != 0) {
        fail("the tape that was to be kept has changed", 0);
    }
    free(tape);
    if (!how.no_d_x) {
        compare_sequence("d_x", &dx, e->dx, dtype);
    }
    compare("d_kernel", a.d_kernel, e->dW, e->I * 3 * e->H, dtype, how.accumulate);
    compare(
        "d_recurrent_kernel", a.d_recurrent_kernel, e->dU, e->H * 3 * e->H, dtype, how.accumulate);
    if (a.d_bias) {
        compare("d_bias", a.d_bias, e->d_bias, biases, dtype, how.accumulate);
    }
    if (a.d_initial_state) {
        compare("d_initial_state", a.d_initial_state, e->dh0, e->B * e->H, dtype, 0);
    }
}

static void check(const gru_problem *p, const example *e, manner how) {
    const gru_dtype dtype = p->dtype;
    const size_t biases = (e->reset_after ? 6 : 3) * e->H;
    gru_forward_args a = { 0 };
    a.weights.kernel = copy_of(e->W, e->I * 3 * e->H, dtype);
    a.weights.recurrent_kernel = copy_of(e->U, e->H * 3 * e->H, dtype);
    a.weights.bias = e->with_bias ? copy_of(e->bias, biases, dtype) : NULL;
    if (how.packed) {
        size_t bytes;
        expect_ok(gru_packed_bytes(p, &bytes));
        void *packed = take(bytes);
        expect_ok(gru_pack(p, &a.weights, packed));
        a.packed = packed;
    }
    const sequence x = take_sequence(e->B, e->T, e->I, dtype, how.layout);
    fill_sequence(&x, e->x, dtype);
    if (e->I) {
        a.x = in(&x, dtype);
    }
    a.initial_state = e->with_state ? copy_of(e->h0, e->B * e->H, dtype) : NULL;
    const sequence y = take_sequence(e->B, e->T, e->H, dtype, (how.layout + 1) % LAYOUTS);
    if (!how.no_output) {
        a.output = out(&y, dtype);
    }
    a.state = take(e->B * e->H * itemsize(dtype));
    const gru_draws draws = { 7, 0 };
    a.state_mask = take_mask(p, e);
    a.draws = p->masks_state && how.training ? &draws : NULL;
    if (how.training) {
        size_t bytes;
        expect_ok(gru_tape_bytes(p, &bytes));
        a.tape = take_after(skipped, bytes);
    }
    a.workspace = workspace_of(p, how.training ? GRU_FORWARD_TAPE : GRU_FORWARD);
    expect_ok(gru_forward(p, &a));
    if (!how.no_output) {
        compare_sequence("output", &y, e->y, dtype);
    }
    compare("state", a.state, e->state, e->B * e->H, dtype, 0);
    if (how.training) {
        check_backward(p, e, how, &a);
    }
    give_all_back();
}

#include "guard_stream.inc"

/* ---- matmul -------------------------------------------------------------------------------- */

/* Both operands as they lie in memory: rows of `columns` elements and a gap. */
static gru_matrix take_matrix(
    const double *numbers, size_t rows, size_t columns, int transposed, gru_dtype dtype) {
    const size_t height = transposed ? columns : rows, width = transposed ? rows : columns;
    const size_t stride = width + GAP, elements = height ? height * stride - GAP : 0;
    void *data = take(elements * itemsize(dtype));
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < columns; i++) {
            const size_t at = transposed ? i * stride + row : row * stride + i;
            set_element(data, dtype, (ptrdiff_t)at, numbers[row * columns + i]);
        }
    }
    return (gru_matrix){ data, stride, transposed };
}

static void run_matmul(size_t m, size_t n, size_t k) {
    double *a = random_numbers(m * k, 1), *b = random_numbers(k * n, 1), *c = zeros(m * n);
    double *before = zeros(m * n);
    for (size_t row = 0; row < m; row++) {
        multiply(a + row * k, b, k, 0, n, n, c + row * n);
    }
    const char *isa;
    for (size_t i = 0; (isa = gru_isa_name(i)) != NULL; i++) {
        expect_ok(gru_select_isa(isa));
        for (unsigned bits = 0; bits < 64; bits++) {
            const int accumulate = bits >> 4 & 1;
            gru_matmul_args args = { .dtype = bits & 1 ? GRU_F64 : GRU_F32,
                .m = m,
                .n = n,
                .k = k,
                .accumulate = accumulate,
                .threads = bits & 32 ? 3 : 1 };
            at_end = (bits & 2) != 0;
            skipped = bits & 1 ? 0 : draw() & 63;
            snprintf(now, sizeof now,
                "matmul, %s, %s, (m, n, k) = (%zu, %zu, %zu), transposed %u %u, "
                "accumulate %d, %d threads, at the %s, %zu skipped",
                isa, bits & 1 ? "float64" : "float32", m, n, k, bits >> 2 & 1, bits >> 3 & 1,
                accumulate, args.threads, at_end ? "end" : "beginning", skipped);
            tolerance = bits & 1 ? 1e-11 : 1e-4;
            args.a = take_matrix(a, m, k, bits >> 2 & 1, args.dtype);
            args.b = take_matrix(b, k, n, bits >> 3 & 1, args.dtype);
            for (size_t j = 0; j < m * n; j++) {
                before[j] = accumulate ? 1 : NAN;
            }
            args.c = copy_of(before, m * n, args.dtype);
            size_t bytes;
            expect_ok(gru_matmul_bytes(&args, &bytes));
            args.workspace = take_after(skipped, bytes);
            expect_ok(gru_matmul(&args));
            compare("c", args.c, c, m * n, args.dtype, accumulate);
            give_all_back();
        }
    }
    double *const all[] = { a, b, c, before };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free(all[i]);
    }
}

/* ---- all cases ----------------------------------------------------------------------------- */

/* Besides sides of 1 .. 67: nothing, several slices, several chunks of time, gangs. */
static const size_t LARGER[][4] = { { 0, 3, 2, 5 }, { 2, 0, 3, 5 }, { 3, 2, 0, 5 }, { 1, 1, 1, 1 },
    { 70, 2, 16, 33 }, { 33, 5, 20, 100 }, { 1, 115, 3, 129 }, { 1, 3, 9, 300 }, { 2, 3, 260, 200 },
    { 17, 3, 270, 49 }, { 2, 66, 5, 129 }, { 66, 3, 33, 65 } };
enum { SMALL = 67, CASES = SMALL + sizeof LARGER / sizeof *LARGER };

static void sizes_of_case(size_t number, size_t sizes[4]) {
    if (number >= SMALL) {
        memcpy(sizes, LARGER[number - SMALL], 4 * sizeof(size_t));
        return;
    }
    sizes[0] = 1 + number % 9;
    sizes[1] = 1 + number % 4;
    sizes[2] = 1 + number * 29 % SMALL;
    sizes[3] = 1 + number;
}

/* One of the ways to run an example; `bits` says which. */
static void run_variant(
    size_t number, const char *isa, const example *e, unsigned bits, gru_weight_format format) {
    const int training = format == GRU_WEIGHTS_FULL && bits >> 4 & 1, keep_tape = bits >> 5 & 1;
    const unsigned random = draw();
    const int general = draw() >> 9 & 1; /* all that a cell may do, so set that nothing changes */
    const gru_problem p = {
        .batch = e->B,
        .time = e->T,
        .input = e->I,
        .units = e->H,
        .dtype = bits & 1 ? GRU_F64 : GRU_F32,
        .engine = bits & 2 ? GRU_ENGINE_BLAS : GRU_ENGINE_PACKED,
        .reset_after = e->reset_after,
        .kind.recurrent_activation.function = GRU_SIGMOID,
        .kind.clip = general ? 1e6 : INFINITY,
        .kind.zoneout = general ? 1e-300 : 0,
        .masks_state = general,
        .threads = bits & 8 ? 3 : 1,
        .weights_format = format,
    };
    const manner how = { .training = training,
        .keep_tape = keep_tape,
        .packed = p.engine == GRU_ENGINE_PACKED && random & 1,
        .accumulate = random >> 1 & 1,
        .layout = (int)(random >> 2) % LAYOUTS,
        .no_output = (random >> 10 & 3) == 0,
        .no_d_x = (random >> 12 & 3) == 0,
        .no_d_bias = (random >> 14 & 3) == 0,
        .no_d_state = (random >> 16 & 3) == 0 };
    const int off = keep_tape && !training;
    const int wide = p.dtype == GRU_F64 || p.engine == GRU_ENGINE_BLAS;
    if (off || (format != GRU_WEIGHTS_FULL && wide)) {
        return;
    }
#ifdef __SANITIZE_THREAD__
    if (p.threads == 1 || p.engine == GRU_ENGINE_BLAS || number % 4) {
        return; /* slow, and of interest where threads meet */
    }
#endif
    tolerance = format != GRU_WEIGHTS_FULL ? 0.2 : p.dtype == GRU_F32 ? 1e-4 : 1e-11;
    at_end = (bits & 4) != 0;
    skipped = random >> 18 & 1 ? random >> 19 & 63 : 0;
    snprintf(now, sizeof now,
        "case %zu, %s, %s, %s, weights %d, (B, T, I, H) = (%zu, %zu, %zu, %zu), "
        "reset_after %d, %d threads, %s%s, packed %d, accumulate %d, layout %d, at the %s, "
        "%zu skipped",
        number, isa, p.engine == GRU_ENGINE_BLAS ? "blas" : "packed",
        p.dtype == GRU_F32 ? "float32" : "float64", (int)format, e->B, e->T, e->I, e->H,
        e->reset_after, p.threads, training ? "training" : "inference",
        keep_tape ? ", tape kept" : "", how.packed, how.accumulate, how.layout,
        at_end ? "end" : "beginning", skipped);
    check(&p, e, how);
    if (p.engine == GRU_ENGINE_PACKED && !training) {
        check_stream(&p, e);
    }
}

static void run_case(size_t number, int reset_after) {
    size_t sizes[4];
    sizes_of_case(number, sizes);
    seed = (unsigned)(2 * number + (size_t)reset_after);
    example e = make_example(sizes, reset_after, draw());
    const char *isa;
    for (size_t i = 0; (isa = gru_isa_name(i)) != NULL; i++) {
        expect_ok(gru_select_isa(isa));
        for (int format = GRU_WEIGHTS_FULL; format <= GRU_WEIGHTS_INT8; format++) {
            for (unsigned bits = 0; bits < 64; bits++) { /* of dtype, engine, end, threads, tape */
                run_variant(number, isa, &e, bits, (gru_weight_format)format);
            }
        }
    }
    free_example(&e);
}

int main(int count, char **arguments) {
    signal(SIGSEGV, on_fault);
    signal(SIGBUS, on_fault);
    const gru_blas blas = { sgemm, dgemm, sgemv, dgemv };
    gru_set_blas(&blas);
    for (size_t number = 0; number < CASES; number++) {
        if (count < 2) {
            run_matmul(number % 9, number, number * 29 % SMALL);
        }
        for (int reset_after = 0; reset_after < 2; reset_after++) {
            if (count < 2 || strtoul(arguments[1], NULL, 10) == number) {
                run_case(number, reset_after);
            }
        }
    }
    if (count < 2) {
        run_matmul(300, 133, 270);
    }
    return 0;
}
