/* live.c -- the line of progress on a terminal's standard error, and Ctrl-C.
 *
 * The first Ctrl-C asks the running call to stop, and the page is finished with what is
 * there; the second ends the program as usual. */
#define _POSIX_C_SOURCE 200809L
#include "report.h"
#include "terminal.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct nrm_live {
    nrm_ctx *ctx;
    bool shown;                 /* the line may be drawn */
    bool drawn;                 /* something is on it now */
    int width;
    char paper[160];            /* "[1/3] 11 Sparsity-Constrained ..." */
    double started, last;       /* of the paper; of the last drawing */
    struct sigaction before_int, before_term;
};

/* A signal handler can only see what is static. */
static nrm_ctx *volatile signalled_ctx;
static volatile sig_atomic_t signals;

static void on_signal(int number)
{
    (void)number;
    signals = signals + 1;
    if (signalled_ctx) nrm_cancel(signalled_ctx);
}

static nrm_live *line_owner; /* for clear_line, which takes no argument */

static void clear_progress(void)
{
    if (line_owner && line_owner->drawn) {
        fputs("\r\033[K", stderr);
        line_owner->drawn = false;
    }
}

/* Bytes of `words` that fit into `columns`, whole code points only. */
static int fitting(const char *words, int columns)
{
    int bytes = 0;
    while (words[bytes]) {
        int next = bytes + 1;
        while (((unsigned char)words[next] & 0xc0) == 0x80) next++;
        if (text_columns(words, (size_t)next) > columns) break;
        bytes = next;
    }
    return bytes;
}

static void draw(nrm_live *live, const char *task, double done, double total)
{
    const double now = nrm_seconds();
    if (!live->shown || now - live->last < 0.1) return;
    live->last = now;
    char tail[96];
    if (total > 0 && done >= 0)
        snprintf(tail, sizeof tail, "  %3.0f %%  %.0f s", 100 * (done < total ? done / total : 1), now - live->started);
    else
        snprintf(tail, sizeof tail, "  %.0f s", now - live->started);
    text line = {0};
    text_add(&line, "%s: %s", live->paper, task ? task : "");
    const int room = live->width - 1 - (int)strlen(tail);
    fprintf(stderr, "\r%.*s%s\033[K", fitting(text_string(&line), room), text_string(&line), tail);
    fflush(stderr);
    text_free(&line);
    live->drawn = true;
}

/* Progress of the library's calls. */
static int on_progress(void *user, const nrm_progress *progress)
{
    draw(user, progress->task, progress->done, progress->total);
    return signals > 0;
}

nrm_live *nrm_live_create(nrm_ctx *ctx, bool quiet)
{
    nrm_live *live = cli_grow(NULL, sizeof *live);
    *live = (nrm_live){.ctx = ctx, .shown = !quiet && terminal_is(STDERR_FILENO),
                       .width = terminal_width(STDERR_FILENO)};
    signals = 0;
    signalled_ctx = ctx;
    line_owner = live;
    clear_line = clear_progress;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, &live->before_int);
    sigaction(SIGTERM, &action, &live->before_term);
    if (live->shown && nrm_set_progress(ctx, on_progress, live) < 0) live->shown = false;
    return live;
}

void nrm_live_paper(nrm_live *live, int index, int count, int number, const char *title)
{
    live->started = nrm_seconds();
    live->last = 0;
    if (number > 0) snprintf(live->paper, sizeof live->paper, "[%d/%d] %d %.120s", index, count, number, title);
    else snprintf(live->paper, sizeof live->paper, "[%d/%d] %.120s", index, count, title);
    live->paper[fitting(live->paper, live->width * 2 / 3)] = '\0';
    draw(live, "starting", 0, 0);
}

nrm_status nrm_live_step(nrm_live *live, const char *task, double done, double total)
{
    draw(live, task, done, total);
    return nrm_live_stopped(live) ? NRM_E_CANCELLED : NRM_OK;
}

bool nrm_live_stopped(const nrm_live *live) { return signals > 0 || nrm_cancelled(live->ctx); }

void nrm_live_destroy(nrm_live *live)
{
    clear_progress();
    clear_line = NULL;
    line_owner = NULL;
    signalled_ctx = NULL;
    sigaction(SIGINT, &live->before_int, NULL);
    sigaction(SIGTERM, &live->before_term, NULL);
    nrm_status ignored = nrm_set_progress(live->ctx, NULL, NULL);
    (void)ignored;
    free(live);
}
