/* utf8.c -- text in UTF-8: checked, repaired, and shown in a message.
 *
 * Well formed is what utf8.h takes: no overlong forms, no surrogates, nothing above U+10FFFF. */
#include "utf8.h"
#include "base.h"

/* Bytes of the code point that begins here; 0 where none does.  The ending NUL continues
 * none, so nothing behind it is read. */
static size_t code_point_bytes(const unsigned char *p)
{
    uint32_t code;
    return (size_t)nrm_utf8_next(p, 4, &code);
}

bool nrm_is_utf8(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        const size_t count = code_point_bytes(p);
        if (count == 0) return false;
        p += count;
    }
    return true;
}

const char *nrm_shown(char *buffer, const char *text)
{
    static const char more[] = "...";
    const unsigned char *p = (const unsigned char *)text;
    size_t used = 0, last = 0; /* last: where "..." still fits */

    while (*p) {
        const size_t count = code_point_bytes(p);
        const size_t step = count > 0 ? count : 1;
        if (used + step >= NRM_SHOWN_LENGTH) {
            memcpy(buffer + last, more, sizeof more);
            return buffer;
        }
        if (count > 1) memcpy(buffer + used, p, step);
        else buffer[used] = count == 0 ? '?' : *p < ' ' || *p == 0x7F ? ' ' : (char)*p;
        used += step;
        p += step;
        if (used + sizeof more <= NRM_SHOWN_LENGTH) last = used;
    }
    buffer[used] = '\0';
    return buffer;
}

nrm_status nrm_repair_utf8(nrm_ctx *ctx, const void *bytes, int64_t n, char **text, int64_t *length)
{
    static const char replacement[] = "\xEF\xBF\xBD";
    enum { REPLACEMENT_BYTES = sizeof replacement - 1 };
    const unsigned char *p = bytes;
    int64_t used = 0, at, step;
    uint32_t code;

    for (at = 0; at < n; at += step) { /* how much it takes */
        step = nrm_utf8_next(p + at, n - at, &code);
        used += step > 0 ? step : REPLACEMENT_BYTES;
        if (step == 0) step = nrm_utf8_mistake(p + at, n - at);
    }
    NRM_TRY(nrm_alloc_bytes(ctx, text, used + 1, 1, "a text"));
    char *to = *text;
    for (at = 0; at < n; at += step) {
        step = nrm_utf8_next(p + at, n - at, &code);
        memcpy(to, step > 0 ? (const char *)p + at : replacement, (size_t)(step > 0 ? step : REPLACEMENT_BYTES));
        to += step > 0 ? step : REPLACEMENT_BYTES;
        if (step == 0) step = nrm_utf8_mistake(p + at, n - at);
    }
    *to = '\0';
    *length = used;
    return NRM_OK;
}
