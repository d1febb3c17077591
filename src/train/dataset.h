/* dataset.h -- what a network is trained on: tokens of a text, images, or rows of a table.
 *
 *     nrm_dataset_options o = nrm_dataset_options_default();
 *     o.path = "input.txt"; o.context = 64;
 *     NRM_TRY(nrm_dataset_open(ctx, &data, &o));
 *     nrm_batch batch = {.rows = 12, .tokens = x, .labels = y};
 *     NRM_TRY(nrm_dataset_batch(ctx, data, NRM_TRAINING, seed, step, &batch));
 *
 * A data set has two parts, training and validation.  It is not changed after it was opened;
 * its batches are pure functions of (part, seed, step), so a run that is resumed sees what the
 * uninterrupted one sees, and several threads may ask at once, each with a context.  Private. */
#ifndef NRM_DATASET_H
#define NRM_DATASET_H

#include "tokenizer.h"
#include <norma/train.h>
#include <norma/array.h>

typedef enum nrm_dataset_part { NRM_TRAINING, NRM_VALIDATION, NRM_PARTS } nrm_dataset_part;
enum { NRM_LABEL_IGNORED = -1, NRM_CLASSES_MOST = 65536 };

typedef struct nrm_dataset_options {
    nrm_dataset_kind kind;
    const char *path;              /* NULL: the default data of the kind (text for guess) */
    const char *labels;            /* images, table: the file of targets; NULL: labels beside images, in
                                    * the bundle, in the LIBSVM file, or the target column */
    const char *validation;        /* a file to validate on; NULL: a part of path */
    const char *validation_labels; /* as labels */
    double validation_fraction;    /* 0.1; [0, 1): a text's end, examples drawn by seed */
    uint64_t seed;                 /* of that draw and of the default images */
    int64_t context;               /* text: tokens of a window; 64 */
    nrm_tokenizer_choice tokenizer;
    int64_t vocabulary;            /* bpe: tokens; 512 */
    nrm_target target;             /* table */
    int64_t target_column;         /* table: from 0, or from the end with -1 the last; -1 */
    bool keep_scale;               /* images, table: do not standardise */
    int64_t dense_bytes;           /* most bytes that sparse rows may take once dense; 2^32 */
    const char *state;             /* JSON of nrm_dataset_save: its tokenizer, scale and classes are
                                    * used, none are learnt; NULL: learn them from the training part */
} nrm_dataset_options;

nrm_dataset_options nrm_dataset_options_default(void);

typedef struct nrm_dataset nrm_dataset;

/* What an example looks like. */
typedef struct nrm_dataset_about {
    nrm_dataset_kind kind;         /* never guess */
    int ndim;                      /* of the features of one example */
    int64_t shape[3];              /* text: context; images: channels, rows, columns; table: columns */
    int64_t features;              /* their product */
    int64_t classes;               /* labels are 0 .. classes - 1 (text: the vocabulary); 0: values */
    int64_t values;                /* numbers to predict for an example; 0: a label */
    int64_t examples[NRM_PARTS];   /* text: windows that do not overlap, the last one perhaps short */
    int64_t tokens[NRM_PARTS];     /* text */
    const nrm_tokenizer *tokenizer; /* text, else NULL; the data set's */
    const double *class_value;     /* table: the target that label i stands for; else NULL */
    const char *name;              /* the path, or what the default data are */
} nrm_dataset_about;

/* NRM_E_IO and _FORMAT (the file), _RANGE and _ARGUMENT (options; a label out of range, with its
 * place), _SHAPE (x and y do not fit, too few examples, a text shorter than context + 1 tokens),
 * _NONFINITE (with row and column), _OVERFLOW (dense_bytes), _NOMEM, _CANCELLED. */
nrm_status nrm_dataset_open(nrm_ctx *ctx, nrm_dataset **data, const nrm_dataset_options *options);
/* The same from memory, which is copied.  x is (n, columns) for a table, (n, rows, columns) or
 * (n, channels, rows, columns) for images, u8 being divided by 255; y is (n) or, for values,
 * (n, k).  path and labels must be NULL; x_validation and y_validation may be. */
nrm_status nrm_dataset_from_arrays(nrm_ctx *ctx, nrm_dataset **data, const nrm_dataset_options *options,
                                   const nrm_array *x, const nrm_array *y, const nrm_array *x_validation,
                                   const nrm_array *y_validation);
nrm_status nrm_dataset_from_text(nrm_ctx *ctx, nrm_dataset **data, const nrm_dataset_options *options,
                                 const void *text, int64_t size);
void nrm_dataset_destroy(nrm_ctx *ctx, nrm_dataset *data); /* NULL is fine */
nrm_dataset_about nrm_dataset_describe(const nrm_dataset *data);

/* What was learnt from the training part, as one line of JSON for a checkpoint (nrm_free). */
nrm_status nrm_dataset_save(nrm_ctx *ctx, const nrm_dataset *data, char **json);
/* The tokenizer alone out of such a line, to generate text without data. */
nrm_status nrm_dataset_state_tokenizer(nrm_ctx *ctx, const char *json, nrm_tokenizer **tokenizer);

/* ---- Batches ------------------------------------------------------------------------------------
 * The caller's memory for `rows` examples; fields that the data do not have may be NULL. */
typedef struct nrm_batch {
    int64_t rows;
    int64_t *tokens;  /* text: rows x context */
    float *features;  /* images, table: rows x features */
    int64_t *labels;  /* text: rows x context, the token that follows; classes: rows */
    float *values;    /* rows x values */
} nrm_batch;

/* Batch number `step` >= 0.  Text: windows that begin anywhere.  Images, table: a new order
 * in every epoch; what is left of the epoch behind its last whole batch is dropped.
 * NRM_E_RANGE: rows is larger than the part (both numbers are told), the part is empty. */
nrm_status nrm_dataset_batch(nrm_ctx *ctx, const nrm_dataset *data, nrm_dataset_part part, uint64_t seed, int64_t step,
                             const nrm_batch *batch);
/* The examples that nrm_dataset_batch would give, as indices for nrm_dataset_pick. */
nrm_status nrm_dataset_order(nrm_ctx *ctx, const nrm_dataset *data, nrm_dataset_part part, uint64_t seed, int64_t step,
                             int64_t rows, int64_t *indices);
/* Given examples: numbers in the part from 0; of a text the tokens where the windows begin. */
nrm_status nrm_dataset_pick(nrm_ctx *ctx, const nrm_dataset *data, nrm_dataset_part part, const int64_t *indices,
                            const nrm_batch *batch);
/* All examples of a part in order, for evaluation: sweep number i holds examples i rows ..
 * (i + 1) rows - 1; *count of them are real.  The rest, and the end of a text's last window,
 * has features and tokens 0, labels NRM_LABEL_IGNORED, values 0. */
int64_t nrm_dataset_sweeps(const nrm_dataset *data, nrm_dataset_part part, int64_t rows);
nrm_status nrm_dataset_sweep(nrm_ctx *ctx, const nrm_dataset *data, nrm_dataset_part part, int64_t number,
                             const nrm_batch *batch, int64_t *count);

#endif
