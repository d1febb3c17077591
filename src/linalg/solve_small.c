/* solve_small.c -- Gaussian elimination with partial pivoting.  Contract: solve_small.h. */
#include "solve_small.h"

/* Bring the largest entry of column k, from row k on, into row k. */
static void exchange_rows(int n, double *a, double *b, int k)
{
    int best = k;
    for (int i = k + 1; i < n; i++)
        if (fabs(a[i * n + k]) > fabs(a[best * n + k])) best = i;
    for (int j = k; j < n; j++) {
        const double kept = a[k * n + j];
        a[k * n + j] = a[best * n + j];
        a[best * n + j] = kept;
    }
    const double kept = b[k];
    b[k] = b[best];
    b[best] = kept;
}

bool nrm_solve_small(int n, double *a, double *b)
{
    for (int k = 0; k < n; k++) {
        exchange_rows(n, a, b, k);
        if (!isfinite(a[k * n + k]) || a[k * n + k] == 0) return false;
        for (int i = k + 1; i < n; i++) {
            const double factor = a[i * n + k] / a[k * n + k];
            for (int j = k + 1; j < n; j++) a[i * n + j] -= factor * a[k * n + j];
            b[i] -= factor * b[k];
        }
    }
    for (int i = n - 1; i >= 0; i--) {
        for (int j = i + 1; j < n; j++) b[i] -= a[i * n + j] * b[j];
        b[i] /= a[i * n + i];
    }
    return true;
}
