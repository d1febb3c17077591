/* softmax_forward.h -- the forward functions for one type, in their order.  Body of
 * softmax.c; see softmax_twice.h. */

#include "softmax_rows.h"
#include "softmax_call.h"
#include "softmax_cross_entropy.h"
