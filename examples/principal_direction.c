/* The leading direction of rows that are made as they are asked for: a callback stream,
 * progress on stderr, the seed on the context.
 *
 *     cc examples/principal_direction.c $(pkg-config --cflags --libs norma) -lm
 *
 * The rows are noise in 20 dimensions with a spike along (3, 4, 0, ...)/5.  A million rows
 * would take no more memory than these.  The program checks its own answer. */
#include <math.h>
#include <norma/norma.h>
#include <stdio.h>

enum { ROWS = 50000, COLUMNS = 20 };

typedef struct source { uint64_t state; int64_t made; } source;

/* Uniform in [-1, 1): a linear congruential generator is enough here. */
static double noise(source *s)
{
    s->state = s->state * 6364136223846793005u + 1442695040888963407u;
    return (double)(s->state >> 11) * 0x1p-52 - 1;
}

static int64_t fill(void *user, int64_t max_rows, int64_t cols, double *dense)
{
    source *s = user;
    int64_t count = 0;

    for (; count < max_rows && s->made < ROWS; count++, s->made++) {
        double *row = dense + count * cols;
        const double spike = 2 * noise(s);
        for (int64_t j = 0; j < cols; j++) row[j] = noise(s);
        row[0] += 0.6 * spike;
        row[1] += 0.8 * spike;
    }
    return count;
}

static int show(void *user, const nrm_progress *p)
{
    (void)user;
    fprintf(stderr, "\r%s: %.0f rows", p->task, p->done);
    return 0; /* anything else would stop the call */
}

int main(void)
{
    nrm_ctx_options how = nrm_ctx_options_default();
    nrm_top_eigenvector_info info;
    source made = {.state = 1};
    nrm_ctx *ctx;
    nrm_rows *rows;
    double v[COLUMNS];

    how.seed = 7;
    how.progress = show;
    if (nrm_ctx_create(&ctx, &how) < 0) return 1;
    nrm_status status = nrm_rows_from_callback(ctx, &rows, COLUMNS, fill, &made);
    if (status >= 0) status = nrm_top_eigenvector(ctx, rows, v, &info, NULL);
    if (status < 0) {
        fprintf(stderr, "%s\n", nrm_message(ctx));
        return 1;
    }
    fprintf(stderr, "\n");
    const double cosine = 0.6 * v[0] + 0.8 * v[1];
    printf("%lld rows, gap %.2f, <v, spike>^2 = %.4f\n", (long long)info.rows, info.gap, cosine * cosine);
    nrm_rows_close(ctx, rows);
    nrm_ctx_destroy(ctx);
    return cosine * cosine > 0.98 && !info.order_suspect ? 0 : 1;
}
