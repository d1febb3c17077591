/* utf8.c -- text in UTF-8: checked, and shown in a message.
 *
 * Well formed is what Unicode's table 3-7 says: no overlong forms, no surrogates, nothing
 * above U+10FFFF.  Only the second byte of a sequence has a range of its own. */
#include "base.h"

/* Bytes of the code point that begins here; 0 where none does.  The ending NUL is in no
 * range, so nothing behind it is read. */
static int code_point_bytes(const unsigned char *p)
{
    if (p[0] < 0x80) return 1;
    const int count = p[0] >= 0xC2 && p[0] <= 0xDF ? 2 : (p[0] & 0xF0) == 0xE0 ? 3 : p[0] >= 0xF0 && p[0] <= 0xF4 ? 4 : 0;
    const unsigned char least = p[0] == 0xE0 ? 0xA0 : p[0] == 0xF0 ? 0x90 : 0x80;
    const unsigned char most = p[0] == 0xED ? 0x9F : p[0] == 0xF4 ? 0x8F : 0xBF;

    if (count == 0 || p[1] < least || p[1] > most) return 0;
    for (int i = 2; i < count; i++)
        if ((p[i] & 0xC0) != 0x80) return 0;
    return count;
}

bool nrm_is_utf8(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        const int count = code_point_bytes(p);
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
        const int count = code_point_bytes(p);
        const size_t step = count > 0 ? (size_t)count : 1;
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
