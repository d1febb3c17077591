/* bpe_encode.c -- the merges applied to a word, in the order in which they were learnt:
 *
 *     as long as a neighbouring pair is a token, merge the pair learnt first (of equal ones
 *     the one to the left). */
#include "tokenizer_impl.h"

int64_t nrm_bpe_encode_word(const nrm_tokenizer *t, const unsigned char *word, int64_t size, nrm_token *tokens)
{
    int32_t made[NRM_TOKEN_BYTES_MOST]; /* made[i]: the token of tokens i and i + 1; -1 none */
    int64_t n = size;

    for (int64_t i = 0; i < n; i++) tokens[i] = word[i];
    for (int64_t i = 0; i + 1 < n; i++) made[i] = *nrm_pair_place(&t->rank, nrm_pair(tokens[i], tokens[i + 1]));
    for (;;) {
        int64_t best = -1;
        for (int64_t i = 0; i + 1 < n; i++)
            if (made[i] >= 0 && (best < 0 || made[i] < made[best])) best = i;
        if (best < 0) return n;
        tokens[best] = (nrm_token)made[best];
        n--;
        for (int64_t i = best + 1; i < n; i++) {
            tokens[i] = tokens[i + 1];
            made[i] = i + 1 < n ? made[i + 1] : -1;
        }
        if (best > 0) made[best - 1] = *nrm_pair_place(&t->rank, nrm_pair(tokens[best - 1], tokens[best]));
        if (best + 1 < n) made[best] = *nrm_pair_place(&t->rank, nrm_pair(tokens[best], tokens[best + 1]));
    }
}
