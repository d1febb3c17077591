/* softmax_check.c -- arguments, options, the choice of algorithm.  Contract: softmax_impl.h. */
#include "method/descriptor.h"
#include "softmax_impl.h"

nrm_status nrm_softmax_plan_options(nrm_ctx *ctx, const char *who, const nrm_softmax_options *options,
                                    nrm_softmax_plan *plan)
{
    const nrm_isa best = nrm_cpu_isa();
    *plan = (nrm_softmax_plan){.isa = best};
    NRM_TRY(nrm_options_load(ctx, &nrm_softmax_method, options, &plan->o));
    if (plan->o.isa != NRM_SOFTMAX_ISA_AUTO) plan->isa = (nrm_isa)(plan->o.isa - NRM_SOFTMAX_ISA_SCALAR);
    const bool built = plan->isa == NRM_ISA_SCALAR ||
                       (plan->isa == NRM_ISA_AVX2 ? nrm_softmax_kernels_f32_avx2() : nrm_softmax_kernels_f32_avx512());
    if (plan->o.isa == NRM_SOFTMAX_ISA_AUTO) {
        if (!built) plan->isa = NRM_ISA_SCALAR;
        return NRM_OK;
    }
    NRM_REQUIRE(ctx, built && plan->isa <= best, NRM_E_UNSUPPORTED,
                "%s: isa is %s, which this machine or build does not have; leave isa at auto", who,
                nrm_isa_name(plan->isa));
    return NRM_OK;
}

/* Where each way of doing it wins, measured (docs/methods/softmax.md). */
static const double CACHED = 0.75;     /* of the last cache that x and y may fill and still be found there */
static const double STREAMED = 8192;   /* bytes of y in a row: for less, streaming stores wait for one another */
static const double BUFFERED = 32768;  /* bytes of exponentials that stay in the first cache */

/* auto: in cache arithmetic is the limit, so one exponential an element; out of cache
 * memory is, so the fewest passes.  With vectors of 8, arithmetic weighs twice as much. */
static nrm_softmax_algorithm choose(const nrm_softmax_plan *plan, double columns, double size, double l3)
{
    if (!plan->o.guard) return NRM_SOFTMAX_TWO_PASS;
    if (plan->isa == NRM_ISA_SCALAR) return NRM_SOFTMAX_BLOCK_RELOAD;
    if (!plan->stream) return 2 * columns * size <= CACHED * l3 ? NRM_SOFTMAX_BLOCK_RELOAD : NRM_SOFTMAX_TWO_PASS;
    const bool buffer = columns <= (double)plan->o.block && (plan->isa == NRM_ISA_AVX2 || columns * size <= BUFFERED);
    return buffer ? NRM_SOFTMAX_BLOCK_RELOAD : NRM_SOFTMAX_TWO_PASS;
}

void nrm_softmax_plan_passes(nrm_softmax_plan *plan, const nrm_softmax_shape *shape, bool in_place, bool writes)
{
    const double columns = (double)shape->columns, size = (double)shape->size;
    const double all = 2 * (double)shape->rows * columns * size;
    /* Asking for the cache sizes takes microseconds; calls below 8 MiB are not worth it. */
    const double l3 = all > 8 << 20 ? (double)nrm_cpu_caches().l3 : 16 << 20;

    plan->in_place = in_place;
    plan->far = all > 4 << 20;
    plan->stream = plan->o.nt_stores == NRM_SOFTMAX_NT_ALWAYS;
    if (plan->o.nt_stores == NRM_SOFTMAX_NT_AUTO)
        plan->stream = !in_place && all > CACHED * l3 && columns * size >= STREAMED;
    if (plan->isa == NRM_ISA_SCALAR || !writes) plan->stream = false;
    plan->algorithm = (nrm_softmax_algorithm)plan->o.algorithm;
    if (plan->algorithm == NRM_SOFTMAX_AUTO) {
        plan->short_rows = plan->o.guard && !plan->o.log && writes;
        plan->algorithm = choose(plan, columns, size, l3);
    }
    /* Nothing to reload where no exponential is stored. */
    if (plan->o.log || !writes) {
        if (plan->algorithm == NRM_SOFTMAX_THREE_PASS_RELOAD) plan->algorithm = NRM_SOFTMAX_THREE_PASS_RECOMPUTE;
        if (plan->algorithm == NRM_SOFTMAX_BLOCK_RELOAD) plan->algorithm = NRM_SOFTMAX_TWO_PASS;
    }
    plan->buffered = plan->algorithm == NRM_SOFTMAX_BLOCK_RELOAD && plan->stream && shape->columns <= plan->o.block;
}

nrm_status nrm_softmax_check_shape(nrm_ctx *ctx, const nrm_softmax_shape *shape)
{
    int64_t count, bytes;
    NRM_REQUIRE(ctx, shape->rows >= 0 && shape->columns >= 0, NRM_E_SHAPE,
                "%s: x is %lld x %lld; sizes must not be negative", shape->who, NRM_LL(shape->rows),
                NRM_LL(shape->columns));
    NRM_REQUIRE(ctx, shape->columns > 0 || shape->rows == 0, NRM_E_SHAPE,
                "%s: x is %lld x 0; softmax over an empty axis is not defined: give at least one column", shape->who,
                NRM_LL(shape->rows));
    NRM_REQUIRE(ctx, nrm_mul_size(shape->rows, shape->columns, &count) &&
                nrm_mul_size(count, (int64_t)shape->size, &bytes), NRM_E_OVERFLOW,
                "%s: x is %lld x %lld, more than memory can address", shape->who, NRM_LL(shape->rows),
                NRM_LL(shape->columns));
    return NRM_OK;
}

/* Bytes from the first to past the last element; -1 on overflow. */
static int64_t extent(int64_t rows, int64_t columns, int64_t ld, size_t size)
{
    int64_t n;
    if (rows == 0 || columns == 0) return 0;
    if (!nrm_mul_size(rows - 1, ld, &n) || !nrm_add_size(n, columns, &n) || !nrm_mul_size(n, (int64_t)size, &n))
        return -1;
    return n;
}

nrm_status nrm_softmax_check_matrix(nrm_ctx *ctx, const nrm_softmax_shape *shape, const char *name, const void *data,
                                    int64_t ld)
{
    NRM_REQUIRE(ctx, data, NRM_E_NULL, "%s: %s is NULL; it must hold %lld x %lld elements", shape->who, name,
                NRM_LL(shape->rows), NRM_LL(shape->columns));
    NRM_REQUIRE(ctx, ld >= shape->columns, NRM_E_SHAPE,
                "%s: the row stride of %s is %lld; it must be at least the %lld columns", shape->who, name,
                NRM_LL(ld), NRM_LL(shape->columns));
    NRM_REQUIRE(ctx, extent(shape->rows, shape->columns, ld, shape->size) >= 0, NRM_E_OVERFLOW,
                "%s: %lld rows of %s, %lld elements apart, are more than memory can address", shape->who,
                NRM_LL(shape->rows), name, NRM_LL(ld));
    return NRM_OK;
}

static nrm_status check_mask_stride(nrm_ctx *ctx, const nrm_softmax_shape *shape, const char *name, int64_t stride)
{
    NRM_REQUIRE(ctx, stride == 0 || stride >= shape->columns, NRM_E_SHAPE,
                "%s: the row stride of %s is %lld; it must be 0 (one row for all) or at least the %lld columns",
                shape->who, name, NRM_LL(stride), NRM_LL(shape->columns));
    NRM_REQUIRE(ctx, extent(shape->rows, shape->columns, stride, shape->size) >= 0, NRM_E_OVERFLOW,
                "%s: %lld rows of %s, %lld elements apart, are more than memory can address", shape->who,
                NRM_LL(shape->rows), name, NRM_LL(stride));
    return NRM_OK;
}

nrm_status nrm_softmax_check_mask(nrm_ctx *ctx, const nrm_softmax_shape *shape, const nrm_softmax_mask *mask)
{
    if (!mask) return NRM_OK;
    if (mask->keep) NRM_TRY(check_mask_stride(ctx, shape, "the mask", mask->keep_stride));
    if (mask->bias) NRM_TRY(check_mask_stride(ctx, shape, "the bias", mask->bias_stride));
    for (int64_t r = 0; mask->lengths && r < shape->rows; r++)
        NRM_REQUIRE(ctx, mask->lengths[r] >= 0 && mask->lengths[r] <= shape->columns, NRM_E_RANGE,
                    "%s: the length of row %lld is %lld; lengths lie between 0 and the %lld columns", shape->who,
                    NRM_LL(r), NRM_LL(mask->lengths[r]), NRM_LL(shape->columns));
    return NRM_OK;
}

nrm_status nrm_softmax_check_overlap(nrm_ctx *ctx, const nrm_softmax_shape *shape, const char *in_name,
                                     const void *in, int64_t in_ld, const char *out_name, const void *out,
                                     int64_t out_ld)
{
    const int64_t in_bytes = extent(shape->rows, shape->columns, in_ld, shape->size);
    const int64_t out_bytes = extent(shape->rows, shape->columns, out_ld, shape->size);

    if (!in || !out || (in == out && (in_ld == out_ld || shape->rows <= 1))) return NRM_OK;
    if (!nrm_overlap(in, (size_t)in_bytes, out, (size_t)out_bytes)) return NRM_OK;
    if (in_ld == out_ld) { /* two column ranges of one matrix share no element */
        const uintptr_t a = (uintptr_t)in, b = (uintptr_t)out;
        const uintptr_t pitch = (uintptr_t)in_ld * shape->size, width = (uintptr_t)shape->columns * shape->size;
        const uintptr_t shift = (a < b ? b - a : a - b) % pitch;
        if (shift >= width && shift + width <= pitch) return NRM_OK;
    }
    return nrm_fail(ctx, NRM_E_ALIAS, "%s: %s and %s overlap; they must be the same matrix (same start, same row "
                    "stride) or share nothing", shape->who, in_name, out_name);
}

nrm_status nrm_softmax_check_apart(nrm_ctx *ctx, const nrm_softmax_shape *shape, const char *name, const void *memory,
                                   int64_t count, size_t size, const char *out_name, const void *out, int64_t out_ld)
{
    const int64_t out_bytes = extent(shape->rows, shape->columns, out_ld, shape->size);
    int64_t bytes;

    NRM_REQUIRE(ctx, nrm_mul_size(count, (int64_t)size, &bytes), NRM_E_OVERFLOW,
                "%s: %lld elements of %s are more than memory can address", shape->who, NRM_LL(count), name);
    NRM_REQUIRE(ctx, !memory || !out || !nrm_overlap(memory, (size_t)bytes, out, (size_t)out_bytes), NRM_E_ALIAS,
                "%s: %s and %s overlap; they must share nothing", shape->who, name, out_name);
    return NRM_OK;
}

nrm_status nrm_softmax_check_mask_apart(nrm_ctx *ctx, const nrm_softmax_shape *shape, const nrm_softmax_mask *mask,
                                        const char *out_name, const void *out, int64_t out_ld)
{
    if (!mask || !out) return NRM_OK;
    NRM_TRY(nrm_softmax_check_apart(ctx, shape, "the mask", mask->keep,
                                    extent(shape->rows, shape->columns, mask->keep_stride, 1), 1, out_name, out,
                                    out_ld));
    NRM_TRY(nrm_softmax_check_apart(ctx, shape, "the lengths", mask->lengths, shape->rows, sizeof *mask->lengths,
                                    out_name, out, out_ld));
    NRM_REQUIRE(ctx, mask->bias != out, NRM_E_ALIAS, "%s: the bias and %s are the same memory; they must share nothing",
                shape->who, out_name);
    if (!mask->bias) return NRM_OK;
    return nrm_softmax_check_overlap(ctx, shape, "the bias", mask->bias, mask->bias_stride, out_name, out, out_ld);
}
