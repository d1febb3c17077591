/* dataset_impl.h -- what the files of the data sets share.  Private to them. */
#ifndef NRM_DATASET_IMPL_H
#define NRM_DATASET_IMPL_H

#include "base/random.h"
#include "buffer.h"
#include "data/data.h"
#include "dataset.h"
#include <jansson.h>

/* Streams of random numbers, each with 2^48 numbers of its own (steps, epochs, images). */
#define NRM_STREAM_SPLIT (UINT64_C(0x5350) << 48)
#define NRM_STREAM_WINDOWS (UINT64_C(0x5749) << 48)
#define NRM_STREAM_EPOCH (UINT64_C(0x4550) << 48)
#define NRM_STREAM_DIGITS (UINT64_C(0x4449) << 48)

/* A part: tokens of a text; or examples with one kind of features and one of targets. */
typedef struct nrm_part {
    int64_t count;
    nrm_token *tokens;
    uint8_t *bytes;   /* images of 8 bits, scaled when a batch is made */
    float *features;  /* scaled already */
    int64_t *labels;
    float *values;
} nrm_part;

struct nrm_dataset {
    nrm_dataset_kind kind;
    char *name;
    nrm_part part[NRM_PARTS];
    nrm_tokenizer *tokenizer;
    int64_t context;
    int ndim;
    int64_t shape[3], features;
    /* Feature j becomes (x - mean[j / block]) / scale[j / block]: a block is a channel of an
     * image (bytes divided by 255 first) or a column of a table. */
    int64_t blocks;
    double *mean, *scale;
    int64_t classes, values;
    double *class_value; /* table */
};

/* Examples before they are split: x is f32 or u8, (n, ...); y is f64, (n) or (n, k). */
typedef struct nrm_examples {
    nrm_array x, y;
} nrm_examples;
void nrm_examples_destroy(nrm_ctx *ctx, nrm_examples *examples);

/* ---- dataset_text.c, dataset_load.c: where the data come from ----------------------------------------- */

nrm_status nrm_dataset_fill_text(nrm_ctx *ctx, nrm_dataset *d, const nrm_dataset_options *o);
nrm_status nrm_dataset_fill_text_memory(nrm_ctx *ctx, nrm_dataset *d, const nrm_dataset_options *o, const void *text,
                                        int64_t size);
/* What kind of data a file holds. */
nrm_status nrm_dataset_guess(nrm_ctx *ctx, const char *path, nrm_dataset_kind *kind);
/* Training examples, and those to validate on where the options or the file have them
 * (else ndim of its x is 0).  columns > 0: what a table must have (of sparse rows: at most). */
nrm_status nrm_dataset_load(nrm_ctx *ctx, const nrm_dataset_options *o, nrm_dataset_kind kind, int64_t columns,
                            nrm_examples *training, nrm_examples *validation);

/* ---- dataset_examples.c: split, scale, classes ----------------------------------------------------------- */

/* Takes x and y apart; validation->x.ndim is 0 where a part of training is to be split off. */
nrm_status nrm_dataset_fill_examples(nrm_ctx *ctx, nrm_dataset *d, const nrm_dataset_options *o,
                                     const nrm_examples *training, const nrm_examples *validation);
/* classes, class_value and values from the targets of both; then the labels of a part. */
nrm_status nrm_dataset_find_targets(nrm_ctx *ctx, nrm_dataset *d, nrm_target target, const nrm_array *training,
                                    const nrm_array *validation);
nrm_status nrm_dataset_fill_targets(nrm_ctx *ctx, nrm_dataset *d, nrm_part *part, const nrm_array *y,
                                    const int64_t *rows);

/* ---- dataset_state.c ---------------------------------------------------------------------------------------- */

nrm_status nrm_dataset_restore(nrm_ctx *ctx, nrm_dataset *d, const char *json);

/* ---- Default data ------------------------------------------------------------------------------------------- */

extern const unsigned char nrm_default_text[]; /* made by cmake/default_text.cmake */
extern const int64_t nrm_default_text_size;
/* n x 28 x 28 digits and their labels; label and picture i depend on (seed, i) alone. */
nrm_status nrm_digits(nrm_ctx *ctx, uint64_t seed, int64_t n, nrm_examples *digits);

#endif
