/* quantile.c -- selection by digits.  Contract: quantile.h.
 *
 * The bits of |x|, read as an integer, are in the order of |x|.  They are taken eleven at a time
 * from the top: count how many numbers have each digit, find the digit of the wanted rank, go
 * on with the numbers that have it.  Counts are whole numbers, so threads may add them up in any
 * order.  The first digit (f32: exponent and three bits) leaves a tenth of usual numbers: x is
 * read twice. */
#include "quantile.h"
#include "base/base.h"

enum { DIGIT = 11, DIGITS = 1 << DIGIT, PIECE = 2048 };

/* The digit of rank *rank; *rank becomes the rank among the numbers that have it. */
static int64_t digit_of(const int64_t *count, int64_t *rank)
{
    int64_t digit = 0;
    for (; *rank >= count[digit]; digit++) *rank -= count[digit];
    return digit;
}

#define REAL float
#define BITS uint32_t
#define TOP 31
#define TYPED(name) name##_f32
#include "quantile_typed.h"
#undef REAL
#undef BITS
#undef TOP
#undef TYPED

#define REAL double
#define BITS uint64_t
#define TOP 63
#define TYPED(name) name##_f64
#include "quantile_typed.h"

double nrm_abs_quantile(nrm_dtype dtype, int64_t n, const void *x, int64_t stride, double q, void *scratch, int threads)
{
    const int64_t count = (n - 1) / stride + 1;
    return dtype == NRM_F32 ? quantile_f32(count, x, stride, q, scratch, threads)
                            : quantile_f64(count, x, stride, q, scratch, threads);
}
