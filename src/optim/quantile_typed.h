/* quantile_typed.h -- the body of quantile.c, included once for each REAL, with BITS (unsigned, as
 * wide), TOP (its bits without the sign) and TYPED(name).  No include guard on purpose. */

static inline BITS TYPED(bits)(const REAL *x, int64_t i, int64_t stride)
{
    BITS b;
    memcpy(&b, x + i * stride, sizeof b);
    return b & ((BITS)-1 >> 1);
}

static inline REAL TYPED(value)(BITS b)
{
    REAL x;
    memcpy(&x, &b, sizeof x);
    return x;
}

/* How many of the n numbers have each first digit. */
static void TYPED(count_first)(int64_t n, const REAL *x, int64_t stride, int64_t *count, int threads)
{
    memset(count, 0, DIGITS * sizeof *count);
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        /* Two counts side by side: equal neighbours need not wait for each other. */
        int64_t own[2][DIGITS] = {{0}};
#pragma omp for
        for (int64_t first = 0; first < n; first += PIECE) {
            const int64_t end = nrm_min_i64(n, first + PIECE);
            for (int64_t i = first; i < end; i++) own[i & 1][TYPED(bits)(x, i, stride) >> (TOP - DIGIT)]++;
        }
#pragma omp critical(nrm_quantile)
        for (int d = 0; d < DIGITS; d++) count[d] += own[0][d] + own[1][d];
    }
}

/* The numbers with this first digit to `kept`, in any order; how many there are. */
static int64_t TYPED(keep_first)(int64_t n, const REAL *x, int64_t stride, BITS digit, BITS *kept, int threads)
{
    int64_t used = 0;

#pragma omp parallel for num_threads(threads) if (threads > 1)
    for (int64_t first = 0; first < n; first += PIECE) {
        const int64_t end = nrm_min_i64(n, first + PIECE);
        BITS piece[PIECE];
        int64_t found = 0, at;
        for (int64_t i = first; i < end; i++) {
            const BITS b = TYPED(bits)(x, i, stride);
            piece[found] = b;
            found += b >> (TOP - DIGIT) == digit;
        }
#pragma omp atomic capture
        { at = used; used += found; }
        memcpy(kept + at, piece, (size_t)found * sizeof *kept);
    }
    return used;
}

/* The number of rank `rank` among n that agree above bit `shift`; they are overwritten. */
static BITS TYPED(select)(int64_t n, BITS *kept, int shift, int64_t rank)
{
    while (shift > 0 && n > 1) {
        const int low = shift > DIGIT ? shift - DIGIT : 0;
        const BITS mask = ((BITS)1 << (shift - low)) - 1;
        int64_t count[DIGITS] = {0}, used = 0;
        for (int64_t i = 0; i < n; i++) count[kept[i] >> low & mask]++;
        const BITS digit = (BITS)digit_of(count, &rank);
        for (int64_t i = 0; i < n; i++)
            if ((kept[i] >> low & mask) == digit) kept[used++] = kept[i];
        n = used, shift = low;
    }
    return kept[0];
}

/* The least number above b; b itself where it is there more often than up to rank `rank`. */
static BITS TYPED(after)(int64_t n, const REAL *x, int64_t stride, BITS b, int64_t rank, int threads)
{
    BITS least = (BITS)-1;
    int64_t upto = 0;

#pragma omp parallel for num_threads(threads) reduction(+ : upto) reduction(min : least) if (threads > 1)
    for (int64_t i = 0; i < n; i++) {
        const BITS a = TYPED(bits)(x, i, stride), above = a > b ? a : (BITS)-1;
        upto += a <= b;
        least = above < least ? above : least;
    }
    return upto > rank + 1 ? b : least;
}

static double TYPED(quantile)(int64_t n, const REAL *x, int64_t stride, double q, BITS *scratch, int threads)
{
    const double h = q * (double)(n - 1), whole = floor(h);
    int64_t count[DIGITS], rank = nrm_min_i64((int64_t)whole, n - 1), among = rank;

    TYPED(count_first)(n, x, stride, count, threads);
    const BITS digit = (BITS)digit_of(count, &among);
    const int64_t kept = TYPED(keep_first)(n, x, stride, digit, scratch, threads);
    const BITS found = TYPED(select)(kept, scratch, TOP - DIGIT, among);
    const double low = (double)TYPED(value)(found);
    if (h <= whole || rank + 1 >= n) return low;
    return low + (h - whole) * ((double)TYPED(value)(TYPED(after)(n, x, stride, found, rank, threads)) - low);
}
