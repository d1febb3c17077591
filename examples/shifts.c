/* Who works where: hours of four workshops to three towns, at most two workshops a town.
 *
 *     cc examples/shifts.c $(pkg-config --cflags --libs norma)
 *
 * Shows a call with options, a sparse plan, a remark (> 0) told from a failure (< 0), and
 * the certificate in info.  The program checks its own answer. */
#include <norma/norma.h>
#include <stdio.h>

int main(void)
{
    const double hours[4] = {30, 20, 30, 20}, needed[3] = {50, 30, 20};
    const double distance[4][3] = {{1, 5, 9}, {2, 6, 8}, {6, 1, 4}, {9, 5, 1}};
    nrm_sparse_ot_options options = nrm_sparse_ot_options_default();
    nrm_sparse_ot_info info;
    nrm_csr plan = NRM_ZERO;
    nrm_ctx *ctx;

    options.k = 2;
    options.gamma = 0.01;
    if (nrm_ctx_create(&ctx, NULL) < 0) return 1;
    const nrm_status status = nrm_sparse_ot(ctx, 4, 3, hours, needed, &distance[0][0], &plan, NULL, NULL, NULL,
                                            &info, &options);
    if (status < 0) {
        fprintf(stderr, "%s\n", nrm_message(ctx));
        return 1;
    }
    if (status > 0) fprintf(stderr, "remark: %s\n", nrm_status_text(status));
    for (int64_t i = 0; i < plan.rows; i++)
        for (int64_t e = plan.indptr[i]; e < plan.indptr[i + 1]; e++)
            printf("workshop %lld sends %4.1f hours to town %lld\n", (long long)i, ((double *)plan.values)[e],
                   (long long)plan.indices[e]);
    printf("cost %.2f, at most %lld workshops a town, certified gap %.1e\n", info.primal_cost,
           (long long)info.max_nnz, info.gap);
    nrm_csr_destroy(ctx, &plan);
    nrm_ctx_destroy(ctx);
    return info.feasible && info.max_nnz <= 2 && info.gap < 1e-6 ? 0 : 1;
}
