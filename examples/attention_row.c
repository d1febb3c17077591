/* A row of attention scores, longer than memory likes: softmax in pieces.
 *
 *     cc examples/attention_row.c $(pkg-config --cflags --libs norma) -lm
 *
 * The row arrives in chunks.  Each chunk is added to a pair (mantissa, exponent); when all
 * are in, every chunk is turned into probabilities.  No maximum is ever needed, and nothing
 * overflows although the scores reach 3000.  The program checks its own answer. */
#include <math.h>
#include <norma/norma.h>
#include <stdio.h>

enum { CHUNKS = 4, LENGTH = 1000 };

int main(void)
{
    static float scores[CHUNKS][LENGTH], weights[CHUNKS][LENGTH];
    double sum = 0, expected;

    for (int c = 0; c < CHUNKS; c++)
        for (int i = 0; i < LENGTH; i++) scores[c][i] = 3000 + 10 * sinf((float)(c * LENGTH + i));

    nrm_softmax_pair pair = nrm_softmax_pair_zero();
    for (int c = 0; c < CHUNKS; c++)
        if (nrm_softmax_pair_add_f32(NULL, &pair, LENGTH, scores[c], NULL, NULL) < 0) return 1;
    for (int c = 0; c < CHUNKS; c++)
        if (nrm_softmax_pair_finish_f32(NULL, pair, LENGTH, scores[c], NULL, weights[c], NULL) < 0) return 1;

    for (int c = 0; c < CHUNKS; c++)
        for (int i = 0; i < LENGTH; i++) sum += (double)weights[c][i];
    expected = exp((double)scores[2][7] - nrm_softmax_pair_lse(pair));
    printf("sum %.6f, weight %.9f, expected %.9f\n", sum, (double)weights[2][7], expected);
    return fabs(sum - 1) < 1e-6 && fabs((double)weights[2][7] / expected - 1) < 1e-6 ? 0 : 1;
}
