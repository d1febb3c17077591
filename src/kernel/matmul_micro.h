/* matmul_micro.h -- the register blocks of matmul.h: 1 to ROWS rows x 2 vectors, at the last
 * columns also 2 ROWS rows x 1 vector, for REAL, V(name) the vector operations of extexp_*.h, LANES; BLOCKS(X) is X(1) .. X(ROWS).
 * Included for f32 and f64.
 *
 * The loops over rows must be unrolled, or the sums would live in memory. */
#ifdef __clang__
#define UNROLL_ROWS _Pragma("unroll")
#else
#define UNROLL_ROWS _Pragma("GCC unroll 32")
#endif

/* The first `count` lanes: all of them where that is known to be LANES. */
static inline __attribute__((always_inline)) VECTOR F(load_first)(const REAL *p, int count)
{
    return count == LANES ? V(load)(p) : V(load_part)(p, count, 0);
}

/* `rows` rows, those from ROWS on of the panel of a that lies `next` further; `wide`: two
 * vectors, else one; `count` lanes of the last one. */
static inline __attribute__((always_inline)) void F(sums)(const int rows, const bool wide, const int count, int64_t k, const REAL *a,
                                                          int64_t a_row, int64_t a_column, int64_t next, const REAL *b, int64_t b_row,
                                                          REAL *c, int64_t ldc, bool add, const REAL *start)
{
    VECTOR sum[2 * ROWS][2];
    const int last = wide ? LANES : 0, of_first = wide ? LANES : count;
    const VECTOR s0 = start ? F(load_first)(start, of_first) : V(set1)(0);
    const VECTOR s1 = wide && start ? F(load_first)(start + last, count) : V(set1)(0);
    UNROLL_ROWS
    for (int i = 0; i < rows; i++) {
        sum[i][0] = add ? F(load_first)(c + i * ldc, of_first) : s0;
        if (wide) sum[i][1] = add ? F(load_first)(c + i * ldc + last, count) : s1;
    }
    for (int64_t p = 0; p < k; p++) {
        const VECTOR b0 = V(load)(b), b1 = V(load)(b + last);
        const REAL *at = a;
        UNROLL_ROWS
        for (int i = 0; i < rows; i++) {
            const VECTOR x = V(set1)(*at);
            sum[i][0] = V(fma)(x, b0, sum[i][0]);
            if (wide) sum[i][1] = V(fma)(x, b1, sum[i][1]);
            at = i == ROWS - 1 ? a + next : at + a_row;
        }
        a += a_column;
        b += b_row;
    }
    UNROLL_ROWS
    for (int i = 0; i < rows; i++) {
        if (wide) V(store)(c + i * ldc, sum[i][0]);
        if (count == LANES) V(store)(c + i * ldc + last, sum[i][wide]);
        else V(store_part)(c + i * ldc + last, count, sum[i][wide]);
    }
}

#define BLOCK_OF(rows)                                                                                          \
    static void F(block_##rows)(int64_t k, const REAL *a, int64_t a_row, int64_t a_column, const REAL *b, int64_t b_row, \
                                REAL *c, int64_t ldc, bool add, const REAL *start)                                       \
    {                                                                                                           \
        F(sums)(rows, true, LANES, k, a, a_row, a_column, 0, b, b_row, c, ldc, add, start);                            \
    }                                                                                                           \
    static void F(edge_##rows)(int columns, int64_t k, const REAL *a, int64_t a_row, int64_t a_column, const REAL *b, \
                               int64_t b_row, REAL *c, int64_t ldc, bool add, const REAL *start)                \
    {                                                                                                           \
        if (columns > LANES) F(sums)(rows, true, columns - LANES, k, a, a_row, a_column, 0, b, b_row, c, ldc, add, start); \
        else F(sums)(rows, false, columns, k, a, a_row, a_column, 0, b, b_row, c, ldc, add, start);                    \
    }
BLOCKS(BLOCK_OF)
#undef BLOCK_OF

static void F(tall)(int columns, int64_t k, const REAL *a, int64_t a_row, int64_t a_column, int64_t next, const REAL *b,
                    int64_t b_row, REAL *c, int64_t ldc, bool add, const REAL *start)
{
    F(sums)(2 * ROWS, false, columns, k, a, a_row, a_column, next, b, b_row, c, ldc, add, start);
}

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

static void F(squares)(int64_t m, int64_t n, const REAL *a, int64_t a_row, REAL *to)
{
    for (int64_t i = 0; i < m; i++, a += a_row) {
        VECTOR sum0 = V(set1)(0), sum1 = sum0;
        for (int64_t j = 0; j < n; j += 2 * LANES) {
            const VECTOR x0 = V(load)(a + j), x1 = V(load)(a + j + LANES);
            sum0 = V(fma)(x0, x0, sum0);
            sum1 = V(fma)(x1, x1, sum1);
        }
        to[i] = V(lane0)(V(reduce_add)(V(add)(sum0, sum1)));
    }
}

enum { F(PANEL) = 2 * LANES < 16 ? 16 : 2 * LANES };

static void F(turn_panel)(const REAL *from, REAL *to)
{
    enum { SIDE = F(TURN), PANEL = F(PANEL) };
    for (int i = 0; i < PANEL; i += SIDE)
        for (int j = 0; j < PANEL; j += SIDE) F(turn)(from + i * PANEL + j, PANEL, to + j * PANEL + i, PANEL);
}

#define BLOCK_ENTRY(rows) [rows] = F(block_##rows),
#define EDGE_ENTRY(rows) [rows] = F(edge_##rows),
static const F(nrm_matmul_kernel) F(kernel) = {
    .rows = ROWS, .width = 2 * LANES, .block = {BLOCKS(BLOCK_ENTRY)}, .edge = {BLOCKS(EDGE_ENTRY)}, .tall = F(tall),
    .pack_b = F(pack_b), .pack_a = F(pack_a), .squares = F(squares), .panel = F(PANEL), .turn = F(turn_panel)};
#undef BLOCK_ENTRY
#undef EDGE_ENTRY
#undef UNROLL_ROWS
