/* ranks.c -- a batch shared by ranks.  Contract: ranks.h.
 *
 * A batch of B rows is cut into contiguous parts of B / P rows, the first B mod P ranks one
 * more.  The loss is a mean over rows, so the loss and the gradient of the batch are the means
 * of those of the parts, weighted with rows / B. */
#include "ranks.h"

bool nrm_ranks_writes(const nrm_ranks *k) { return nrm_comm_rank(k->comm) == 0; }
int64_t nrm_ranks_stream(const nrm_ranks *k, int64_t step) { return step * nrm_comm_size(k->comm) + nrm_comm_rank(k->comm); }

nrm_status nrm_ranks_share(nrm_ctx *ctx, nrm_ranks *k, const char *who)
{
    const int64_t size = nrm_comm_size(k->comm), rank = nrm_comm_rank(k->comm);

    NRM_REQUIRE(ctx, k->batch >= size, NRM_E_RANGE, "%s: batch is %lld and there are %lld ranks; each needs a row at least: use a larger batch or fewer ranks",
                who, NRM_LL(k->batch), NRM_LL(size));
    k->first = k->batch / size * rank + nrm_min_i64(k->batch % size, rank);
    k->rows = k->batch / size + (rank < k->batch % size);
    k->weight = (double)k->rows / (double)k->batch;
    k->sent = nrm_comm_bytes_sent(k->comm);
    return k->comm ? NRM_ALLOC(ctx, k->indices, k->batch, "the order of a batch") : NRM_OK;
}

nrm_status nrm_ranks_prepare(nrm_ctx *ctx, nrm_ranks *k, const nrm_parameters *parameters)
{
    int64_t most = nrm_comm_sum_work(k->comm, NRM_F64, 1);
    nrm_parameter p;

    for (int64_t i = nrm_parameters_trained(parameters); k->comm && nrm_parameters_at(parameters, i, &p); i++)
        most = nrm_max_i64(most, nrm_comm_sum_work(k->comm, p.array.dtype, nrm_array_count(&p.array)));
    return nrm_alloc_bytes(ctx, &k->work, most, 1, "the sums of ranks");
}

void nrm_ranks_free(nrm_ctx *ctx, nrm_ranks *k)
{
    nrm_free(ctx, k->indices);
    nrm_free(ctx, k->work);
}

nrm_status nrm_ranks_same(nrm_ctx *ctx, const nrm_ranks *k, const char *who, int count, const int64_t *numbers)
{
    int64_t bytes[NRM_COMM_MOST], *all = NULL;
    const int size = nrm_comm_size(k->comm);
    nrm_status st;

    if (!k->comm) return NRM_OK;
    NRM_TRY_DONE(nrm_comm_agree(ctx, k->comm, NRM_ALLOC(ctx, all, (int64_t)size * count, "a comparison of ranks")));
    for (int r = 0; r < size; r++) bytes[r] = count * (int64_t)sizeof *numbers;
    NRM_TRY_DONE(nrm_comm_all_gather(ctx, k->comm, numbers, all, bytes));
    for (int r = 1; r < size; r++)
        NRM_STOP_IF(memcmp(all + r * count, all, (size_t)count * sizeof *all) != 0, NRM_E_ARGUMENT,
                    "%s: rank %d has other data, another seed or other options than rank 0; all ranks must be given the same", who, r);
done:
    nrm_free(ctx, all);
    return st;
}

nrm_status nrm_ranks_batch(nrm_ctx *ctx, const nrm_ranks *k, const nrm_dataset *data, uint64_t seed, int64_t step, const nrm_batch *batch)
{
    if (!k->comm) return nrm_dataset_batch(ctx, data, NRM_TRAINING, seed, step, batch);
    NRM_TRY(nrm_dataset_order(ctx, data, NRM_TRAINING, seed, step, k->batch, k->indices));
    return nrm_dataset_pick(ctx, data, NRM_TRAINING, k->indices + k->first, batch);
}

nrm_status nrm_ranks_mean(nrm_ctx *ctx, const nrm_ranks *k, double *value)
{
    if (!k->comm) return NRM_OK;
    *value *= k->weight;
    return nrm_comm_sum(ctx, k->comm, NRM_F64, 1, value, k->work);
}

nrm_status nrm_ranks_average_buffers(nrm_ctx *ctx, const nrm_ranks *k, nrm_parameters *parameters)
{
    nrm_parameter p;

    for (int64_t i = nrm_parameters_trained(parameters); k->comm && nrm_parameters_at(parameters, i, &p); i++) {
        const int64_t n = nrm_array_count(&p.array);
        for (int64_t e = 0; e < n; e++) {
            if (p.array.dtype == NRM_F32) ((float *)p.array.data)[e] *= (float)k->weight;
            else ((double *)p.array.data)[e] *= k->weight;
        }
        NRM_TRY(nrm_comm_sum(ctx, k->comm, p.array.dtype, n, p.array.data, k->work));
    }
    return NRM_OK;
}
