"""Mirror of src_c/gru.h, gru_layers.h, gru_watch.h and gru_ctc.h, one to one."""

from libc.stdint cimport int32_t

cdef extern from "gru.h" nogil:
    ctypedef enum gru_status:
        GRU_OK
        GRU_BAD_ARGUMENT
        GRU_TOO_LARGE
        GRU_BLAS_LIMIT
        GRU_NO_BLAS
        GRU_NO_ISA
        GRU_SMALL_WORKSPACE

    const char *gru_status_message(gru_status status)

    ctypedef enum gru_dtype:
        GRU_F32
        GRU_F64

    ctypedef enum gru_engine:
        GRU_ENGINE_AUTO
        GRU_ENGINE_BLAS
        GRU_ENGINE_PACKED

    const char *gru_isa_name(size_t i)
    const char *gru_active_isa()
    gru_status gru_select_isa(const char *name)
    int gru_has_threads()
    int gru_has_openmp()
    void gru_unbind_workers(size_t count, const int *cpus)

    ctypedef struct gru_blas:
        void (*sgemm)(char *, char *, int *, int *, int *, float *, float *, int *, float *,
                      int *, float *, float *, int *) noexcept
        void (*dgemm)(char *, char *, int *, int *, int *, double *, double *, int *, double *,
                      int *, double *, double *, int *) noexcept
        void (*sgemv)(char *, int *, int *, float *, float *, int *, float *, int *, float *,
                      float *, int *) noexcept
        void (*dgemv)(char *, int *, int *, double *, double *, int *, double *, int *, double *,
                      double *, int *) noexcept

    void gru_set_blas(const gru_blas *blas)

    ctypedef enum gru_weight_format:
        GRU_WEIGHTS_FULL
        GRU_WEIGHTS_BF16
        GRU_WEIGHTS_INT8

    ctypedef enum gru_cell:
        GRU_CELL_GRU
        GRU_CELL_LSTM
        GRU_CELL_RNN

    ctypedef enum gru_function:
        GRU_TANH
        GRU_SIGMOID
        GRU_HARD_SIGMOID
        GRU_RELU
        GRU_LINEAR
        GRU_SOFTSIGN
        GRU_AFFINE
        GRU_LEAKY_RELU
        GRU_THRESHOLDED_RELU
        GRU_SCALED_TANH
        GRU_ELU
        GRU_SOFTPLUS

    ctypedef struct gru_activation:
        gru_function function
        double alpha, beta

    ctypedef struct gru_cell_kind:
        gru_activation activation, recurrent_activation
        double clip
        double zoneout

    ctypedef struct gru_problem:
        size_t batch, time, input, units
        gru_dtype dtype
        gru_engine engine
        gru_cell cell
        int reset_after
        gru_cell_kind kind
        int masks_state
        int weights_are_packed
        int threads
        gru_weight_format weights_format

    ctypedef struct gru_weights:
        const void *kernel
        const void *recurrent_kernel
        const void *bias

    ctypedef struct gru_sequence_in:
        const void *data
        ptrdiff_t stride_batch, stride_time

    ctypedef struct gru_sequence_out:
        void *data
        ptrdiff_t stride_batch, stride_time

    ctypedef enum gru_pass:
        GRU_FORWARD
        GRU_FORWARD_TAPE
        GRU_BACKWARD
        GRU_BACKWARD_KEEP
        GRU_FORWARD_STEP

    gru_engine gru_engine_of(const gru_problem *problem)

    # `pass` is a word of Python
    gru_status gru_workspace_bytes(const gru_problem *problem, gru_pass which, size_t *bytes)
    gru_status gru_tape_bytes(const gru_problem *problem, size_t *bytes)

    gru_status gru_packed_bytes(const gru_problem *problem, size_t *bytes)
    gru_status gru_pack(const gru_problem *problem, const gru_weights *weights, void *packed)

    ctypedef struct gru_draws:
        unsigned long long seed
        size_t first_step

    ctypedef struct gru_forward_args:
        gru_weights weights
        const void *packed
        gru_sequence_in x
        const void *initial_state
        const void *state_mask
        const gru_draws *draws
        gru_sequence_out output
        int all_states
        void *state
        void *tape
        void *workspace

    gru_status gru_forward(const gru_problem *problem, const gru_forward_args *args)
    gru_status gru_forward_within(const gru_problem *problem, const gru_forward_args *args,
                                  size_t bytes, size_t *needed)

    ctypedef struct gru_backward_args:
        gru_weights weights
        gru_sequence_in x
        void *tape
        int keep_tape
        const void *state_mask
        const gru_draws *draws
        gru_sequence_in d_output
        int all_states
        const void *d_state
        gru_sequence_out d_hidden
        gru_sequence_out d_x
        void *d_kernel
        void *d_recurrent_kernel
        void *d_bias
        void *d_initial_state
        int accumulate
        void *workspace

    gru_status gru_backward(const gru_problem *problem, const gru_backward_args *args)
    gru_status gru_chunk_steps(const gru_problem *problem, size_t *steps)

    ctypedef struct gru_order_args:
        size_t batch, time
        const unsigned char *counts
        const ptrdiff_t *ranks
        const ptrdiff_t *begins
        size_t longest, count
        ptrdiff_t *numbers
        ptrdiff_t *shown
        ptrdiff_t *places

    gru_status gru_order_steps(const gru_order_args *args)

    ctypedef struct gru_take_args:
        gru_dtype dtype
        size_t width
        size_t from_batch, from_time, to_batch, to_time
        gru_sequence_in from_ "from"
        gru_sequence_out to
        const ptrdiff_t *index
        const ptrdiff_t *numbers
        int threads

    gru_status gru_take_steps(const gru_take_args *args)

    ctypedef struct gru_matrix:
        const void *data
        size_t stride
        int transposed

    ctypedef struct gru_windows:
        size_t count
        size_t taps
        size_t sequence, tap

    ctypedef struct gru_matmul_args:
        gru_dtype dtype
        size_t m, n, k
        gru_matrix a, b
        gru_windows windows
        const void *packed
        const void *bias
        void *c
        size_t c_stride
        int accumulate
        int threads
        void *workspace

    gru_status gru_matmul_bytes(const gru_matmul_args *args, size_t *bytes)
    gru_status gru_matmul(const gru_matmul_args *args)
    gru_status gru_matmul_packed_bytes(const gru_matmul_args *args, size_t *bytes)
    gru_status gru_matmul_pack(const gru_matmul_args *args, void *packed)
    gru_status gru_column_sums(gru_dtype dtype, size_t m, size_t n, const void *a, void *out,
                               int accumulate)
    gru_status gru_sigmoid(gru_dtype dtype, size_t n, const void *x, void *y) noexcept
    gru_status gru_tanh(gru_dtype dtype, size_t n, const void *x, void *y) noexcept
    gru_status gru_transpose(gru_dtype dtype, size_t rows, size_t columns, const void *source,
                             ptrdiff_t from_row, void *to, ptrdiff_t to_row)
    gru_status gru_sum_squares(gru_dtype dtype, size_t n, const void *x, double *sum)

    ctypedef struct gru_update:
        size_t size
        void *parameters
        const void *gradients
        double scale
        double clip
        double decay
        double learning_rate
        int threads

    gru_status gru_adam(gru_dtype dtype, const gru_update *update, double beta_1, double beta_2,
                        double epsilon, void *m, void *v)
    gru_status gru_sgd(gru_dtype dtype, const gru_update *update, double momentum, int nesterov,
                       void *m)
    gru_status gru_rmsprop(gru_dtype dtype, const gru_update *update, double rho, double epsilon,
                           double momentum, void *v, void *a, void *m)


cdef extern from "gru_layers.h" nogil:
    ctypedef struct gru_layer:
        int dense
        gru_problem problem
        const void *packed
        gru_weights weights
        int last_step
        int backwards

    gru_status gru_layer_packed_bytes(const gru_layer *layer, size_t *bytes)
    gru_status gru_layer_pack(const gru_layer *layer, const gru_weights *weights,
                               void *packed)

    ctypedef struct gru_layers_args:
        size_t batch, time
        int threads
        gru_sequence_in x
        void *output
        void *tape
        void *workspace

    gru_status gru_layers_tape_bytes(const gru_layer *layers, size_t count,
                                     const gru_layers_args *args, size_t *bytes)
    gru_status gru_layers_forward(const gru_layer *layers, size_t count,
                                  const gru_layers_args *args, size_t bytes, size_t *needed)

    ctypedef struct gru_layer_gradients:
        void *kernel
        void *recurrent_kernel
        void *bias

    ctypedef struct gru_layers_backward_args:
        gru_layers_args forward
        const void *d_output
        const gru_layer_gradients *gradients
        size_t first
        void *d_x
        int keep_tape
        void *workspace

    gru_status gru_layers_backward_bytes(const gru_layer *layers, size_t count,
                                         const gru_layers_backward_args *args, size_t *bytes)
    gru_status gru_layers_backward(const gru_layer *layers, size_t count,
                                   const gru_layers_backward_args *args)

    gru_status gru_stream_bytes(const gru_layer *layers, size_t count, size_t *bytes)
    gru_status gru_stream_begin(const gru_layer *layers, size_t count, void *memory)
    gru_status gru_stream_step(void *stream, const void *x, void *y)
    void gru_stream_step_back(void *stream)
    gru_status gru_stream_get_state(const void *stream, size_t i, void *state)
    gru_status gru_stream_set_state(void *stream, size_t i, const void *state)

cdef extern from "gru_watch.h" nogil:
    ctypedef struct gru_watch:
        int (*ask)() noexcept
        int stopped

    gru_watch *gru_set_watch(gru_watch *watch)

cdef extern from "gru_ctc.h" nogil:
    ctypedef struct gru_ctc_args:
        gru_dtype dtype
        size_t batch, time, classes, labels
        const void *logits
        const int32_t *targets
        const int32_t *input_lengths
        const int32_t *target_lengths
        int32_t blank
        double *losses
        void *d_logits
        void *workspace

    gru_status gru_ctc_bytes(const gru_ctc_args *args, size_t *bytes)
    gru_status gru_ctc(const gru_ctc_args *args)
