/* tile_typed.h -- the tile machine for one type: REAL, T(name), KERNELS.  Part of tile.c. */

typedef struct T(machine) {
    const nrm_sweep *s;
    const T(nrm_elementwise) *k;
    REAL *slots;                          /* the thread's registers */
    REAL *base[NRM_SWEEP_OPERANDS];       /* of arrays */
    REAL *at[NRM_SWEEP_OPERANDS];         /* where an operand's values of this tile are */
    unsigned char *work;
} T(machine);

static void T(prepare)(T(machine) *m, const nrm_instance *i, const nrm_sweep *s, REAL *slots, unsigned char *work)
{
    m->s = s;
    m->k = KERNELS(nrm_cpu_isa());
    m->slots = slots;
    m->work = work;
    for (int o = 0; o < s->operand_count; o++) {
        const nrm_operand *x = &s->operands[o];
        m->base[o] = NULL;
        if (x->kind == NRM_OPERAND_MEMORY) m->base[o] = (REAL *)nrm_memory(i, x->access.base) + x->access.offset;
        if (x->kind == NRM_OPERAND_LOAD) m->base[o] = nrm_memory(i, x->access.base);
        m->at[o] = x->slot >= 0 ? slots + x->slot * (s->slot_bytes / (int64_t)sizeof(REAL)) : NULL;
        if (x->kind == NRM_OPERAND_FILLED) m->k->fill(s->tile, (REAL)x->value, m->at[o]);
        if (x->repeats) nrm_gather_elements(&x->access, sizeof(REAL), m->base[o], 0, s->tile, m->at[o]);
    }
}

static void T(reduce_rows)(const T(machine) *m, const nrm_instruction *d, int64_t rows)
{
    const REAL *x = m->at[d->a];
    REAL *y = m->at[d->to];
    REAL (*reduce)(int64_t, const REAL *) = d->operation == 0 ? m->k->sum : d->operation == 1 ? m->k->greatest : m->k->least;
    for (int64_t r = 0; r < rows; r++) y[r] = reduce(m->s->row, x + r * m->s->row);
}

static void T(spread)(const T(machine) *m, const nrm_instruction *d, int64_t rows)
{
    const int64_t n = m->s->row;
    const REAL *x = m->at[d->a];
    REAL *y = m->at[d->to];
    for (int64_t r = 0; r < rows; r++) {
        const REAL value = x[r];
        for (int64_t i = 0; i < n; i++) y[r * n + i] = value;
    }
}

/* Elements first .. first + n of the range, added to their columns. */
static void T(add_columns)(const T(machine) *m, const nrm_instruction *d, int64_t block, int64_t first, int64_t n)
{
    REAL *sums = (REAL *)(void *)(m->work + d->partial) + block * d->columns;
    const REAL *x = m->at[d->a];
    int64_t column = first % d->columns;
    while (n > 0) {
        const int64_t count = nrm_min_i64(d->columns - column, n);
        m->k->accumulate(count, x, sums + column);
        x += count;
        n -= count;
        column = 0;
    }
}

static void T(load)(T(machine) *m, const nrm_instruction *d, int64_t first, int64_t n)
{
    const nrm_operand *x = &m->s->operands[d->to];
    int64_t offset;
    if (x->repeats) return;
    REAL *slot = m->slots + x->slot * (m->s->slot_bytes / (int64_t)sizeof(REAL));
    if (nrm_access_run(&x->access, first, n, &offset)) {
        m->at[d->to] = m->base[d->to] + offset; /* read where it lies */
    } else {
        nrm_gather_elements(&x->access, sizeof(REAL), m->base[d->to], first, n, slot);
        m->at[d->to] = slot;
    }
}

static void T(binary)(const T(machine) *m, const nrm_instruction *d, int64_t n)
{
    const nrm_operand *a = &m->s->operands[d->a], *b = &m->s->operands[d->b];
    if (b->kind == NRM_OPERAND_VALUE) m->k->binary_vs[d->operation](n, m->at[d->a], (REAL)b->value, m->at[d->to]);
    else if (a->kind == NRM_OPERAND_VALUE) m->k->binary_sv[d->operation](n, (REAL)a->value, m->at[d->b], m->at[d->to]);
    else m->k->binary[d->operation](n, m->at[d->a], m->at[d->b], m->at[d->to]);
}

static void T(tile)(T(machine) *m, int64_t block, int64_t first, int64_t count)
{
    const nrm_sweep *s = m->s;
    const int64_t row = s->row > 0 ? first / s->row : 0, rows = s->row > 0 ? count / s->row : 0;
    for (int o = 0; o < s->operand_count; o++)
        if (s->operands[o].kind == NRM_OPERAND_MEMORY) m->at[o] = m->base[o] + (s->operands[o].small ? row : first);
    for (int k = 0; k < s->instruction_count; k++) {
        const nrm_instruction *d = &s->instructions[k];
        const int64_t n = d->small ? rows : count;
        switch (d->kind) {
        case NRM_DO_LOAD: T(load)(m, d, d->small ? row : first, n); break;
        case NRM_DO_UNARY: m->k->unary[d->operation](n, m->at[d->a], m->at[d->to]); break;
        case NRM_DO_BINARY: T(binary)(m, d, n); break;
        case NRM_DO_WHERE: m->k->where(n, m->at[d->a], m->at[d->b], m->at[d->c], m->at[d->to]); break;
        case NRM_DO_ROW_REDUCE: T(reduce_rows)(m, d, rows); break;
        case NRM_DO_SPREAD: T(spread)(m, d, rows); break;
        case NRM_DO_COLUMN_SUM: T(add_columns)(m, d, block, first, count); break;
        case NRM_DO_TOTAL: ((double *)(void *)(m->work + d->partial))[block] += (double)m->k->sum(count, m->at[d->a]); break;
        }
    }
}

/* The blocks' sums in order of the blocks. */
static void T(merge)(const nrm_instance *i, const nrm_sweep *s, unsigned char *work)
{
    const T(nrm_elementwise) *k = KERNELS(nrm_cpu_isa());
    for (int j = 0; j < s->instruction_count; j++) {
        const nrm_instruction *d = &s->instructions[j];
        if (d->kind != NRM_DO_COLUMN_SUM && d->kind != NRM_DO_TOTAL) continue;
        REAL *to = nrm_memory(i, d->node);
        if (d->kind == NRM_DO_TOTAL) {
            double sum = 0;
            for (int64_t b = 0; b < s->blocks; b++) sum += ((const double *)(const void *)(work + d->partial))[b];
            *to = (REAL)sum;
            continue;
        }
        const REAL *sums = (const REAL *)(const void *)(work + d->partial);
        memcpy(to, sums, (size_t)d->columns * sizeof *to);
        for (int64_t b = 1; b < s->blocks; b++) k->accumulate(d->columns, sums + b * d->columns, to);
    }
}

static void T(sweep)(const nrm_instance *i, const nrm_step *step, int threads)
{
    const nrm_sweep *s = step->sweep;
    unsigned char *work = i->arena + step->work_offset;
    if (step->work > 0) memset(work, 0, (size_t)step->work);
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        T(machine) m;
        T(prepare)(&m, i, s, (REAL *)(void *)(i->scratch + omp_get_thread_num() * i->program->scratch_bytes), work);
#pragma omp for schedule(static)
        for (int64_t b = 0; b < s->blocks; b++) {
            const int64_t end = s->tiles * (b + 1) / s->blocks;
            for (int64_t t = s->tiles * b / s->blocks; t < end; t++)
                T(tile)(&m, b, t * s->tile, nrm_min_i64(s->tile, s->elements - t * s->tile));
        }
    }
    if (step->work > 0) T(merge)(i, s, work);
}
