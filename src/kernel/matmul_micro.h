/* matmul_micro.h -- the register blocks of matmul.h: 1 to ROWS rows x 2 vectors, for REAL,
 * V(name) the vector operations of vector_math_*.h, LANES; BLOCKS(X) is X(1) .. X(ROWS).
 * Included for f32 and f64.
 *
 * The loops over rows must be unrolled, or the sums would live in memory. */
#ifdef __clang__
#define UNROLL_ROWS _Pragma("unroll")
#else
#define UNROLL_ROWS _Pragma("GCC unroll 16")
#endif

static inline __attribute__((always_inline)) void F(block)(const int rows, int64_t k, const REAL *a, int64_t a_row, int64_t a_column,
                                                           const REAL *b, REAL *c, int64_t ldc, bool add, const REAL *start)
{
    VECTOR sum[ROWS][2];
    const VECTOR s0 = start ? V(load)(start) : V(set1)(0), s1 = start ? V(load)(start + LANES) : V(set1)(0);
    UNROLL_ROWS
    for (int i = 0; i < rows; i++) {
        sum[i][0] = add ? V(load)(c + i * ldc) : s0;
        sum[i][1] = add ? V(load)(c + i * ldc + LANES) : s1;
    }
    for (int64_t p = 0; p < k; p++) {
        const VECTOR b0 = V(load)(b), b1 = V(load)(b + LANES);
        const REAL *at = a;
        UNROLL_ROWS
        for (int i = 0; i < rows; i++) {
            const VECTOR x = V(set1)(*at);
            sum[i][0] = V(fma)(x, b0, sum[i][0]);
            sum[i][1] = V(fma)(x, b1, sum[i][1]);
            at += a_row;
        }
        a += a_column;
        b += 2 * LANES;
    }
    UNROLL_ROWS
    for (int i = 0; i < rows; i++) {
        V(store)(c + i * ldc, sum[i][0]);
        V(store)(c + i * ldc + LANES, sum[i][1]);
    }
}

#define BLOCK_OF(rows)                                                                                          \
    static void F(block_##rows)(int64_t k, const REAL *a, int64_t a_row, int64_t a_column, const REAL *b, REAL *c, \
                                int64_t ldc, bool add, const REAL *start)                                       \
    {                                                                                                           \
        F(block)(rows, k, a, a_row, a_column, b, c, ldc, add, start);                                           \
    }
BLOCKS(BLOCK_OF)
#undef BLOCK_OF

static void F(pack_b)(int64_t depth, const REAL *b, int64_t row, int64_t column, REAL *to)
{
    enum { WIDTH = 2 * LANES, SIDE = F(TURN) };
    int64_t p = 0;
    if (column == 1) {
        for (; p < depth; p++) {
            V(store)(to + p * WIDTH, V(load)(b + p * row));
            V(store)(to + p * WIDTH + LANES, V(load)(b + p * row + LANES));
        }
        return;
    }
    for (; row == 1 && p + SIDE <= depth; p += SIDE)
        for (int j = 0; j < WIDTH; j += SIDE) F(turn)(b + p + j * column, column, to + p * WIDTH + j, WIDTH);
    for (; p < depth; p++)
        for (int j = 0; j < WIDTH; j++) to[p * WIDTH + j] = b[p * row + j * column];
}

/* All panels take their part of some columns of a before the next ones, so that a cache line
 * of a is read once.  Where rows are neighbours, whole vectors are moved: what lies beyond a
 * panel's rows is overwritten by the next move, and the last is done one by one. */
static void F(pack_a)(int64_t depth, int64_t panels, const REAL *a, int64_t row, int64_t column, REAL *to)
{
    enum { STEP = 16 };
    const bool moves = row == 1 && column >= 2 * LANES;
    for (int64_t first = 0; first < depth; first += STEP) {
        const int64_t count = first + STEP < depth ? STEP : depth - first;
        for (int64_t q = 0; q < panels; q++) {
            const REAL *from = a + q * ROWS * row + first * column;
            REAL *part = to + (q * depth + first) * ROWS;
            int64_t p = 0;
            for (; moves && p < count - 1; p++)
                for (int i = 0; i < ROWS; i += LANES) V(store)(part + p * ROWS + i, V(load)(from + p * column + i));
            for (; p < count; p++)
                for (int i = 0; i < ROWS; i++) part[p * ROWS + i] = from[i * row + p * column];
        }
    }
}

#define BLOCK_ENTRY(rows) [rows] = F(block_##rows),
static const F(nrm_matmul_kernel) F(kernel) = {
    .rows = ROWS, .width = 2 * LANES, .block = {BLOCKS(BLOCK_ENTRY)}, .pack_b = F(pack_b), .pack_a = F(pack_a)};
#undef BLOCK_ENTRY
#undef UNROLL_ROWS
