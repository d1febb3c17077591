/* basis_fast_typed.h -- the panels of basis_fast.c, included once for each REAL, with
 * TYPED(name).  Vectors 2 q and 2 q + 1 are pair q; an odd last vector is its own partner, and
 * written twice.  Strides come as arguments, so that a stride of 1 is a constant where the loops
 * are compiled.  No include guard on purpose. */

static inline int64_t TYPED(partner)(int64_t q, int64_t pairs, bool odd) { return odd && q + 1 == pairs ? 2 * q : 2 * q + 1; }

/* Element i of pair q is at z + q stride + 2 place(i). */
static inline int64_t TYPED(place)(int64_t n, int64_t i) { return i % 2 ? n - 1 - i / 2 : i / 2; }

static inline void TYPED(dct2_panel)(const panel *p, int64_t along, int64_t across, bool odd, const REAL *x, REAL *y)
{
    const int64_t n = p->basis->n, stride = stride_of(n), pairs = (p->width + 1) / 2;
    const double *cosine = p->basis->cosine, first = 1 / sqrt((double)n), half = 0.5 * sqrt(2 / (double)n);
    double *in = p->work, *out = in + pairs * stride;

    for (int64_t i = 0; i < n; i++) {
        double *z = in + 2 * TYPED(place)(n, i);
        for (int64_t q = 0; q < pairs; q++, z += stride) {
            z[0] = (double)x[i * along + 2 * q * across];
            z[1] = (double)x[i * along + TYPED(partner)(q, pairs, odd) * across];
        }
    }
    for (int64_t q = 0; q < pairs; q++) nrm_fft_forward_shared(p->basis->fft, in + q * stride, out + q * stride);
    for (int64_t q = 0; q < pairs; q++) {
        y[2 * q * across] = (REAL)(first * out[q * stride]);
        y[TYPED(partner)(q, pairs, odd) * across] = (REAL)(first * out[q * stride + 1]);
    }
    for (int64_t k = 1; 2 * k <= n; k++) {
        const double c = half * cosine[k], s = half * cosine[n - k]; /* sin theta_k = cos theta_{n-k} */
        const double *z = out + 2 * k, *mirror = out + 2 * (n - k);
        REAL *low = y + k * along, *high = y + (n - k) * along;
        for (int64_t q = 0; q < pairs; q++, z += stride, mirror += stride) {
            const double a_re = z[0] + mirror[0], a_im = z[1] - mirror[1]; /* 2 V of (1) */
            const double b_re = z[1] + mirror[1], b_im = mirror[0] - z[0];
            const int64_t a = 2 * q * across, b = TYPED(partner)(q, pairs, odd) * across;
            low[a] = (REAL)(a_re * c + a_im * s);
            low[b] = (REAL)(b_re * c + b_im * s);
            high[a] = (REAL)(a_re * s - a_im * c);
            high[b] = (REAL)(b_re * s - b_im * c);
        }
    }
}

static inline void TYPED(dct3_panel)(const panel *p, int64_t along, int64_t across, bool odd, const REAL *y, REAL *x)
{
    const int64_t n = p->basis->n, stride = stride_of(n), pairs = (p->width + 1) / 2;
    const double *cosine = p->basis->cosine, first = sqrt((double)n), scale = sqrt(0.5 * (double)n);
    double *in = p->work, *out = in + pairs * stride;

    for (int64_t q = 0; q < pairs; q++) {
        in[q * stride] = first * (double)y[2 * q * across];
        in[q * stride + 1] = first * (double)y[TYPED(partner)(q, pairs, odd) * across];
    }
    for (int64_t k = 1; 2 * k <= n; k++) {
        const double c = scale * cosine[k], s = scale * cosine[n - k];
        const REAL *low = y + k * along, *high = y + (n - k) * along;
        double *z = in + 2 * k, *mirror = in + 2 * (n - k);
        for (int64_t q = 0; q < pairs; q++, z += stride, mirror += stride) {
            const int64_t a = 2 * q * across, b = TYPED(partner)(q, pairs, odd) * across;
            const double a_low = (double)low[a], a_high = (double)high[a], b_low = (double)low[b], b_high = (double)high[b];
            const double a_re = a_low * c + a_high * s, a_im = a_low * s - a_high * c; /* V of (1) */
            const double b_re = b_low * c + b_high * s, b_im = b_low * s - b_high * c;
            z[0] = a_re - b_im;
            z[1] = a_im + b_re;
            mirror[0] = a_re + b_im;
            mirror[1] = b_re - a_im;
        }
    }
    for (int64_t q = 0; q < pairs; q++) nrm_fft_inverse_shared(p->basis->fft, in + q * stride, out + q * stride);
    for (int64_t i = 0; i < n; i++) {
        const double *z = out + 2 * TYPED(place)(n, i);
        for (int64_t q = 0; q < pairs; q++, z += stride) {
            x[i * along + 2 * q * across] = (REAL)z[0];
            x[i * along + TYPED(partner)(q, pairs, odd) * across] = (REAL)z[1];
        }
    }
}

/* Symmetric, its own inverse. */
static void TYPED(hadamard_panel)(const panel *p, const REAL *x, REAL *y)
{
    const int64_t n = p->basis->n;
    const double factor = 1 / sqrt((double)n);
    double *row = p->work;

    for (int64_t i = 0; i < n; i++, row += NRM_PANEL)
        for (int64_t j = 0; j < NRM_PANEL; j++) row[j] = j < p->width ? (double)x[i * p->along + j * p->across] : 0;
    nrm_hadamard_panel(p->work, n);
    row = p->work;
    for (int64_t i = 0; i < n; i++, row += NRM_PANEL)
        for (int64_t j = 0; j < p->width; j++) y[i * p->along + j * p->across] = (REAL)(factor * row[j]);
}

static inline void TYPED(dct_panel)(const panel *p, bool second, int64_t along, int64_t across, bool odd, const REAL *from, REAL *to)
{
    if (second) TYPED(dct2_panel)(p, along, across, odd, from, to);
    else TYPED(dct3_panel)(p, along, across, odd, from, to);
}

static void TYPED(panel)(const panel *p, bool inverse, const REAL *from, REAL *to)
{
    const bool second = (p->basis->kind == NRM_BASIS_DCT3) == inverse;

    if (p->basis->kind == NRM_BASIS_HADAMARD) TYPED(hadamard_panel)(p, from, to);
    else if (p->width % 2) TYPED(dct_panel)(p, second, p->along, p->across, true, from, to);
    else if (p->across == 1) TYPED(dct_panel)(p, second, p->along, 1, false, from, to);
    else TYPED(dct_panel)(p, second, 1, p->across, false, from, to);
}
