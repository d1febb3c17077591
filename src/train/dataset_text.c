/* dataset_text.c -- a text as a data set: read, looked at, split, made tokens.
 *
 * The end of the text is the validation part, cut between two characters.  Merges (bpe) are
 * learnt from the training part alone; the list of characters (char) is that of both parts,
 * as a character of the validation part without a token could not be judged. */
#include "base/utf8.h"
#include "data/source.h"
#include "dataset_impl.h"

typedef struct piece {
    const char *name;
    const unsigned char *bytes;
    int64_t size;
} piece;

/* Binary: a NUL, or more than a tenth of the bytes in no UTF-8 character. */
static nrm_status check_text(nrm_ctx *ctx, const piece *p)
{
    const unsigned char *nul = memchr(p->bytes, 0, (size_t)p->size);
    int64_t wrong = 0;
    uint32_t code;

    NRM_REQUIRE(ctx, !nul, NRM_E_FORMAT, "%s: byte %lld is 0, so this is no text; ask for tokenizer byte to train on "
                "binary data", p->name, NRM_LL(nul - p->bytes));
    for (int64_t at = 0, n; at < p->size; at += n) {
        n = nrm_utf8_next(p->bytes + at, p->size - at, &code);
        if (n == 0) {
            wrong++;
            n = 1;
        }
    }
    NRM_REQUIRE(ctx, wrong <= p->size / 10, NRM_E_FORMAT, "%s: %lld of %lld bytes are no UTF-8, so this is no text that "
                "can be read; convert it, or ask for tokenizer byte to train on binary data", p->name, NRM_LL(wrong),
                NRM_LL(p->size));
    return NRM_OK;
}

/* Whether the bytes are text that can be used; takes a byte order mark off. */
static nrm_status check_piece(nrm_ctx *ctx, const nrm_dataset *d, const nrm_dataset_options *o, piece *p)
{
    const bool bytes = o->tokenizer == NRM_TOKENIZER_CHOICE_BYTE;

    NRM_REQUIRE(ctx, p->size > 0, NRM_E_FORMAT, "%s: is empty; a text of at least context + 1 = %lld tokens is "
                "expected", p->name, NRM_LL(d->context + 1));
    if (bytes) return NRM_OK;
    if (p->size >= 3 && memcmp(p->bytes, "\xEF\xBB\xBF", 3) == 0) {
        p->bytes += 3;
        p->size -= 3;
    }
    return o->tokenizer == NRM_TOKENIZER_CHOICE_CHAR ? NRM_OK : check_text(ctx, p); /* char looks at every byte itself */
}

/* The characters of two texts in one. */
static nrm_status learn_characters(nrm_ctx *ctx, nrm_dataset *d, const piece pieces[NRM_PARTS])
{
    nrm_buffer both = {.ctx = ctx};
    nrm_status st;

    for (int p = 0; p < NRM_PARTS; p++) nrm_buffer_bytes(&both, pieces[p].bytes, pieces[p].size);
    NRM_TRY_DONE(both.status);
    NRM_TRY_DONE(nrm_tokenizer_create(ctx, &d->tokenizer, NRM_TOKENIZER_CHAR, both.bytes, both.length, 0));
done:
    nrm_buffer_free(&both);
    return st < 0 && st != NRM_E_NOMEM ? nrm_fail_prefix(ctx, st, "%s", d->name) : st;
}

static nrm_status learn(nrm_ctx *ctx, nrm_dataset *d, const nrm_dataset_options *o, const piece pieces[NRM_PARTS])
{
    switch (o->tokenizer) {
    case NRM_TOKENIZER_CHOICE_CHAR: return learn_characters(ctx, d, pieces);
    case NRM_TOKENIZER_CHOICE_BPE:
        return nrm_tokenizer_create(ctx, &d->tokenizer, NRM_TOKENIZER_BPE, pieces[NRM_TRAINING].bytes,
                                    pieces[NRM_TRAINING].size, o->vocabulary);
    default: return nrm_tokenizer_create(ctx, &d->tokenizer, NRM_TOKENIZER_BYTE, NULL, 0, 0);
    }
}

static nrm_status encode(nrm_ctx *ctx, nrm_dataset *d, const piece pieces[NRM_PARTS])
{
    static const char *const word[NRM_PARTS] = {"training", "validation"};

    for (int p = 0; p < NRM_PARTS; p++) {
        if (pieces[p].size == 0) continue;
        NRM_TRY(nrm_tokenizer_encode(ctx, d->tokenizer, pieces[p].name, pieces[p].bytes, pieces[p].size,
                                     &d->part[p].tokens, &d->part[p].count));
        NRM_REQUIRE(ctx, d->part[p].count > d->context, NRM_E_SHAPE,
                    "%s: the %s part has %lld tokens; at least context + 1 = %lld are needed: give a longer text%s or a "
                    "shorter context", pieces[p].name, word[p], NRM_LL(d->part[p].count), NRM_LL(d->context + 1),
                    p == NRM_VALIDATION ? ", another validation_fraction" : "");
    }
    d->ndim = 1;
    d->shape[0] = d->features = d->context;
    d->classes = nrm_tokenizer_vocabulary(d->tokenizer);
    return NRM_OK;
}

/* Cut the end of the training text off, where a character begins. */
static void split(const nrm_dataset_options *o, piece pieces[NRM_PARTS])
{
    piece *all = &pieces[NRM_TRAINING];
    int64_t at = all->size - (int64_t)((double)all->size * o->validation_fraction);

    while (at > 0 && at < all->size && (all->bytes[at] & 0xC0) == 0x80 && o->tokenizer != NRM_TOKENIZER_CHOICE_BYTE) at--;
    pieces[NRM_VALIDATION] = (piece){all->name, all->bytes + at, all->size - at};
    all->size = at;
}

static nrm_status fill(nrm_ctx *ctx, nrm_dataset *d, const nrm_dataset_options *o, piece pieces[NRM_PARTS])
{
    NRM_TRY(check_piece(ctx, d, o, &pieces[NRM_TRAINING]));
    if (pieces[NRM_VALIDATION].bytes) NRM_TRY(check_piece(ctx, d, o, &pieces[NRM_VALIDATION]));
    else split(o, pieces);
    if (!d->tokenizer) NRM_TRY(learn(ctx, d, o, pieces));
    return encode(ctx, d, pieces);
}

nrm_status nrm_dataset_fill_text_memory(nrm_ctx *ctx, nrm_dataset *d, const nrm_dataset_options *o, const void *text,
                                        int64_t size)
{
    piece pieces[NRM_PARTS] = {{d->name, text ? text : (const void *)"", size}, {0}};
    return fill(ctx, d, o, pieces);
}

/* All of a file; the bytes are the source's. */
static nrm_status read_piece(nrm_ctx *ctx, const char *path, nrm_source **source, piece *p)
{
    NRM_TRY(nrm_source_open(ctx, source, path));
    NRM_TRY(nrm_source_peek(ctx, *source, INT64_MAX, &p->bytes, &p->size));
    p->name = path;
    if (!p->bytes) p->bytes = (const unsigned char *)"";
    return NRM_OK;
}

const char *nrm_train_default_text(int64_t *size)
{
    if (size) *size = nrm_default_text_size;
    return (const char *)nrm_default_text;
}

nrm_status nrm_dataset_fill_text(nrm_ctx *ctx, nrm_dataset *d, const nrm_dataset_options *o)
{
    nrm_source *sources[NRM_PARTS] = {0};
    piece pieces[NRM_PARTS] = {{d->name, nrm_default_text, nrm_default_text_size}, {0}};
    nrm_status st;

    if (o->path) NRM_TRY_DONE(read_piece(ctx, o->path, &sources[NRM_TRAINING], &pieces[NRM_TRAINING]));
    if (o->validation) NRM_TRY_DONE(read_piece(ctx, o->validation, &sources[NRM_VALIDATION], &pieces[NRM_VALIDATION]));
    NRM_TRY_DONE(fill(ctx, d, o, pieces));
done:
    for (int p = 0; p < NRM_PARTS; p++) nrm_source_close(ctx, sources[p]);
    return st;
}
