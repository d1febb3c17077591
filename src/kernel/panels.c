/* panels.c -- the loops of panels.h. */
#include "panels.h"
#include <string.h>

/* Rows of two panels that the loops go through at once, in bytes of one: a panel of a and one
 * of b then share the first cache. */
enum { DEPTH_BYTES = 16384 };

int64_t nrm_panels_size(int w, int64_t m, int64_t n)
{
    int64_t size;
    if (m > INT64_MAX - w || n > INT64_MAX - w || !nrm_mul_size(nrm_panels_up(w, m), nrm_panels_up(w, n), &size)) return -1;
    return size;
}

/* A panel's rows cut into register blocks as even as can be: block r begins at top[r]. */
typedef struct split { int count, top[NRM_PANEL_MOST + 1]; } split;

static split split_of(int rows, int most)
{
    split s = {.count = (rows + most - 1) / most};
    for (int r = 0; r <= s.count; r++) s.top[r] = (rows * r + s.count - 1) / s.count;
    return s;
}

#define F(name) name##_f32
#define REAL float
#include "panels_typed.h"
#undef F
#undef REAL
#define F(name) name##_f64
#define REAL double
#include "panels_typed.h"
