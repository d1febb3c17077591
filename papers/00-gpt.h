/* 00-gpt.h -- a small GPT on a real text, trained with an optimizer that is given by name: the
 * bench of the page "optimizers".  Framework: reproduce.h.
 *
 * The hidden matrices (query, key and value each on its own) go to that optimizer, embeddings,
 * biases and norms to AdamW with the same settings every time.  Runs of equal seed begin with the
 * same weights and see the same tokens: compare them in pairs.  The common norm of the gradients is
 * clipped to 1.  One thread: the matrices are small, and other programs may be busy. */
#ifndef NRM_PAPERS_GPT_H
#define NRM_PAPERS_GPT_H

#include "b1.h"

enum { GPT_POINTS = 21, GPT_TENSORS = 64, GPT_SPLITS = 4, GPT_MOST_TEXT = 1 << 24 };

typedef struct gpt_result {
    double at[GPT_POINTS], loss[GPT_POINTS]; /* validation, nats a byte, at equal distances from step 0 */
    double last;                             /* the last of them; infinity after a step that diverged */
    double matrix_seconds, rest_seconds, network_seconds; /* a step, mean: optimizers, and loss with gradients */
    int64_t state_bytes;                     /* of the matrix optimizer */
} gpt_result;

typedef struct gpt_bench gpt_bench;

/* The text: --data's text/tinyshakespeare.txt, else the library's own documents. */
NRM_NODISCARD nrm_status gpt_create(nrm_reproduction *r, nrm_ctx *ctx, gpt_bench **bench);
void gpt_destroy(gpt_bench *bench); /* NULL is fine */
NRM_NODISCARD nrm_status gpt_run(gpt_bench *bench, const char *kind, const char *options, double lr, uint64_t seed,
                                 gpt_result *result);

/* What the bench is made of. */
typedef struct gpt_about {
    const char *text;   /* in words */
    int64_t bytes, vocabulary, layers, width, context, batch, steps;
    int64_t parameters, matrix_parameters; /* numbers */
} gpt_about;
gpt_about gpt_describe(const gpt_bench *bench);

#endif
