/* buffer.h -- text that grows by appending.  Private.
 *
 * A failure (no memory) is kept in the buffer and later appends do nothing, so that one
 * look at the end is enough:
 *     nrm_buffer b = {.ctx = ctx};
 *     nrm_buffer_text(&b, "{\"step\":");
 *     nrm_buffer_number(&b, 0.5);
 *     NRM_TRY(nrm_buffer_take(&b, &text, &length)); */
#ifndef NRM_BUFFER_H
#define NRM_BUFFER_H

#include "base/base.h"

typedef struct nrm_buffer {
    nrm_ctx *ctx;
    char *bytes; /* not ended by 0 before it is taken */
    int64_t length, capacity;
    nrm_status status;
} nrm_buffer;

void nrm_buffer_bytes(nrm_buffer *b, const void *bytes, int64_t n);
void nrm_buffer_text(nrm_buffer *b, const char *text);
void nrm_buffer_integer(nrm_buffer *b, int64_t value);
/* The shortest form that reads back to the same bits; null for NaN and the infinities,
 * which JSON lacks. */
void nrm_buffer_number(nrm_buffer *b, double value);
/* value rounded to so many decimals, of which `least` stay when they are zeros: for
 * coordinates and labels. */
void nrm_buffer_decimal(nrm_buffer *b, double value, int decimals, int least);
/* text between quotes as JSON wants it; bytes that are no UTF-8 become U+FFFD. */
void nrm_buffer_quoted(nrm_buffer *b, const char *text);
/* text with the five characters that mean something in XML written as entities, control
 * characters as blanks, and bytes that are no UTF-8 as U+FFFD. */
void nrm_buffer_xml(nrm_buffer *b, const char *text);
/* The text, ended by 0, is the caller's (nrm_free); length may be NULL.  After a failure
 * its status, and nothing is held any more. */
nrm_status nrm_buffer_take(nrm_buffer *b, char **text, int64_t *length);
void nrm_buffer_free(nrm_buffer *b);

#endif
