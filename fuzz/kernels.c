/* A fuzz target of libFuzzer: entry points of the core, on problems that the input describes,
 * against plain loops. AddressSanitizer watches the buffers, UndefinedBehaviorSanitizer the
 * arithmetic. fuzz/run.sh builds it with the sources of the core. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__
#endif
#endif

#include "gru_layers.h"

#include "../tests/support/guard_buffers.inc"

#include "../tests/support/plain_blas.inc"

#include "plain_cells.inc"

/* ---- the input ------------------------------------------------------------------------------- */

static const uint8_t *next;
static size_t left;

/* Return the input's next number from 0 to most; 0 behind its end. */
static unsigned number(unsigned most) {
    if (!left) {
        return 0;
    }
    left--;
    return *next++ % (most + 1);
}

static int flag(void) {
    return number(1) != 0;
}

/* Mostly small, sometimes beyond a vector, a panel or a block of k. */
static size_t side(unsigned usual) {
    const unsigned kind = number(15);
    return kind == 0 ? 100 + number(60) : kind == 1 ? 0 : number(usual);
}

static gru_activation activation(gru_function usual) {
    gru_activation f = { usual, 0, 0 };
    if (flag()) {
        f.function = (gru_function)number(GRU_SOFTPLUS);
        f.alpha = number(24) / 16.0;
        f.beta = number(24) / 16.0;
    }
    return f;
}

/* Return 1 if rounding may move a result by more than itself: across the place of a jump. */
static int jumps(const gru_activation *f, int slopes) {
    return f->function == GRU_THRESHOLDED_RELU ||
           (slopes && (f->function == GRU_HARD_SIGMOID || f->function == GRU_RELU ||
                          f->function == GRU_LEAKY_RELU || f->function == GRU_ELU));
}

static void expect_ok(gru_status status) {
    if (status != GRU_OK) {
        fail(gru_status_message(status), 0);
    }
}

/* ---- recurrent layers ------------------------------------------------------------------------ */

typedef struct manner {
    int training, keep_tape, packed, accumulate, layout, poisoned, explodes;
    int no_output, no_d_x, no_d_bias, no_d_state, with_bias, with_state, with_dy, with_d_state;
} manner;

static manner draw_manner(const gru_problem *p) {
    manner how = { .training = flag(), .keep_tape = flag(), .packed = flag() };
    how.accumulate = flag();
    how.layout = (int)number(LAYOUTS - 1);
    how.poisoned = number(7) == 7;
    how.no_output = number(3) == 3;
    how.no_d_x = number(3) == 3;
    how.no_d_bias = number(3) == 3;
    how.no_d_state = number(3) == 3;
    how.with_bias = flag();
    how.with_state = flag();
    how.with_dy = flag();
    how.with_d_state = flag();
    if (p->weights_format != GRU_WEIGHTS_FULL || how.poisoned || p->kind.zoneout > 0) {
        how.training = 0;
    }
    how.packed &= p->engine == GRU_ENGINE_PACKED;
    return how;
}

static gru_problem draw_problem(void) {
    gru_problem p = { .cell = (gru_cell)number(GRU_CELL_RNN) };
    p.reset_after = p.cell == GRU_CELL_GRU ? flag() : 1;
    p.dtype = flag() ? GRU_F64 : GRU_F32;
    p.engine = flag() ? GRU_ENGINE_PACKED : flag() ? GRU_ENGINE_BLAS : GRU_ENGINE_AUTO;
    p.threads = 1 + (int)number(2);
    p.time = number(7);
    p.batch = side(20);
    p.input = side(40);
    p.units = 1 + side(40);
    while (p.time * (p.batch + 1) * (p.input + p.units) * p.units > 400000) {
        p.batch /= 2; /* the plain loops would be slow */
        p.time = p.batch ? p.time : p.time / 2;
    }
    p.kind.activation = activation(GRU_TANH);
    p.kind.recurrent_activation = activation(GRU_SIGMOID);
    p.kind.clip = number(3) == 3 ? 0.25 * (1 + number(7)) : INFINITY;
    p.kind.zoneout = number(7) == 7 ? number(15) / 16.0 : 0;
    p.masks_state = flag();
    const unsigned format = number(7);
    if (p.engine != GRU_ENGINE_BLAS && p.dtype == GRU_F32 && format < 3) {
        p.weights_format = (gru_weight_format)format;
    }
    return p;
}

static cell_case draw_case(const gru_problem *p, manner how) {
    static const size_t gates[] = { 3, 4, 1 };
    cell_case e = { .B = p->batch, .T = p->time, .I = p->input, .H = p->units };
    e.G = gates[p->cell];
    e.S = p->cell == GRU_CELL_LSTM ? 2 : 1;
    e.cell = p->cell;
    e.reset_after = p->reset_after;
    e.kind = p->kind;
    const size_t width = e.G * e.H,
                 biases = (e.cell == GRU_CELL_GRU && e.reset_after ? 2 : 1) * width;
    const size_t states = e.B * e.S * e.H;
    const double scale = pow(4, (double)number(3) - 2);
    seed = number(255) * 256 + number(255);
    e.x = random_numbers(e.B * e.T * e.I, scale);
    e.W = random_numbers(e.I * width, scale / sqrt((double)e.I + 1));
    e.U = random_numbers(e.H * width, 1 / sqrt((double)e.H));
    e.b = how.with_bias ? random_numbers(biases, 0.5) : zeros(biases);
    e.h0 = how.with_state ? random_numbers(states, 1) : zeros(states);
    e.dy = how.with_dy ? random_numbers(e.B * e.T * e.H, 1) : zeros(e.B * e.T * e.H);
    e.d_state = how.with_d_state ? random_numbers(states, 1) : zeros(states);
    e.mask = random_numbers(e.B * e.H, 1);
    for (size_t i = 0; !p->masks_state && i < e.B * e.H; i++) {
        e.mask[i] = 1;
    }
    e.y = zeros(e.B * e.T * e.H);
    e.state = zeros(states);
    e.dx = zeros(e.B * e.T * e.I);
    e.dW = zeros(e.I * width);
    e.dU = zeros(e.H * width);
    e.db = zeros(biases);
    e.dh0 = zeros(states);
    for (size_t row = 0; row < e.B; row++) {
        compute_row_of(&e, row, how.training);
    }
    return e;
}

static void free_case(cell_case *e) {
    double *const all[] = { e->x, e->W, e->U, e->b, e->h0, e->dy, e->d_state, e->mask, e->y,
        e->state, e->dx, e->dW, e->dU, e->db, e->dh0 };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free(all[i]);
    }
}

static void *workspace_of(const gru_problem *p, gru_pass pass) {
    size_t bytes;
    expect_ok(gru_workspace_bytes(p, pass, &bytes));
    return take(bytes);
}

static void run_backward(
    const gru_problem *p, const cell_case *e, manner how, const gru_forward_args *forward) {
    const gru_dtype dtype = p->dtype;
    const size_t width = e->G * e->H, states = e->B * e->S * e->H;
    const size_t biases = (e->cell == GRU_CELL_GRU && e->reset_after ? 2 : 1) * width;
    const size_t most = biases + (e->I + e->H) * width;
    gru_backward_args a = { .weights = forward->weights, .x = forward->x, .tape = forward->tape };
    a.keep_tape = how.keep_tape;
    a.accumulate = how.accumulate;
    a.state_mask = forward->state_mask;
    const sequence dy = take_sequence(e->B, e->T, e->H, dtype, how.layout);
    fill_sequence(&dy, e->dy, dtype);
    if (how.with_dy) {
        a.d_output = in(&dy, dtype);
    }
    a.d_state = how.with_d_state ? copy_of(e->d_state, states, dtype) : NULL;
    const sequence dx = take_sequence(e->B, e->T, e->I, dtype, (how.layout + 1) % LAYOUTS);
    if (!how.no_d_x) {
        a.d_x = out(&dx, dtype);
    }
    double *old = zeros(most);
    for (size_t i = 0; i < most; i++) {
        old[i] = how.accumulate ? 1 : NAN;
    }
    a.d_kernel = copy_of(old, e->I * width, dtype);
    a.d_recurrent_kernel = copy_of(old, e->H * width, dtype);
    a.d_bias = how.no_d_bias ? NULL : copy_of(old, biases, dtype);
    a.d_initial_state = how.no_d_state ? NULL : take(states * itemsize(dtype));
    free(old);
    a.workspace = workspace_of(p, how.keep_tape ? GRU_BACKWARD_KEEP : GRU_BACKWARD);
    expect_ok(gru_backward(p, &a));
    if (how.explodes) {
        return;
    }
    if (dtype == GRU_F32 && (jumps(&p->kind.activation, 1) || p->kind.clip < INFINITY ||
                                jumps(&p->kind.recurrent_activation, 1))) {
        return; /* a sum beside a bend may have the slope of the other side */
    }
    if (!how.no_d_x) {
        compare_sequence("d_x", &dx, e->dx, dtype);
    }
    compare("d_kernel", a.d_kernel, e->dW, e->I * width, dtype, how.accumulate);
    compare("d_recurrent_kernel", a.d_recurrent_kernel, e->dU, e->H * width, dtype, how.accumulate);
    if (a.d_bias) {
        compare("d_bias", a.d_bias, e->db, biases, dtype, how.accumulate);
    }
    if (a.d_initial_state) {
        compare("d_initial_state", a.d_initial_state, e->dh0, states, dtype, 0);
    }
}

/* Put NaN or infinity into all of row 0; the other rows must not notice. */
static void poison(const sequence *x, gru_dtype dtype) {
    const double bad[] = { NAN, INFINITY, -INFINITY, 1e30 };
    for (size_t t = 0; t < x->T; t++) {
        for (size_t i = 0; i < x->n; i++) {
            set_element(x->data, dtype, place(x, 0, t) + (ptrdiff_t)i, bad[(t + i) % 4]);
        }
    }
}

static void run_forward(const gru_problem *p, const cell_case *e, manner how) {
    const gru_dtype dtype = p->dtype;
    const size_t width = e->G * e->H, states = e->S * e->H;
    const size_t biases = (e->cell == GRU_CELL_GRU && e->reset_after ? 2 : 1) * width;
    gru_forward_args a = { 0 };
    a.weights.kernel = copy_of(e->W, e->I * width, dtype);
    a.weights.recurrent_kernel = copy_of(e->U, e->H * width, dtype);
    a.weights.bias = how.with_bias ? copy_of(e->b, biases, dtype) : NULL;
    if (how.packed) {
        size_t bytes;
        expect_ok(gru_packed_bytes(p, &bytes));
        char *packed = take(bytes + 64);
        packed += (64 - (uintptr_t)packed % 64) % 64;
        expect_ok(gru_pack(p, &a.weights, packed));
        a.packed = packed;
    }
    const sequence x = take_sequence(e->B, e->T, e->I, dtype, how.layout);
    fill_sequence(&x, e->x, dtype);
    if (how.poisoned && e->B) {
        poison(&x, dtype);
    }
    if (e->I) {
        a.x = in(&x, dtype);
    }
    a.initial_state = how.with_state ? copy_of(e->h0, e->B * states, dtype) : NULL;
    a.state_mask = p->masks_state ? copy_of(e->mask, e->B * e->H, dtype) : NULL;
    const sequence y = take_sequence(e->B, e->T, e->H, dtype, (how.layout + 1) % LAYOUTS);
    if (!how.no_output) {
        a.output = out(&y, dtype);
    }
    a.state = take(e->B * states * itemsize(dtype));
    if (how.training) {
        size_t bytes;
        expect_ok(gru_tape_bytes(p, &bytes));
        a.tape = take(bytes);
    }
    a.workspace = workspace_of(p, how.training ? GRU_FORWARD_TAPE : GRU_FORWARD);
    expect_ok(gru_forward(p, &a));
    const int may_jump = jumps(&p->kind.activation, 0) || jumps(&p->kind.recurrent_activation, 0);
    const size_t first = how.poisoned && e->B ? 1 : 0;
    if (!(dtype == GRU_F32 && may_jump) && !how.explodes) {
        if (!how.no_output && !first) {
            compare_sequence("output", &y, e->y, dtype);
        }
        compare("state", (char *)a.state + first * states * itemsize(dtype),
            e->state + first * states, (e->B - first) * states, dtype, 0);
    }
    if (how.training) {
        run_backward(p, e, how, &a);
    }
}

/* Return 1 if states grow beyond what can be compared: with unbounded activations they may grow
 * like powers of powers, to infinity. */
static int explodes(const cell_case *e) {
    const size_t states = e->B * e->S * e->H;
    int large = 0;
    for (size_t i = 0; i < e->B * e->T * e->H; i++) {
        large |= !(fabs(e->y[i]) < 1e4);
    }
    for (size_t i = 0; i < states; i++) {
        large |= !(fabs(e->state[i]) < 1e4 && fabs(e->dh0[i]) < 1e4);
    }
    return large;
}

static int is_unbounded(const gru_activation *f) {
    return f->function != GRU_TANH && f->function != GRU_SIGMOID &&
           f->function != GRU_HARD_SIGMOID && f->function != GRU_SOFTSIGN;
}

static void fuzz_cells(void) {
    gru_problem p = draw_problem();
    manner how = draw_manner(&p);
    p.weights_are_packed = how.packed;
    const int unbounded =
        is_unbounded(&p.kind.activation) || is_unbounded(&p.kind.recurrent_activation);
    if (unbounded && p.weights_format != GRU_WEIGHTS_FULL) {
        p.weights_format = GRU_WEIGHTS_FULL; /* errors of weights grow with the states */
    }
    cell_case e = draw_case(&p, how);
    tolerance = p.dtype == GRU_F64 ? 1e-9 : p.weights_format != GRU_WEIGHTS_FULL ? 0.5 : 2e-3;
    snprintf(now, sizeof now,
        "cell %d, %s, engine %d, format %d, (B, T, I, H) = (%zu, %zu, %zu, %zu), reset_after %d, "
        "activations %d %d, clip %g, zoneout %g, masked %d, %d threads, training %d, packed %d, "
        "accumulate %d, layout %d, %s",
        p.cell, p.dtype == GRU_F32 ? "float32" : "float64", p.engine, p.weights_format, e.B, e.T,
        e.I, e.H, p.reset_after, p.kind.activation.function, p.kind.recurrent_activation.function,
        p.kind.clip, p.kind.zoneout, p.masks_state, p.threads, how.training, how.packed,
        how.accumulate, how.layout, gru_active_isa());
    if (explodes(&e)) {
        how.explodes = 1;
    }
    run_forward(&p, &e, how);
    free_case(&e);
}

/* ---- matmul, optimizers, sizes --------------------------------------------------------------- */

static void fuzz_matmul(void) {
    gru_matmul_args a = { .dtype = flag() ? GRU_F64 : GRU_F32 };
    a.m = side(40);
    a.n = side(40);
    a.k = side(40);
    a.accumulate = flag();
    a.threads = 1 + (int)number(2);
    a.a = (gru_matrix){ NULL, 0, flag() };
    a.b = (gru_matrix){ NULL, 0, flag() };
    const size_t gap = number(3);
    seed = number(255);
    a.a.stride = (a.a.transposed ? a.m : a.k) + gap;
    a.b.stride = (a.b.transposed ? a.k : a.n) + gap;
    const size_t rows_a = a.a.transposed ? a.k : a.m, rows_b = a.b.transposed ? a.n : a.k;
    double *left_numbers = random_numbers(rows_a * a.a.stride, 1);
    double *right_numbers = random_numbers(rows_b * a.b.stride, 1), *c = zeros(a.m * a.n);
    double *before = zeros(a.m * a.n);
    for (size_t i = 0; i < a.m * a.n; i++) {
        const size_t row = i / a.n, j = i % a.n;
        before[i] = a.accumulate ? 1 : NAN;
        for (size_t k = 0; k < a.k; k++) {
            c[i] += left_numbers[a.a.transposed ? k * a.a.stride + row : row * a.a.stride + k] *
                    right_numbers[a.b.transposed ? j * a.b.stride + k : k * a.b.stride + j];
        }
    }
    const size_t used_a = rows_a ? rows_a * a.a.stride - gap : 0;
    const size_t used_b = rows_b ? rows_b * a.b.stride - gap : 0;
    a.a.data = copy_of(left_numbers, used_a, a.dtype);
    a.b.data = copy_of(right_numbers, used_b, a.dtype);
    a.c = copy_of(before, a.m * a.n, a.dtype);
    size_t bytes;
    expect_ok(gru_matmul_bytes(&a, &bytes));
    a.workspace = take(bytes);
    snprintf(now, sizeof now, "matmul (m, n, k) = (%zu, %zu, %zu), transposed %d %d, %s", a.m, a.n,
        a.k, a.a.transposed, a.b.transposed, gru_active_isa());
    tolerance = a.dtype == GRU_F64 ? 1e-11 : 1e-4;
    expect_ok(gru_matmul(&a));
    compare("c", a.c, c, a.m * a.n, a.dtype, a.accumulate);
    free(left_numbers);
    free(right_numbers);
    free(c);
    free(before);
}

static void fuzz_optimizers(void) {
    const gru_dtype dtype = flag() ? GRU_F64 : GRU_F32;
    const size_t n = side(200);
    const int kind = (int)number(3), nesterov = flag();
    const double rate = number(31) / 32.0, first = number(31) / 32.0, second = number(31) / 32.0;
    gru_update u = { .size = n, .scale = 1 + number(3), .clip = flag() ? 0.5 : INFINITY };
    u.decay = number(15) / 64.0;
    u.learning_rate = rate;
    u.threads = 1 + (int)number(2);
    seed = number(255);
    double *p = random_numbers(n, 1), *g = random_numbers(n, 1), *m = random_numbers(n, 1);
    double *v = random_numbers(n, 1);
    for (size_t i = 0; i < n; i++) {
        v[i] = fabs(v[i]) + 0.125;
    }
    u.parameters = copy_of(p, n, dtype);
    u.gradients = copy_of(g, n, dtype);
    void *of_m = copy_of(m, n, dtype), *of_v = copy_of(v, n, dtype);
    for (size_t i = 0; i < n; i++) {
        const double d = fmin(fmax(g[i] * u.scale, -u.clip), u.clip);
        p[i] -= u.decay * p[i];
        if (kind == 0) {
            m[i] = first * m[i] + (1 - first) * d;
            v[i] = second * v[i] + (1 - second) * d * d;
            p[i] -= rate * m[i] / (sqrt(v[i]) + 0.125);
        } else if (kind == 1) {
            p[i] -= rate * d;
        } else if (kind == 2) {
            m[i] = first * m[i] - rate * d;
            p[i] += nesterov ? first * m[i] - rate * d : m[i];
        } else {
            v[i] = second * v[i] + (1 - second) * d * d;
            m[i] = first * m[i] + rate * d / sqrt(v[i] + 0.125);
            p[i] -= m[i];
        }
    }
    snprintf(now, sizeof now, "optimizer %d, size %zu, %s", kind, n, gru_active_isa());
    tolerance = dtype == GRU_F64 ? 1e-11 : 1e-4;
    expect_ok(kind == 0   ? gru_adam(dtype, &u, first, second, 0.125, of_m, of_v)
              : kind == 1 ? gru_sgd(dtype, &u, 0, 0, NULL)
              : kind == 2 ? gru_sgd(dtype, &u, first, nesterov, of_m)
                          : gru_rmsprop(dtype, &u, second, 0.125, first, of_v, NULL, of_m));
    compare("parameters", u.parameters, p, n, dtype, 0);
    free(p);
    free(g);
    free(m);
    free(v);
}

/* Any bytes as a problem: sizes are computed or refused, and never too small for an array. */
static void fuzz_sizes(void) {
    gru_problem p = { 0 };
    unsigned char raw[sizeof p];
    for (size_t i = 0; i < sizeof raw; i++) {
        raw[i] = (unsigned char)number(255);
    }
    memcpy(&p.batch, raw, 4 * sizeof(size_t));
    p.batch >>= number(64 - 1);
    p.time >>= number(64 - 1);
    p.input >>= number(64 - 1);
    p.units >>= number(64 - 1);
    p.cell = (gru_cell)number(3);
    p.dtype = (gru_dtype)number(2);
    p.engine = (gru_engine)number(3);
    p.reset_after = (int)number(1);
    p.kind.activation = activation(GRU_TANH);
    p.kind.recurrent_activation = activation(GRU_SIGMOID);
    p.kind.clip = number(3) ? INFINITY : (double)number(3) - 1;
    p.kind.zoneout = number(7) / 4.0;
    p.threads = (int)number(255) - 1;
    p.weights_format = (gru_weight_format)number(3);
    const char *before = "a size is too small";
    snprintf(now, sizeof now, "sizes (%zu, %zu, %zu, %zu)", p.batch, p.time, p.input, p.units);
    for (int pass = GRU_FORWARD; pass <= GRU_FORWARD_STEP; pass++) {
        size_t bytes = 0;
        const gru_status status = gru_workspace_bytes(&p, (gru_pass)pass, &bytes);
        if (!*gru_status_message(status)) {
            fail("a status without a message", 0);
        }
    }
    size_t tape = 0, packed = 0;
    if (gru_tape_bytes(&p, &tape) == GRU_OK && p.batch && p.time) {
        const double least = (double)p.batch * (double)p.time * (double)p.units * 4;
        if ((double)tape < least * 0.999) {
            fail(before, 1);
        }
    }
    if (gru_packed_bytes(&p, &packed) == GRU_OK && p.weights_format == GRU_WEIGHTS_FULL &&
        (double)packed < (double)p.units * (double)p.units * 4 * 0.999) {
        fail(before, 2);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static int begun;
    if (!begun) {
        const gru_blas blas = { sgemm, dgemm, sgemv, dgemv };
        gru_set_blas(&blas);
        begun = 1;
    }
    next = data;
    left = size;
    size_t isas = 0;
    while (gru_isa_name(isas)) {
        isas++;
    }
    expect_ok(gru_select_isa(gru_isa_name(number(255) % isas)));
    switch (number(7)) {
    case 0:
        fuzz_matmul();
        break;
    case 1:
        fuzz_optimizers();
        break;
    case 2:
        fuzz_sizes();
        break;
    default:
        fuzz_cells();
    }
    give_all_back();
    return 0;
}
