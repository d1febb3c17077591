/* text.c -- numbers to and from text, whatever the locale. */
#define _GNU_SOURCE /* strtod_l, strtof_l */
#include "base.h"
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

/* glibc answers "C" with a constant object: no allocation, nothing to free. */
static locale_t c_locale(void) { return newlocale(LC_ALL_MASK, "C", (locale_t)0); }

bool nrm_parse_i64(const char *begin, const char *end, int64_t *value)
{
    const bool negative = begin < end && *begin == '-';
    int64_t v = 0;

    if (begin < end && (*begin == '-' || *begin == '+')) begin++;
    if (begin == end) return false;
    for (; begin < end; begin++) {
        const int digit = *begin - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_sub_overflow(v, digit, &v))
            return false; /* counted downwards, so that INT64_MIN can be read */
    }
    if (!negative && v == INT64_MIN) return false;
    *value = negative ? v : -v;
    return true;
}

/* Clinger's fast path: at most 15 digits and a power of ten up to 10^22 are exact
 * doubles, so one correctly rounded product or quotient is the answer. */
static bool parse_short(const char *p, const char *end, double *value)
{
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const bool negative = p < end && *p == '-';
    int64_t digits = 0;
    int seen = 0, exponent = 0, written = 0;
    bool point = false;

    if (p < end && (*p == '-' || *p == '+')) p++;
    for (; p < end && ((*p >= '0' && *p <= '9') || (*p == '.' && !point)); p++) {
        if (*p == '.') { point = true; continue; }
        digits = digits * 10 + (*p - '0');
        seen++;
        if (digits > 0 && ++written > 15) return false;
        if (point) exponent--;
    }
    if (seen == 0) return false;
    if (p < end && (*p == 'e' || *p == 'E')) {
        int64_t e;
        if (end - p > 5 || !nrm_parse_i64(p + 1, end, &e)) return false;
        exponent += (int)e;
        p = end;
    }
    if (p != end || exponent < -22 || exponent > 22) return false;
    const double v = exponent < 0 ? (double)digits / power[-exponent] : (double)digits * power[exponent];
    *value = negative ? -v : v;
    return true;
}

bool nrm_parse_f64(const char *begin, const char *end, double *value)
{
    char text[512];
    char *stop;
    const ptrdiff_t length = end - begin;

    if (parse_short(begin, end, value)) return true;
    if (length <= 0 || length >= (ptrdiff_t)sizeof text) return false;
    /* strtod skips blanks and takes hexadecimal: neither is a number here. */
    for (const char *p = begin; p < end; p++)
        if (!((*p >= '0' && *p <= '9') || (*p && strchr("+-.eEinftyaINFTYA", *p)))) return false;
    memcpy(text, begin, (size_t)length);
    text[length] = '\0';
    *value = strtod_l(text, &stop, c_locale());
    return stop == text + length;
}

/* The first of two or three widths that reads back to the same bits. */
int nrm_format_f64(char *buffer, double value)
{
    const locale_t old = uselocale(c_locale());
    int length = 0;

    if (isnan(value)) length = snprintf(buffer, NRM_NUMBER_LENGTH, "nan");
    else
        for (int digits = 15; digits <= 17; digits++) {
            length = snprintf(buffer, NRM_NUMBER_LENGTH, "%.*g", digits, value);
            if (strtod(buffer, NULL) == value) break;
        }
    uselocale(old);
    return length;
}

int nrm_format_f32(char *buffer, float value)
{
    const locale_t old = uselocale(c_locale());
    int length = 0;

    if (isnan(value)) length = snprintf(buffer, NRM_NUMBER_LENGTH, "nan");
    else
        for (int digits = 6; digits <= 9; digits++) {
            length = snprintf(buffer, NRM_NUMBER_LENGTH, "%.*g", digits, (double)value);
            if (strtof(buffer, NULL) == value) break;
        }
    uselocale(old);
    return length;
}
