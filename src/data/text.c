/* text.c -- pieces of text. */
#include "formats.h"

nrm_span nrm_trim(nrm_span s)
{
    while (s.begin < s.end && nrm_is_blank(*s.begin)) s.begin++;
    while (s.begin < s.end && nrm_is_blank(s.end[-1])) s.end--;
    return s;
}

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

bool nrm_span_is(nrm_span s, const char *word)
{
    for (; s.begin < s.end && *word; s.begin++, word++)
        if (lower(*s.begin) != lower(*word)) return false;
    return s.begin == s.end && !*word;
}

nrm_span nrm_next_word(nrm_span *rest)
{
    nrm_span word;
    while (rest->begin < rest->end && nrm_is_blank(*rest->begin)) rest->begin++;
    word.begin = rest->begin;
    while (rest->begin < rest->end && !nrm_is_blank(*rest->begin)) rest->begin++;
    word.end = rest->begin;
    return word;
}

const char *nrm_quote(char text[NRM_QUOTE_LENGTH], nrm_span s)
{
    enum { MOST = 40 };
    int n = 0;
    for (; s.begin < s.end && n < MOST; s.begin++)
        text[n++] = *s.begin >= ' ' && *s.begin < 127 ? *s.begin : '?';
    if (s.begin < s.end) { memcpy(text + n, "...", 3); n += 3; }
    text[n] = '\0';
    return text;
}
