/* tokenizer.h -- text to tokens and back.  Private.
 *
 *   byte  256 tokens, the bytes themselves: takes anything, has nothing to learn
 *   char  one token for each different character (UTF-8 code point) of the text it was made
 *         from, in ascending order; a text with another character is refused, with its place
 *   bpe   byte pair encoding: the 256 bytes, then one token for each merge of two tokens,
 *         learnt where a text has them side by side most often.  Takes anything.
 *
 * Decoding an encoding gives the same bytes for every kind.  A tokenizer is never changed
 * once it is made, and may be used by several threads. */
#ifndef NRM_TOKENIZER_H
#define NRM_TOKENIZER_H

#include "base/base.h"
#include <norma/method.h>

#define NRM_TOKENIZER_KINDS(C)                \
    C(NRM_TOKENIZER_BYTE, "byte")             \
    C(NRM_TOKENIZER_CHAR, "char")             \
    C(NRM_TOKENIZER_BPE, "bpe")
NRM_CHOICES(nrm_tokenizer_kind, NRM_TOKENIZER_KINDS);

typedef uint16_t nrm_token;
/* Tokens of a vocabulary; bytes of one token: words are cut there when merges are learnt. */
enum { NRM_VOCABULARY_MOST = 65536, NRM_TOKEN_BYTES_MOST = 128 };

typedef struct nrm_tokenizer nrm_tokenizer;

/* Make one from a text.  vocabulary is asked of bpe only: 257 to NRM_VOCABULARY_MOST tokens;
 * fewer come out where the text has no pair of tokens twice.  NRM_E_ARGUMENT (kind), _RANGE
 * (vocabulary), _FORMAT (char: no UTF-8, naming the byte; no characters at all; too many
 * different ones), _CANCELLED, _NOMEM. */
nrm_status nrm_tokenizer_create(nrm_ctx *ctx, nrm_tokenizer **tokenizer, nrm_tokenizer_kind kind, const void *text,
                                int64_t size, int64_t vocabulary);
void nrm_tokenizer_destroy(nrm_ctx *ctx, nrm_tokenizer *tokenizer); /* NULL is fine */

nrm_tokenizer_kind nrm_tokenizer_kind_of(const nrm_tokenizer *tokenizer);
int64_t nrm_tokenizer_vocabulary(const nrm_tokenizer *tokenizer); /* tokens are 0 .. vocabulary - 1 */
/* The bytes of one token, not ended by 0; NULL when it is none. */
const char *nrm_tokenizer_piece(const nrm_tokenizer *tokenizer, int64_t token, int64_t *length);

/* *tokens (nrm_free) is what the text becomes, at most `size` tokens; `name` is where it came
 * from, for messages.  NRM_E_FORMAT: char met a character it does not know. */
nrm_status nrm_tokenizer_encode(nrm_ctx *ctx, const nrm_tokenizer *tokenizer, const char *name, const void *text,
                                int64_t size, nrm_token **tokens, int64_t *count);
/* *text (nrm_free) is ended by 0 beyond its length.  NRM_E_RANGE names a token that is none. */
nrm_status nrm_tokenizer_decode(nrm_ctx *ctx, const nrm_tokenizer *tokenizer, const int64_t *tokens, int64_t count,
                                char **text, int64_t *length);

/* As JSON in one line, for a checkpoint: {"kind":"byte"}, {"kind":"char","code_points":[10,32]},
 * {"kind":"bpe","merges":[left,right, left,right, ...]}.  *json (nrm_free) is ended by 0. */
nrm_status nrm_tokenizer_save(nrm_ctx *ctx, const nrm_tokenizer *tokenizer, char **json);
/* NRM_E_FORMAT says what is wrong with the text; `name` is where it came from. */
nrm_status nrm_tokenizer_load(nrm_ctx *ctx, nrm_tokenizer **tokenizer, const char *name, const char *json,
                              int64_t size);

#endif
