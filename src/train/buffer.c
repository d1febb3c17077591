/* buffer.c -- contract: buffer.h. */
#include "buffer.h"
#include "base/utf8.h"
#include <stdio.h>

void nrm_buffer_bytes(nrm_buffer *b, const void *bytes, int64_t n)
{
    int64_t need;
    if (b->status < 0 || n <= 0) return;
    if (!nrm_add_size(b->length, n, &need)) {
        b->status = nrm_fail(b->ctx, NRM_E_OVERFLOW, "a text is longer than memory can address");
        return;
    }
    b->status = nrm_grow(b->ctx, &b->bytes, &b->capacity, need, 1, "a text");
    if (b->status < 0) return;
    memcpy(b->bytes + b->length, bytes, (size_t)n);
    b->length = need;
}

void nrm_buffer_text(nrm_buffer *b, const char *text) { nrm_buffer_bytes(b, text, (int64_t)strlen(text)); }

void nrm_buffer_integer(nrm_buffer *b, int64_t value)
{
    char text[24];
    nrm_buffer_bytes(b, text, snprintf(text, sizeof text, "%" PRId64, value));
}

void nrm_buffer_number(nrm_buffer *b, double value)
{
    char text[NRM_NUMBER_LENGTH];
    if (!isfinite(value)) nrm_buffer_text(b, "null");
    else nrm_buffer_bytes(b, text, nrm_format_f64(text, value));
}

/* Whole multiples of 10^-decimals as integers: no locale, no exponent. */
void nrm_buffer_decimal(nrm_buffer *b, double value, int decimals, int least)
{
    char text[48];
    int64_t power = 1;

    for (int i = 0; i < decimals; i++) power *= 10;
    if (!(fabs(value) * (double)power < 9e15)) { /* too long for that, or no number */
        nrm_buffer_number(b, value);
        return;
    }
    const int64_t scaled = llround(fabs(value) * (double)power);
    int n = snprintf(text, sizeof text, "%s%" PRId64, value < 0 && scaled > 0 ? "-" : "", scaled / power);
    if (decimals > 0) {
        const int whole = n;
        n += snprintf(text + n, sizeof text - (size_t)n, ".%0*" PRId64, decimals, scaled % power);
        while (n > whole + 1 + least && text[n - 1] == '0') n--;
        if (n == whole + 1) n--; /* nothing behind the point */
    }
    nrm_buffer_bytes(b, text, n);
}

/* The next character of text, which may be broken: its bytes or the mark for them. */
static const char *next_piece(const char **text, int64_t *length)
{
    const char *here = *text;
    uint32_t code;
    int64_t room = 1; /* a character does not reach over the 0 at the end */
    while (room < 4 && here[room]) room++;
    *length = nrm_utf8_next((const unsigned char *)here, room, &code);
    *text += *length ? *length : 1;
    if (*length) return here;
    *length = 3;
    return "\xEF\xBF\xBD";
}

void nrm_buffer_quoted(nrm_buffer *b, const char *text)
{
    nrm_buffer_text(b, "\"");
    while (*text) {
        int64_t n;
        char escape[8];
        const char *piece = next_piece(&text, &n);
        if (*piece == '"' || *piece == '\\') nrm_buffer_text(b, "\\");
        if ((unsigned char)*piece >= ' ') nrm_buffer_bytes(b, piece, n);
        else nrm_buffer_bytes(b, escape, snprintf(escape, sizeof escape, "\\u%04x", (unsigned)*piece));
    }
    nrm_buffer_text(b, "\"");
}

void nrm_buffer_xml(nrm_buffer *b, const char *text)
{
    while (*text) {
        int64_t n;
        const char *piece = next_piece(&text, &n);
        switch (*piece) {
        case '&': nrm_buffer_text(b, "&amp;"); break;
        case '<': nrm_buffer_text(b, "&lt;"); break;
        case '>': nrm_buffer_text(b, "&gt;"); break;
        case '"': nrm_buffer_text(b, "&quot;"); break;
        case '\'': nrm_buffer_text(b, "&#39;"); break;
        default:
            if ((unsigned char)*piece < ' ') nrm_buffer_text(b, " ");
            else nrm_buffer_bytes(b, piece, n);
        }
    }
}

nrm_status nrm_buffer_take(nrm_buffer *b, char **text, int64_t *length)
{
    const int64_t n = b->length;

    nrm_buffer_bytes(b, "", 1);
    const nrm_status st = b->status;
    if (st < 0) {
        nrm_buffer_free(b);
        return st;
    }
    *text = b->bytes;
    if (length) *length = n;
    *b = (nrm_buffer){.ctx = b->ctx};
    return NRM_OK;
}

void nrm_buffer_free(nrm_buffer *b)
{
    nrm_free(b->ctx, b->bytes);
    *b = (nrm_buffer){.ctx = b->ctx};
}
