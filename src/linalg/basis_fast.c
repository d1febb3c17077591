/* basis_fast.c -- fast transforms of all rows or all columns of a matrix.  Contract: basis.h.
 *
 * Vectors go through the transform in panels, a cache line of columns or two rows at a time,
 * the panels in lanes: as many as the matrix is worth, whatever the threads, each with buffers
 * of its own.  Arithmetic is in f64 inside, for either type.
 *
 * Cosine transforms: two real vectors a, b are one complex z = a + i b.  With v the permuted
 * vector (x_0, x_2, x_4, ..., x_5, x_3, x_1), V = FFT(v), theta_k = pi k / (2n) (dct.c),
 *     y_k = w (Re V_k cos theta_k + Im V_k sin theta_k),  y_{n-k} = w (Re V_k sin - Im V_k cos),
 * w = sqrt(2/n), y_0 = V_0 / sqrt(n), where V of a and of b are parted by their symmetry:
 *     V^a_k = (Z_k + conj Z_{n-k}) / 2,   V^b_k = (Z_k - conj Z_{n-k}) / (2 i).           (1)
 * The inverse runs this backwards.  The basis dct2 has D = C', so S_j = C x_j; dct3 has D = C. */
#include "basis.h"
#include "transform.h"

enum {
    COLUMNS = 16,     /* of a panel: a cache line of f32 */
    ROWS = 2,
    LANES = 16,       /* at most; one for every */
    WORTH_A_LANE = 1 << 16, /* elements */
    LINE = 8          /* doubles of a cache line */
};

/* Doubles between the vectors of a panel: an odd number of cache lines, so that equal places of
 * all vectors do not fall into one set of the cache. */
static int64_t stride_of(int64_t n)
{
    const int64_t lines = (2 * n + LINE - 1) / LINE;
    return (lines | 1) * LINE;
}

static int64_t panel_width(nrm_basis_kind kind, bool right)
{
    return kind == NRM_BASIS_HADAMARD ? NRM_PANEL : right ? ROWS : COLUMNS;
}

static int64_t lanes_of(int64_t rows, int64_t cols)
{
    return nrm_max_i64(1, nrm_min_i64(LANES, rows * cols / WORTH_A_LANE));
}

/* Doubles of a lane. */
static int64_t lane_size(nrm_basis_kind kind, bool right, int64_t n)
{
    return kind == NRM_BASIS_HADAMARD ? n * NRM_PANEL : panel_width(kind, right) * stride_of(n);
}

int64_t nrm_basis_fast_work(nrm_basis_kind kind, bool right, int64_t rows, int64_t cols)
{
    int64_t bytes;
    return nrm_mul_size(lane_size(kind, right, right ? cols : rows), lanes_of(rows, cols) * (int64_t)sizeof(double), &bytes)
               ? bytes : -1;
}

/* The vectors of a panel: element i of vector j lies at i along + j across; transformed vectors
 * go to the same places. */
typedef struct panel { const nrm_basis *basis; int64_t width, along, across; double *work; } panel;

#define REAL double
#define TYPED(name) name##_f64
#include "basis_fast_typed.h"
#undef REAL
#undef TYPED

#define REAL float
#define TYPED(name) name##_f32
#include "basis_fast_typed.h"

static void run_panel(const panel *p, bool inverse, int64_t first, const void *from, void *to)
{
    const int64_t at = first * p->across;
    if (p->basis->dtype == NRM_F32) panel_f32(p, inverse, (const float *)from + at, (float *)to + at);
    else panel_f64(p, inverse, (const double *)from + at, (double *)to + at);
}

void nrm_basis_fast(const nrm_basis_view *v, bool inverse, const void *from, void *to, void *work)
{
    const nrm_basis *b = v->basis;
    const int64_t width = panel_width(b->kind, v->right), vectors = v->right ? v->rows : v->cols;
    const int64_t count = (vectors + width - 1) / width, lanes = lanes_of(v->rows, v->cols);

#pragma omp parallel for schedule(dynamic, 1) num_threads(v->threads) if (v->threads > 1 && lanes > 1)
    for (int64_t lane = 0; lane < lanes; lane++) {
        panel p = {.basis = b, .along = v->right ? 1 : v->cols, .across = v->right ? v->cols : 1,
                   .work = (double *)work + lane * lane_size(b->kind, v->right, b->n)};
        for (int64_t k = lane * count / lanes; k < (lane + 1) * count / lanes; k++) {
            p.width = nrm_min_i64(width, vectors - k * width);
            run_panel(&p, inverse, k * width, from, to);
        }
    }
}
