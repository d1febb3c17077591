/* nearest.c -- what a misspelt word was meant to be. */
#include "base.h"

/* Edit distance with neighbouring swaps counted once; '-' equals '_'.  Words longer
 * than the table are never near. */
static int edit_distance(const char *a, const char *b)
{
    enum { MOST = 40 };
    int d[MOST + 1][MOST + 1];
    const int m = (int)strlen(a), n = (int)strlen(b);

    if (m > MOST || n > MOST) return MOST;
    for (int i = 0; i <= m; i++) d[i][0] = i;
    for (int j = 0; j <= n; j++) d[0][j] = j;
    for (int i = 1; i <= m; i++)
        for (int j = 1; j <= n; j++) {
            const char x = a[i - 1] == '_' ? '-' : a[i - 1], y = b[j - 1] == '_' ? '-' : b[j - 1];
            int best = d[i - 1][j - 1] + (x != y);
            if (d[i - 1][j] + 1 < best) best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best) best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    return d[m][n];
}

const char *nrm_nearest(const char *name, const char *const *words)
{
    const char *best = NULL;
    int best_distance = 1 + (int)strlen(name) / 3; /* a slip, not another word */

    for (; *words; words++) {
        const int distance = edit_distance(name, *words);
        if (distance < best_distance || (distance == best_distance && !best)) {
            best = *words;
            best_distance = distance;
        }
    }
    return best;
}
