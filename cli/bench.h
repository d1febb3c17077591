/* bench.h -- norma bench: grids of times, and the one table of what is timed.
 *
 *   bench.c        the command: which benches, how long, table or JSON
 *   bench_grid.c   a grid is filled column by column, shown, turned into JSON
 *   bench_cases.c  the table; bench_softmax.c, bench_calls.c, bench_training.c: what its
 *                  lines run */
#ifndef NRM_CLI_BENCH_H
#define NRM_CLI_BENCH_H

#include "report.h"
#include "text.h"

enum { BENCH_ROWS = 24, BENCH_COLUMNS = 8, BENCH_NAME = 48, BENCH_ROUNDS = 99 };

/* Rows are variants, columns are sizes; NaN where nothing was measured. */
typedef struct bench_grid {
    char title[160], unit[32], column_name[48];
    char rows[BENCH_ROWS][BENCH_NAME], columns[BENCH_COLUMNS][BENCH_NAME];
    int row_count, column_count;
    double median[BENCH_ROWS][BENCH_COLUMNS], spread[BENCH_ROWS][BENCH_COLUMNS];
} bench_grid;

typedef struct bench {
    nrm_ctx *ctx;
    nrm_reproduction *kit; /* scratch memory, progress, timing in turn */
    bool quick;
    const char *only;      /* the one row that is wanted; NULL: all */
    int rounds;            /* 0: 9, or 5 where quick */
    bench_grid *grids;     /* results, in order */
    int grid_count;
} bench;

typedef struct bench_case {
    const char *method;
    nrm_status (*run)(bench *b);
} bench_case;
extern const bench_case bench_cases[];
extern const int bench_case_count;

nrm_status bench_softmax(bench *b);
nrm_status bench_top_eigenvector(bench *b);
nrm_status bench_sparse_ot(bench *b);
nrm_status bench_training(bench *b);

/* A new empty grid of the bench; valid until the next is made. */
bench_grid *bench_add_grid(bench *b, const char *unit, const char *column_name, const char *format, ...) NRM_PRINTF(4, 5);
/* Name the next column; its index. */
int bench_add_column(bench_grid *g, const char *format, ...) NRM_PRINTF(2, 3);

/* What a time in seconds becomes in the grid: scale * seconds, or scale / seconds. */
typedef enum bench_measure { BENCH_TIME, BENCH_RATE } bench_measure;
/* Is this row among those to be timed?  For those who have work to do before bench_column. */
bool bench_wants(const bench *b, const char *row);
/* Time all contenders that are wanted in turn and enter them as rows (by name) of a column;
 * the others are rows without a value. */
nrm_status bench_column(bench *b, bench_grid *g, int column, const nrm_contender *contenders, int count,
                        double least_seconds, bench_measure measure, double scale);

void bench_show(text *t, const bench_grid *g, int width);
json_t *bench_json(const bench_grid *g);

#endif
