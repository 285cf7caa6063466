/* Entry points of the matmul: check, plan, call the packed engine. */
#include "packed/plan.h"

gru_status gru_matmul_bytes(const gru_matmul_args *args, size_t *bytes) {
    gru_matmul_plan plan;
    const gru_status status = gru_matmul_plan_of(args, &plan);
    *bytes = status == GRU_OK ? plan.workspace_bytes : 0;
    return status;
}

gru_status gru_matmul_packed_bytes(const gru_matmul_args *args, size_t *bytes) {
    gru_matmul_plan plan;
    const gru_status status = gru_matmul_plan_of(args, &plan);
    *bytes = status == GRU_OK ? plan.packed_bytes : 0;
    return status;
}

gru_status gru_matmul_pack(const gru_matmul_args *args, void *packed) {
    gru_matmul_plan plan;
    const gru_status status = gru_matmul_plan_of(args, &plan);
    if (status != GRU_OK) {
        return status;
    }
    if (!packed || packed != gru_align(packed) || (args->k && args->n && !args->b.data)) {
        return GRU_BAD_ARGUMENT;
    }
    BY_DTYPE(args->dtype, gru_packed_matmul_pack)(&plan, args, packed);
    return GRU_OK;
}

gru_status gru_matmul(const gru_matmul_args *args) {
    gru_matmul_plan plan;
    const gru_status status = gru_matmul_plan_of(args, &plan);
    if (status != GRU_OK) {
        return status;
    }
    if (!args->workspace || (args->m && args->n && !args->c)) {
        return GRU_BAD_ARGUMENT;
    }
    BY_DTYPE(args->dtype, gru_packed_matmul)(&plan, args);
    return GRU_OK;
}
