/* softmax_kit.h -- every algorithm of softmax on every instruction set, for its tests. */
#ifndef SOFTMAX_KIT_H
#define SOFTMAX_KIT_H

#include "kernel/cpu.h"
#include "testkit.h"
#include <norma/softmax.h>

#define WORD(constant, word) word,
static const char *const names[] __attribute__((unused)) = {NRM_SOFTMAX_ALGORITHMS(WORD)};
#undef WORD

static nrm_softmax_options options_of(nrm_softmax_algorithm algorithm, nrm_softmax_isa isa)
{
    nrm_softmax_options o = nrm_softmax_options_default();
    o.algorithm = (int)algorithm;
    o.isa = (int)isa;
    return o;
}

/* Every algorithm on every instruction set of this machine. */
#define FOR_ALL(o)                                                                              \
    for (int algorithm_ = 0; algorithm_ < nrm_softmax_algorithm_count; algorithm_++)            \
        for (int isa_ = 0; isa_ <= (int)nrm_cpu_isa() + 1; isa_++)                              \
            for (nrm_softmax_options o = options_of((nrm_softmax_algorithm)algorithm_, (nrm_softmax_isa)isa_); \
                 o.size; o.size = 0)

static void row_f32(const float *x, int64_t n, float *y, double *lse, const nrm_softmax_options *o)
{
    assert_ok(NULL, nrm_softmax_f32(NULL, 1, n, x, n, NULL, y, n, lse, NULL, o));
}

#endif
