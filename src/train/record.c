/* record.c -- what a run leaves beside its checkpoint: the log, a line a step and a line a
 * validation, and the curve. */
#define _POSIX_C_SOURCE 200809L
#include "curve.h"
#include "trainer.h"
#include <errno.h>
#include <sys/stat.h>

static nrm_status make_folder(nrm_ctx *ctx, const nrm_trainer *t)
{
    if (mkdir(t->o.folder, 0777) == 0 || errno == EEXIST) return NRM_OK;
    return nrm_fail_errno(ctx, errno, "%s: the folder %s cannot be made", t->who, t->o.folder);
}

nrm_status nrm_record_begin(nrm_ctx *ctx, nrm_trainer *t, bool resumed)
{
    char *path = NULL;
    NRM_TRY(nrm_grow(ctx, &t->losses, &t->loss_capacity, t->o.steps, sizeof *t->losses, "the losses of a run"));
    if (!t->o.folder || !nrm_ranks_writes(&t->ranks)) return NRM_OK;
    NRM_TRY(make_folder(ctx, t));
    NRM_TRY(nrm_path_in(ctx, t->o.folder, "log.jsonl", &path));
    nrm_status st = nrm_run_log_open(ctx, &t->log, path, resumed ? t->state.step : -1);
    nrm_free(ctx, path);
    if (st < 0 || resumed) return st;
    nrm_run_log_begin(t->log, -1);
    nrm_run_log_text(t->log, "norma", nrm_version());
    nrm_run_log_text(t->log, "data", t->about.name);
    nrm_run_log_json(t->log, "network", nrm_network_config(t->network));
    nrm_run_log_integer(t->log, "parameters", nrm_parameters_elements(t->parameters));
    nrm_run_log_integer(t->log, "seed", (int64_t)t->state.seed);
    nrm_run_log_integer(t->log, "steps", t->o.steps);
    if (t->ranks.comm) nrm_run_log_integer(t->log, "ranks", t->ranks.comm->size);
    if (t->ranks.comm) nrm_run_log_integer(t->log, "state_bytes", nrm_optimizer_state_bytes(t->optimizer));
    return nrm_run_log_end(ctx, t->log);
}

nrm_status nrm_record_step(nrm_ctx *ctx, nrm_trainer *t, double loss, double factor, double norm)
{
    t->losses[t->state.step - 1] = loss;
    if (!t->log) return NRM_OK;
    nrm_run_log_begin(t->log, t->state.step);
    nrm_run_log_number(t->log, "loss", loss);
    nrm_run_log_number(t->log, "lr_factor", factor);
    nrm_run_log_number(t->log, "gradient_norm", norm);
    nrm_run_log_number(t->log, "seconds", nrm_now() - t->began);
    return nrm_run_log_end(ctx, t->log);
}

nrm_status nrm_record_validation(nrm_ctx *ctx, nrm_trainer *t, const nrm_measure *m)
{
    NRM_TRY(nrm_grow(ctx, &t->validations, &t->validation_capacity, 3 * (t->validation_count + 1), sizeof *t->validations, "the validations of a run"));
    double *v = t->validations + 3 * t->validation_count++;
    v[0] = (double)t->state.step;
    v[1] = m->loss;
    v[2] = m->accuracy;
    if (!t->log) return NRM_OK;
    nrm_run_log_begin(t->log, t->state.step);
    nrm_run_log_number(t->log, "validation_loss", m->loss);
    if (m->accuracy >= 0) nrm_run_log_number(t->log, "accuracy", m->accuracy);
    nrm_run_log_integer(t->log, "count", m->count);
    if (t->ranks.comm) nrm_run_log_integer(t->log, "bytes_sent", nrm_comm_bytes_sent(t->ranks.comm) - t->ranks.sent);
    return nrm_run_log_end(ctx, t->log);
}

nrm_status nrm_record_end(nrm_ctx *ctx, nrm_trainer *t)
{
    const int64_t n = t->state.step, v = t->validation_count;
    double *memory = NULL;
    char *path = NULL;
    nrm_status st;

    if (!t->o.folder || n == 0 || !nrm_ranks_writes(&t->ranks)) return NRM_OK;
    NRM_TRY_DONE(NRM_ALLOC(ctx, memory, 2 * n + 2 * v, "a curve"));
    double *x = memory, *smooth = x + n, *at = smooth + n, *loss = at + v;
    for (int64_t i = 0; i < n; i++) x[i] = (double)(i + 1);
    for (int64_t i = 0; i < v; i++) {
        at[i] = t->validations[3 * i];
        loss[i] = t->validations[3 * i + 1];
    }
    nrm_curve_smooth(n, t->losses, fmax((double)n / 50, 1), smooth);
    const nrm_curve_series series[] = {{NULL, NRM_CURVE_FAINT, n, x, t->losses},
                                       {"training", NRM_CURVE_LINE, n, x, smooth},
                                       {"validation", NRM_CURVE_MARKED, v, at, loss}};
    const nrm_curve curve = {.title = t->about.name, .x_name = "step", .y_name = "loss", .series_count = v > 0 ? 3 : 2, .series = series};
    NRM_TRY_DONE(nrm_path_in(ctx, t->o.folder, "loss.svg", &path));
    st = nrm_curve_save(ctx, &curve, path);
done:
    nrm_free(ctx, memory);
    nrm_free(ctx, path);
    return st;
}
