/* matmul_micro.h -- the register block of matmul.h: ROWS x 2 vectors, for REAL, V(name) the
 * vector operations of vector_math_*.h, LANES.  Included for f32 and f64.
 *
 * The loops over rows must be unrolled, or the sums would live in memory. */
#ifdef __clang__
#define UNROLL_ROWS _Pragma("unroll")
#else
#define UNROLL_ROWS _Pragma("GCC unroll 16")
#endif

static void F(block)(int64_t k, const REAL *a, int64_t a_row, int64_t a_column, const REAL *b, REAL *c, int64_t ldc,
                     bool add, const REAL *start)
{
    VECTOR sum[ROWS][2];
    const VECTOR s0 = start ? V(load)(start) : V(set1)(0), s1 = start ? V(load)(start + LANES) : V(set1)(0);
    UNROLL_ROWS
    for (int i = 0; i < ROWS; i++) {
        sum[i][0] = add ? V(load)(c + i * ldc) : s0;
        sum[i][1] = add ? V(load)(c + i * ldc + LANES) : s1;
    }
    for (int64_t p = 0; p < k; p++) {
        const VECTOR b0 = V(load)(b), b1 = V(load)(b + LANES);
        const REAL *at = a;
        UNROLL_ROWS
        for (int i = 0; i < ROWS; i++) {
            const VECTOR x = V(set1)(*at);
            sum[i][0] = V(fma)(x, b0, sum[i][0]);
            sum[i][1] = V(fma)(x, b1, sum[i][1]);
            at += a_row;
        }
        a += a_column;
        b += 2 * LANES;
    }
    UNROLL_ROWS
    for (int i = 0; i < ROWS; i++) {
        V(store)(c + i * ldc, sum[i][0]);
        V(store)(c + i * ldc + LANES, sum[i][1]);
    }
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

static void F(pack_a)(int64_t depth, const REAL *a, int64_t row, int64_t column, REAL *to)
{
    if (row == 1) { /* a fixed count of neighbours: a few moves */
        for (int64_t p = 0; p < depth; p++) memcpy(to + p * ROWS, a + p * column, ROWS * sizeof *to);
        return;
    }
    for (int64_t p = 0; p < depth; p++)
        for (int i = 0; i < ROWS; i++) to[p * ROWS + i] = a[i * row + p * column];
}

static const F(nrm_matmul_kernel) F(kernel) = {.rows = ROWS, .width = 2 * LANES, .block = F(block), .pack_b = F(pack_b), .pack_a = F(pack_a)};
#undef UNROLL_ROWS
