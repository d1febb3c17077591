/* test_above.c -- the packing kernels of every instruction set against the plain loop. */
#include "testkit.h"
#include "kernel/above.h"

enum { MOST = 200 };

static void all_versions_agree(void **state)
{
    (void)state;
    uint64_t seed = 3;
    double x[MOST + 1], y[MOST + 1];
    float z[MOST + 1];
    for (nrm_isa isa = NRM_ISA_SCALAR; isa <= nrm_cpu_isa(); isa++) {
        const nrm_above_kernels *k = nrm_above_kernels_for(isa);
        for (int64_t n = 1; n <= MOST; n++) {
            const int64_t shift = n % 2; /* unaligned half of the time */
            for (int64_t i = 0; i <= n; i++) {
                x[i] = floor(8 * nrm_test_uniform(&seed)) / 8; /* many ties with the bound */
                y[i] = floor(8 * nrm_test_uniform(&seed)) / 8;
                z[i] = (float)y[i];
            }
            const double bound = n % 5 == 0 ? -INFINITY : n % 5 == 1 ? 2 : floor(16 * nrm_test_uniform(&seed)) / 8 - 1;
            int64_t index[2][MOST + NRM_ABOVE_ROOM], count = 0, got[2];
            double value[2][MOST + NRM_ABOVE_ROOM], most = -INFINITY;
            got[0] = k->above_f64(x + shift, y + shift, n, bound, index[0], value[0]);
            got[1] = k->above_f32(x + shift, z + shift, n, bound, index[1], value[1]);
            for (int64_t i = 0; i < n; i++) {
                const double d = x[i + shift] - y[i + shift];
                most = d > most ? d : most;
                if (!(d > bound)) continue;
                for (int f = 0; f < 2; f++) {
                    assert_int_equal(index[f][count], i);
                    assert_true(value[f][count] == d);
                }
                count++;
            }
            assert_int_equal(got[0], count);
            assert_int_equal(got[1], count);
            assert_true(k->peak_f64(x + shift, y + shift, n) == most);
            assert_true(k->peak_f32(x + shift, z + shift, n) == most);
        }
    }
}

NRM_TEST_MAIN(cmocka_unit_test(all_versions_agree))
