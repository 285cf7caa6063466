/* A test of the core's memory accesses and results, in problems of all small sizes and some larger
 * ones. Every buffer lies between protected pages, at the lower or at the upper one. Results are
 * compared with plain loops in double precision. Arrays begin as NaN, so that a read before the
 * first write changes a result.
 *
 *   guard_harness [case]    run all cases, or the one of this number; print nothing on success
 *
 * test_guards.py builds it together with the sources of the core. With AddressSanitizer, buffers
 * come from malloc, which AddressSanitizer watches. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gru_layers.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__
#endif
#endif

#include "guard_buffers.inc"
#include "guard_expected.inc"

#include "plain_blas.inc"

/* ---- the core's answer --------------------------------------------------------------------- */

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

/* The settings of a run besides the problem. */
typedef struct manner {
    int training, keep_tape, packed, accumulate, layout;
    int no_output, no_d_x, no_d_bias, no_d_state;
} manner;

/* Return factors of 1 for all states; null if the problem has no mask. */
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
#include "guard_layers.inc"

#include "guard_cells.inc"

/* ---- matmul -------------------------------------------------------------------------------- */

/* Return an operand in memory: rows of `columns` elements, with a gap after each. */
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

/* Sizes besides 1 .. 67: empty arrays, several slices, several time chunks, gangs. */
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

/* Run an example in one of the ways, given by `bits`. */
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
        check_layers(&p, e);
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
        if (count >= 2 && strtoul(arguments[1], NULL, 10) != number) {
            continue;
        }
        for (int reset_after = 0; reset_after < 2; reset_after++) {
            run_case(number, reset_after);
        }
        size_t sizes[4];
        sizes_of_case(number, sizes);
        run_cell_case(number, sizes, GRU_CELL_LSTM);
        run_cell_case(number, sizes, GRU_CELL_RNN);
    }
    if (count < 2) {
        run_matmul(300, 133, 270);
    }
    return 0;
}
