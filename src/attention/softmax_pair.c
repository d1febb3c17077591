/* softmax_pair.c -- softmax of rows that arrive in pieces.  Contract: norma/softmax.h. */
#include "softmax_impl.h"

nrm_softmax_pair nrm_softmax_pair_zero(void) { return (nrm_softmax_pair){0, -INFINITY}; }

nrm_softmax_pair nrm_softmax_pair_merge(nrm_softmax_pair a, nrm_softmax_pair b)
{
    const nrm_extexp sum = nrm_extexp_add((nrm_extexp){a.mantissa, a.exponent}, (nrm_extexp){b.mantissa, b.exponent});
    return (nrm_softmax_pair){sum.mantissa, sum.exponent};
}

double nrm_softmax_pair_lse(nrm_softmax_pair pair)
{
    double hi, lo;
    if (pair.mantissa == 0) return -INFINITY;
    nrm_extexp_log((nrm_extexp){pair.mantissa, pair.exponent}, &hi, &lo);
    return hi + lo;
}

#define NRM_BODY "softmax_piece.h"
#include "softmax_twice.h"
