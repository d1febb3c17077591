/* check.c -- shapes and finiteness.  Contract: check.h. */
#include "check.h"
#include <limits.h>

#define NRM_DEFINE_FINITE(suffix, type)                                                               \
    bool nrm_finite_##suffix(int64_t m, int64_t n, const type *a, int64_t ld, int64_t *row, int64_t *col) \
    {                                                                                                 \
        for (*row = 0; *row < m; ++*row)                                                              \
            if (!nrm_all_finite_##suffix(a + *row * ld, n, col)) return false;                        \
        return true;                                                                                  \
    }                                                                                                 \
    nrm_status nrm_check_##suffix(nrm_ctx *ctx, const char *who, const char *name, int64_t least,     \
                                  int64_t m, int64_t n, const type *a, int64_t ld)                    \
    {                                                                                                 \
        int64_t i = 0, j = 0;                                                                         \
        NRM_TRY(nrm_check_shape(ctx, who, name, least, m, n, a, ld));                                 \
        NRM_REQUIRE(ctx, nrm_finite_##suffix(m, n, a, ld, &i, &j), NRM_E_NONFINITE,                   \
                    "%s: %s[%lld,%lld] is %g; every value must be finite: clean the input", who,      \
                    name, NRM_LL(i), NRM_LL(j), (double)a[i * ld + j]);                               \
        return NRM_OK;                                                                                \
    }
NRM_DEFINE_FINITE(f64, double)
NRM_DEFINE_FINITE(f32, float)

nrm_status nrm_check_shape(nrm_ctx *ctx, const char *who, const char *name, int64_t least, int64_t m,
                           int64_t n, const void *a, int64_t ld)
{
    int64_t count;

    NRM_REQUIRE(ctx, m >= least && n >= least, NRM_E_SHAPE,
                "%s: %s is %lld x %lld; rows and columns must be %lld or more", who, name, NRM_LL(m),
                NRM_LL(n), NRM_LL(least));
    NRM_REQUIRE(ctx, ld >= n, NRM_E_SHAPE, "%s: %s has a row stride of %lld for %lld columns; "
                "the stride must be at least the columns", who, name, NRM_LL(ld), NRM_LL(n));
    NRM_REQUIRE(ctx, m <= INT_MAX && ld <= INT_MAX, NRM_E_OVERFLOW,
                "%s: %s is %lld x %lld (row stride %lld); BLAS takes at most %d each way: split it", who,
                name, NRM_LL(m), NRM_LL(n), NRM_LL(ld), INT_MAX);
    NRM_REQUIRE(ctx, nrm_mul_size(m, ld, &count) && nrm_mul_size(count, 8, &count), NRM_E_OVERFLOW,
                "%s: %s is %lld x %lld (row stride %lld); that is more than memory can address", who,
                name, NRM_LL(m), NRM_LL(n), NRM_LL(ld));
    NRM_REQUIRE(ctx, a || m == 0 || n == 0, NRM_E_NULL, "%s: %s is NULL; it must point to %lld x %lld values",
                who, name, NRM_LL(m), NRM_LL(n));
    return NRM_OK;
}

nrm_status nrm_check_work(nrm_ctx *ctx, const char *who, double asked, int *count)
{
    NRM_REQUIRE(ctx, asked >= 0 && asked <= INT_MAX, NRM_E_OVERFLOW,
                "%s: LAPACK wants a workspace of %g values and can count to %d only: split the matrix", who,
                asked, INT_MAX);
    *count = asked < 1 ? 1 : (int)asked;
    return NRM_OK;
}
