/* bench_cases.c -- the one table of what is timed. */
#include "bench.h"

const bench_case bench_cases[] = {
    {"softmax", bench_softmax},
    {"sparse-ot", bench_sparse_ot},
    {"top-eigenvector", bench_top_eigenvector},
    {"training", bench_training},
};
const int bench_case_count = (int)(sizeof bench_cases / sizeof *bench_cases);
