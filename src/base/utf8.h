/* utf8.h -- code points to and from UTF-8 (RFC 3629): no overlong forms, no surrogates,
 * nothing above U+10FFFF.  Private. */
#ifndef NRM_UTF8_H
#define NRM_UTF8_H

#include <stdint.h>

enum { NRM_CODE_POINTS = 0x110000 };

/* Bytes of the character at the front of [p, p + n), n >= 1; 0 where there is none. */
static inline int64_t nrm_utf8_next(const unsigned char *p, int64_t n, uint32_t *code)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char first = p[0];
    const int64_t length = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    uint32_t c = length < 2 ? first : first & (0x7Fu >> length);

    if (length == 0 || length > n) return 0;
    for (int64_t i = 1; i < length; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0;
        c = c << 6 | (p[i] & 0x3Fu);
    }
    if (c < least[length] || c >= NRM_CODE_POINTS || (c >= 0xD800 && c < 0xE000)) return 0;
    *code = c;
    return length;
}

/* Bytes of the mistake at the front of [p, p + n), where nrm_utf8_next gives 0: the beginning of
 * a character as far as it goes, else one byte.  Each is shown as one U+FFFD, as Unicode
 * recommends (chapter 3, "U+FFFD substitution of maximal subparts"). */
static inline int64_t nrm_utf8_mistake(const unsigned char *p, int64_t n)
{
    const int64_t length = p[0] < 0xC2 || p[0] > 0xF4 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    const unsigned char least = p[0] == 0xE0 ? 0xA0 : p[0] == 0xF0 ? 0x90 : 0x80;
    const unsigned char most = p[0] == 0xED ? 0x9F : p[0] == 0xF4 ? 0x8F : 0xBF;
    int64_t good = 1;

    if (length == 1 || n == 1 || p[1] < least || p[1] > most) return 1;
    while (good < length - 1 && good < n && (p[good] & 0xC0) == 0x80) good++;
    return good;
}

/* Writes 1 to 4 bytes; returns how many.  code is a code point and no surrogate. */
static inline int nrm_utf8_put(unsigned char to[4], uint32_t code)
{
    const int length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (int i = length - 1; i > 0; i--, code >>= 6) to[i] = (unsigned char)(0x80u | (code & 0x3Fu));
    to[0] = (unsigned char)(length == 1 ? code : (0xF00u >> length & 0xFFu) | code);
    return length;
}

#endif
