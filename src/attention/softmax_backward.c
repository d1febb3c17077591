/* softmax_backward.c -- derivatives of softmax and log-softmax.  Contract: norma/softmax.h.
 *
 * The Jacobian of softmax is alpha (diag(y) - y y'), symmetric, so backward pass and
 * directional derivative are one formula, (4).  That of log-softmax is alpha (I - 1 p'),
 * p = exp(y): transposed in (5), as it stands in the directional derivative. */
#include "softmax_impl.h"

typedef enum source { SOURCE_Y, SOURCE_LOG_Y, SOURCE_LSE } source;
typedef struct scheme {
    source source;
    enum { SUM_PG, SUM_G } sum;              /* c = <p, g>, sum g */
    enum { CENTRE, DEFLATE, SHIFT } result; /* alpha p (g - c), alpha (g - p c), alpha (g - c) */
} scheme;

static scheme scheme_of(bool from_lse, bool jvp, bool log_softmax)
{
    const source p = from_lse ? SOURCE_LSE : log_softmax ? SOURCE_LOG_Y : SOURCE_Y;
    if (!log_softmax) return (scheme){p, SUM_PG, CENTRE};
    return jvp ? (scheme){p, SUM_PG, SHIFT} : (scheme){p, SUM_G, DEFLATE};
}

#define NRM_BODY "softmax_gradient.h"
#include "softmax_twice.h"
