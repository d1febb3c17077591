/* server_file.c -- a server to a file and back.  Contract: norma/private_protocol.h.
 *
 *     header            i64  version, mode, d, hash, round, messages, all messages, rounds averaged
 *     low, high         i64  each sum, 64 bits and 64 bits
 *     theta, average, threshold   f64
 * A file is not to be trusted: sums larger than their messages can make are refused. */
#include "keep.h"
#include "server.h"

enum { VERSION, MODE, COLUMNS, HASH, ROUND, MESSAGES, TOTAL, AVERAGED, HEADER };
enum { F_HEADER, F_LOW, F_HIGH, F_THETA, F_AVERAGE, F_THRESHOLD, FIELDS };

static void list(const nrm_private_plan *p, nrm_kept f[FIELDS])
{
    f[F_HEADER] = (nrm_kept){"header", NRM_I64, HEADER, NULL};
    f[F_LOW] = (nrm_kept){"low", NRM_I64, p->numbers, NULL};
    f[F_HIGH] = (nrm_kept){"high", NRM_I64, p->numbers, NULL};
    f[F_THETA] = (nrm_kept){"theta", NRM_F64, p->d, NULL};
    f[F_AVERAGE] = (nrm_kept){"average", NRM_F64, p->d, NULL};
    f[F_THRESHOLD] = (nrm_kept){"threshold", NRM_F64, 1, NULL};
}

nrm_status nrm_private_server_save(nrm_ctx *ctx, const nrm_private_server *s, const char *path)
{
    nrm_kept fields[FIELDS];
    int64_t *limbs, hash;
    double threshold;

    NRM_REQUIRE(ctx, s && path, NRM_E_NULL, NRM_PRIVATE ": server and path must not be NULL");
    const int64_t n = s->plan.numbers;
    NRM_TRY(NRM_ALLOC(ctx, limbs, 2 * n, NRM_PRIVATE));
    for (int64_t i = 0; i < n; i++) {
        const uint64_t low = (uint64_t)s->sums[i];
        memcpy(&limbs[i], &low, sizeof low);
        limbs[n + i] = (int64_t)(s->sums[i] >> 64);
    }
    memcpy(&hash, &s->plan.hash, sizeof hash);
    int64_t header[HEADER] = {NRM_PRIVATE_VERSION, s->plan.o.mode, s->plan.d, hash, s->round, s->messages, s->total, s->averaged};
    threshold = isnan(s->threshold) ? -1 : s->threshold;
    list(&s->plan, fields);
    fields[F_HEADER].data = header;
    fields[F_LOW].data = limbs, fields[F_HIGH].data = limbs + n;
    fields[F_THETA].data = s->theta, fields[F_AVERAGE].data = s->average, fields[F_THRESHOLD].data = &threshold;
    const nrm_status st = nrm_keep(ctx, path, fields, FIELDS);
    nrm_free(ctx, limbs);
    return st;
}

static nrm_status check_header(nrm_ctx *ctx, const nrm_private_plan *p, const int64_t *h, const char *path)
{
    int64_t hash;
    memcpy(&hash, &p->hash, sizeof hash);
    NRM_REQUIRE(ctx, h[VERSION] == NRM_PRIVATE_VERSION, NRM_E_FORMAT, NRM_PRIVATE ": %s is a state of version %lld; this version reads %d",
                path, NRM_LL(h[VERSION]), NRM_PRIVATE_VERSION);
    NRM_REQUIRE(ctx, h[MODE] == p->o.mode && h[COLUMNS] == p->d && h[HASH] == hash, NRM_E_ARGUMENT, NRM_PRIVATE ": %s is the state of a server "
                "with other parameters; give the same", path);
    NRM_REQUIRE(ctx, h[ROUND] >= 1 && h[ROUND] <= UINT32_MAX && h[MESSAGES] >= 0 && h[TOTAL] >= h[MESSAGES] && h[TOTAL] < INT64_C(1) << 53 &&
                h[AVERAGED] >= 0 && h[AVERAGED] < h[ROUND], NRM_E_FORMAT, NRM_PRIVATE ": %s has a header that no server has; the file is damaged",
                path);
    return NRM_OK;
}

static nrm_status fill(nrm_ctx *ctx, nrm_private_server *s, const nrm_kept *f, const char *path)
{
    const int64_t *h = f[F_HEADER].data, *low = f[F_LOW].data, *high = f[F_HIGH].data;
    const nrm_private_plan *p = &s->plan;
    double most = 0x1p45;

    for (int part = 0; p->o.mode != NRM_PRIVATE_IHT && part < NRM_PART_COUNT; part++) most = fmax(most, p->most[part]);
    for (int64_t i = 0; i < p->numbers; i++) {
        uint64_t bits;
        memcpy(&bits, &low[i], sizeof bits);
        s->sums[i] = (nrm_i128)high[i] * ((nrm_i128)1 << 64) + bits;
        NRM_REQUIRE(ctx, fabs((double)s->sums[i]) <= most * (double)h[MESSAGES], NRM_E_FORMAT, NRM_PRIVATE ": %s holds a sum that %lld messages "
                    "cannot make; the file is damaged", path, NRM_LL(h[MESSAGES]));
    }
    memcpy(s->theta, f[F_THETA].data, (size_t)p->d * sizeof *s->theta);
    memcpy(s->average, f[F_AVERAGE].data, (size_t)p->d * sizeof *s->average);
    s->round = h[ROUND], s->messages = h[MESSAGES], s->total = h[TOTAL], s->averaged = h[AVERAGED];
    s->hash = nrm_private_round_hash(p, s->round, s->theta);
    const double threshold = *(const double *)f[F_THRESHOLD].data;
    s->threshold = threshold < 0 ? NAN : threshold;
    return NRM_OK;
}

nrm_status nrm_private_server_load(nrm_ctx *ctx, nrm_private_server **made, const char *path, int64_t d,
                                   const nrm_private_sparse_regression_options *options)
{
    nrm_private_plan plan;
    nrm_private_server *s = NULL;
    nrm_loaded loaded = {0};
    nrm_kept fields[FIELDS];

    NRM_REQUIRE(ctx, made && path, NRM_E_NULL, NRM_PRIVATE ": server and path must not be NULL");
    *made = NULL;
    NRM_TRY(nrm_private_plan_make(ctx, d, 0, options, &plan));
    list(&plan, fields);
    NRM_TRY(nrm_kept_load(ctx, path, &loaded, fields, FIELDS));
    nrm_status st = check_header(ctx, &plan, fields[F_HEADER].data, path);
    if (st >= 0) st = nrm_private_server_make(ctx, &s, &plan);
    if (st >= 0) st = fill(ctx, s, fields, path);
    nrm_loaded_destroy(ctx, &loaded);
    if (st < 0) nrm_private_server_destroy(ctx, s);
    else *made = s;
    return st;
}
