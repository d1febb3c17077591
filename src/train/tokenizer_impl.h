/* tokenizer_impl.h -- what the files of the tokenizer share.  Private to them. */
#ifndef NRM_TOKENIZER_IMPL_H
#define NRM_TOKENIZER_IMPL_H

#include "base/utf8.h"
#include "buffer.h"
#include "tokenizer.h"
#include <jansson.h>

/* Two tokens side by side as one number, and a table from such numbers to what is known of
 * them: open addressing, a power of two of places, at most half of them taken. */
typedef struct nrm_pair_table {
    uint32_t *key;   /* left << 16 | right */
    int32_t *value;  /* -1: the place is free */
    int64_t places, taken;
} nrm_pair_table;

static inline uint32_t nrm_pair(nrm_token left, nrm_token right) { return (uint32_t)left << 16 | right; }
nrm_status nrm_pair_table_grow(nrm_ctx *ctx, nrm_pair_table *t, int64_t keys); /* room for so many */
int32_t *nrm_pair_place(const nrm_pair_table *t, uint32_t key); /* where its value stands, or is to stand */
void nrm_pair_put(nrm_pair_table *t, uint32_t key, int32_t value); /* there is room */
void nrm_pair_table_free(nrm_ctx *ctx, nrm_pair_table *t);

struct nrm_tokenizer {
    nrm_tokenizer_kind kind;
    int64_t vocabulary;
    char *pieces;        /* the bytes of all tokens */
    int32_t *start;      /* token t is pieces[start[t]] .. pieces[start[t+1]] */
    uint32_t *codes;     /* char: code point of each token, ascending */
    uint32_t *merges;    /* bpe: token 256 + i is the pair merges[i] */
    nrm_pair_table rank; /* bpe: pair to token */
};

/* Fill in from its code points (ascending) or merges, which it takes over also when it
 * fails; `name` is where they came from. */
nrm_status nrm_tokenizer_make(nrm_ctx *ctx, nrm_tokenizer **tokenizer, const char *name, nrm_tokenizer_kind kind,
                              uint32_t *list, int64_t count);

/* ---- bpe.c, bpe_encode.c ---------------------------------------------------------------------- */

/* Where the word that begins at p[at] ends: merges never cross words. */
int64_t nrm_word_end(const unsigned char *p, int64_t at, int64_t size);
/* Learn up to `most` merges. */
nrm_status nrm_bpe_learn(nrm_ctx *ctx, const unsigned char *text, int64_t size, int64_t most, uint32_t **merges,
                         int64_t *count);
/* One word (at most NRM_TOKEN_BYTES_MOST bytes) to tokens; returns how many. */
int64_t nrm_bpe_encode_word(const nrm_tokenizer *t, const unsigned char *word, int64_t size, nrm_token *tokens);

#endif
