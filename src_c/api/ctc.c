/* Connectionist temporal classification: losses and gradients of the sequences of a batch.
 *
 * The states of a sequence with n labels are blank, label 1, blank, ..., label n, blank: S = 2n + 1.
 * All probabilities are kept as their logarithms. exp and log are computed here, so that the bits
 * do not depend on a mathematics library. */
#include "gru_ctc.h"

#include "common/memory.h"

static const double IMPOSSIBLE = -1e300; /* the logarithm of the probability 0 */
static const double LN2_HI = 6.93147180369123816490e-01, LN2_LO = 1.90821492927058770002e-10;
static const double EXP_TERMS[] = { 1, 1, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720,
    1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600,
    1.0 / 6227020800, 1.0 / 87178291200 };
static const double ATANH_TERMS[] = { 1, 1.0 / 3, 1.0 / 5, 1.0 / 7, 1.0 / 9, 1.0 / 11, 1.0 / 13,
    1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21, 1.0 / 23 };

/* Return e^x for x <= 0. */
static double exponential(double x) {
    if (!(x > -745)) {
        return x != x ? x : 0;
    }
    const int k = (int)(x * 1.4426950408889634 - 0.5);
    const double r = (x - k * LN2_HI) - k * LN2_LO;
    double sum = 0; /* of the Taylor series, |r| < 0.35 */
    for (int i = 14; i >= 0; i--) {
        sum = sum * r + EXP_TERMS[i];
    }
    union {
        uint64_t bits;
        double value;
    } first = { (uint64_t)(k / 2 + 1023) << 52 }, second = { (uint64_t)(k - k / 2 + 1023) << 52 };
    return sum * first.value * second.value;
}

/* Return the logarithm of a number from 1 up to 2^1000. */
static double logarithm(double x) {
    union {
        double value;
        uint64_t bits;
    } parts = { x };
    if (!(x >= 1)) {
        return x != x ? x : 0;
    }
    int k = (int)(parts.bits >> 52) - 1023;
    parts.bits = (parts.bits & 0xfffffffffffffULL) | (1023ULL << 52);
    double m = parts.value;
    if (m > 1.4142135623730951) {
        m /= 2;
        k++;
    }
    const double s = (m - 1) / (m + 1), w = s * s; /* log(m) = 2 atanh(s), w < 0.03 */
    double sum = 0;
    for (int i = 11; i >= 0; i--) {
        sum = sum * w + ATANH_TERMS[i];
    }
    return k * LN2_HI + (2 * s * sum + k * LN2_LO);
}

/* Return log(e^a + e^b). */
static double log_sum(double a, double b) {
    const double most = a > b ? a : b, least = a > b ? b : a;
    if (least <= IMPOSSIBLE / 2) {
        return most;
    }
    return most + logarithm(1 + exponential(least - most));
}

static double element(gru_dtype dtype, const void *data, size_t i) {
    return dtype == GRU_F32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
}

static void set_element(gru_dtype dtype, void *data, size_t i, double value) {
    if (dtype == GRU_F32) {
        ((float *)data)[i] = (float)value;
    } else {
        ((double *)data)[i] = value;
    }
}

/* The places of the arrays in the workspace, and its size. */
typedef struct layout {
    size_t logs, alpha, beta, next, total; /* (T, C), (T, S), (S), (S), (C) */
    gru_arena arena;
} layout;

static layout lay_out(const gru_ctc_args *args) {
    layout places = { 0 };
    places.arena.itemsize = sizeof(double);
    if (args->labels > (SIZE_MAX - 1) / 2) {
        places.arena.overflow = 1;
        return places;
    }
    const size_t states = 2 * args->labels + 1;
    places.logs = gru_take(&places.arena, args->time, args->classes, 1);
    places.alpha = gru_take(&places.arena, args->time, states, 1);
    places.beta = gru_take(&places.arena, states, 1, 1);
    places.next = gru_take(&places.arena, states, 1, 1);
    places.total = gru_take(&places.arena, args->classes, 1, 1);
    return places;
}

/* One sequence. */
typedef struct sequence {
    size_t time, classes, states;
    const int32_t *labels;
    size_t blank;
    double *logs, *alpha, *beta, *next, *total;
} sequence;

/* Return the class of a state. */
static size_t class_of(const sequence *seq, size_t state) {
    return state % 2 ? (size_t)seq->labels[state / 2] : seq->blank;
}

/* Return 1 if a state can follow the label before the last one, without the blank between them. */
static int skips(const sequence *seq, size_t state) {
    return state % 2 && state >= 3 && seq->labels[state / 2] != seq->labels[state / 2 - 1];
}

/* Write the logarithms of the softmax of a sequence's logits, which begin at element `first`. */
static void log_softmax(const sequence *seq, gru_dtype dtype, const void *logits, size_t first) {
    for (size_t t = 0; t < seq->time; t++) {
        double *logs = seq->logs + t * seq->classes;
        double most = IMPOSSIBLE, sum = 0;
        for (size_t c = 0; c < seq->classes; c++) {
            logs[c] = element(dtype, logits, first + t * seq->classes + c);
            most = logs[c] > most ? logs[c] : most;
        }
        for (size_t c = 0; c < seq->classes; c++) {
            sum += exponential(logs[c] - most);
        }
        const double log_of_sum = most + logarithm(sum);
        for (size_t c = 0; c < seq->classes; c++) {
            logs[c] -= log_of_sum;
            logs[c] = logs[c] < IMPOSSIBLE ? IMPOSSIBLE : logs[c];
        }
    }
}

static double added(double a, double b) {
    return a + b < IMPOSSIBLE ? IMPOSSIBLE : a + b;
}

/* Write the probabilities alpha (T, S) of all beginnings; return the log of the total probability. */
static double forward(const sequence *seq) {
    const size_t states = seq->states;
    if (seq->time == 0) {
        return states == 1 ? 0 : IMPOSSIBLE;
    }
    for (size_t s = 0; s < states; s++) {
        seq->alpha[s] = s < 2 ? seq->logs[class_of(seq, s)] : IMPOSSIBLE;
    }
    for (size_t t = 1; t < seq->time; t++) {
        const double *before = seq->alpha + (t - 1) * states;
        double *now = seq->alpha + t * states;
        for (size_t s = 0; s < states; s++) {
            double sum = before[s];
            sum = s >= 1 ? log_sum(sum, before[s - 1]) : sum;
            sum = skips(seq, s) ? log_sum(sum, before[s - 2]) : sum;
            now[s] = added(sum, seq->logs[t * seq->classes + class_of(seq, s)]);
        }
    }
    const double *last = seq->alpha + (seq->time - 1) * states;
    return states == 1 ? last[0] : log_sum(last[states - 1], last[states - 2]);
}

/* Write the gradients of -log_total by the logits, which begin at element `first`. */
static void backward(
    const sequence *seq, double log_total, gru_dtype dtype, void *d_logits, size_t first) {
    const size_t states = seq->states;
    double *beta = seq->beta, *next = seq->next; /* of the steps behind t */
    for (size_t s = 0; s < states; s++) {
        beta[s] = s + 2 >= states ? 0 : IMPOSSIBLE;
    }
    for (size_t t = seq->time; t-- > 0;) {
        const double *logs = seq->logs + t * seq->classes, *alpha = seq->alpha + t * states;
        memset(seq->total, 0, seq->classes * sizeof(double));
        for (size_t s = 0; s < states; s++) {
            const double log_share = alpha[s] + beta[s] - log_total;
            seq->total[class_of(seq, s)] += exponential(log_share < 0 ? log_share : 0);
        }
        for (size_t c = 0; c < seq->classes; c++) {
            set_element(dtype, d_logits, first + t * seq->classes + c,
                exponential(logs[c]) - seq->total[c]);
        }
        for (size_t s = 0; s < states; s++) {
            next[s] = added(beta[s], logs[class_of(seq, s)]);
        }
        for (size_t s = 0; s < states; s++) {
            double sum = next[s];
            sum = s + 1 < states ? log_sum(sum, next[s + 1]) : sum;
            sum = s + 2 < states && skips(seq, s + 2) ? log_sum(sum, next[s + 2]) : sum;
            beta[s] = sum;
        }
    }
}

/* Return 1 if lengths and labels are in their ranges. */
static int is_valid(const gru_ctc_args *args) {
    if (args->blank < 0 || (size_t)args->blank >= args->classes) {
        return 0;
    }
    for (size_t row = 0; row < args->batch; row++) {
        const int32_t steps = args->input_lengths[row], labels = args->target_lengths[row];
        if (steps < 0 || (size_t)steps > args->time || labels < 0 ||
            (size_t)labels > args->labels) {
            return 0;
        }
        for (int32_t i = 0; i < labels; i++) {
            const int32_t label = args->targets[row * args->labels + (size_t)i];
            if (label < 0 || (size_t)label >= args->classes || label == args->blank) {
                return 0;
            }
        }
    }
    return 1;
}

gru_status gru_ctc_bytes(const gru_ctc_args *args, size_t *bytes) {
    const layout places = lay_out(args);
    if (places.arena.overflow || places.arena.bytes > SIZE_MAX - GRU_CACHE_LINE) {
        return GRU_TOO_LARGE;
    }
    *bytes = places.arena.bytes + GRU_CACHE_LINE;
    return GRU_OK;
}

gru_status gru_ctc(const gru_ctc_args *args) {
    if ((args->dtype != GRU_F32 && args->dtype != GRU_F64) || !is_valid(args)) {
        return GRU_BAD_ARGUMENT;
    }
    const layout places = lay_out(args);
    char *memory = gru_align(args->workspace);
    const size_t row_elements = args->time * args->classes;
    if (args->d_logits) {
        memset(args->d_logits, 0, args->batch * row_elements * gru_itemsize(args->dtype));
    }
    for (size_t row = 0; row < args->batch; row++) {
        const sequence seq = { .time = (size_t)args->input_lengths[row],
            .classes = args->classes,
            .states = 2 * (size_t)args->target_lengths[row] + 1,
            .labels = args->targets + row * args->labels,
            .blank = (size_t)args->blank,
            .logs = (double *)(memory + places.logs),
            .alpha = (double *)(memory + places.alpha),
            .beta = (double *)(memory + places.beta),
            .next = (double *)(memory + places.next),
            .total = (double *)(memory + places.total) };
        log_softmax(&seq, args->dtype, args->logits, row * row_elements);
        const double log_total = forward(&seq);
        const int fits = !(log_total <= IMPOSSIBLE / 2);
        args->losses[row] = fits ? -log_total : __builtin_inf();
        if (args->d_logits && fits) {
            backward(&seq, log_total, args->dtype, args->d_logits, row * row_elements);
        }
    }
    return GRU_OK;
}
