/* bench.c -- norma bench [NAME] [--case NAME] [--rounds N] [--quick] [--threads T] [--json]. */
#include "bench.h"
#include "commands.h"
#include "terminal.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct bench_arguments {
    const char *name; /* NULL: all */
    const char *only; /* --case; NULL: all */
    bool quick, json;
    int threads, rounds; /* rounds 0: as many as is usual */
} bench_arguments;

static int take_number(int *number, const char *name, const char *value, int least, int most, const char *remark)
{
    char *end = NULL;
    const long given = value ? strtol(value, &end, 10) : -1;
    if (!value || value[0] < '0' || value[0] > '9' || *end || given < least || given > most)
        return say_usage("%s is '%s'; it must be a whole number from %d%s to %d", name, value ? value : "", least, remark, most);
    *number = (int)given;
    return CLI_DONE;
}

static int take_value(bench_arguments *a, int which, const char *value)
{
    if (which == 0) return take_number(&a->threads, "threads", value, 0, 1024, " (all)");
    if (which == 1) return take_number(&a->rounds, "rounds", value, 1, BENCH_ROUNDS, "");
    if (!value) return say_usage("--case needs the name of a row of the table");
    a->only = value;
    return CLI_DONE;
}

static int parse(bench_arguments *a, int argc, char **argv)
{
    static const char *const names[] = {"--quick", "--json", NULL}, *const valued[] = {"--threads", "--rounds", "--case"};
    enum { VALUED = sizeof valued / sizeof *valued };
    char **rest = cli_grow(NULL, (size_t)argc * sizeof *rest);
    bool flags[2] = {false, false}, given[VALUED] = {false};
    int rest_count = 0, words = 0, code = CLI_DONE;

    for (int i = 0; code == CLI_DONE && i < argc; i++) {
        int k = 0;
        for (; k < VALUED; k++) {
            const size_t length = strlen(valued[k]);
            if (strncmp(argv[i], valued[k], length) == 0 && (argv[i][length] == '\0' || argv[i][length] == '=')) break;
        }
        if (k == VALUED) {
            rest[rest_count++] = argv[i];
            continue;
        }
        const char *joined = strchr(argv[i], '=');
        if (given[k]) code = say_usage("%s is given twice; give it once", valued[k]);
        else code = take_value(a, k, joined ? joined + 1 : i + 1 < argc ? argv[i + 1] : NULL);
        given[k] = true;
        if (!joined) i++;
    }
    if (code == CLI_DONE) code = take_arguments(rest_count, rest, 1, &a->name, &words, names, flags);
    a->quick = flags[0];
    a->json = flags[1];
    free(rest);
    if (code == CLI_DONE && words == 0) a->name = NULL;
    return code;
}

/* How many of the table are asked for; 0, said, for a name that is not in it. */
static int count_chosen(const bench_arguments *a)
{
    text known = {0};
    if (!a->name) return bench_case_count;
    for (int i = 0; i < bench_case_count; i++)
        if (nrm_same_name(bench_cases[i].method, a->name)) return 1;
    for (int i = 0; i < bench_case_count; i++) text_add(&known, "%s%s", i > 0 ? ", " : "", bench_cases[i].method);
    say("there is no bench of '%s'; there are %s", a->name, text_string(&known));
    text_free(&known);
    return 0;
}

static nrm_status run_chosen(bench *b, const bench_arguments *a, nrm_live *live, int chosen)
{
    nrm_status st = NRM_OK;
    for (int i = 0, index = 1; st >= 0 && i < bench_case_count; i++) {
        const nrm_method *m = nrm_method_find(bench_cases[i].method);
        if (a->name && !nrm_same_name(bench_cases[i].method, a->name)) continue;
        nrm_live_paper(live, index++, chosen, m ? m->paper_number : 0, bench_cases[i].method);
        st = bench_cases[i].run(b);
    }
    return st;
}

/* True where something was measured, or all was asked for; says what there is otherwise. */
static bool found_case(const bench *b)
{
    text known = {0};
    int rows = 0;
    for (int g = 0; b->only && g < b->grid_count; g++)
        for (int i = 0; i < b->grids[g].row_count; i++) {
            if (strcmp(b->grids[g].rows[i], b->only) == 0) rows = -1;
            else if (rows >= 0) text_add(&known, "%s'%s'", rows++ > 0 ? ", " : "", b->grids[g].rows[i]);
        }
    const bool found = !b->only || rows < 0 || b->grid_count == 0;
    if (!found) say("there is no case '%s'; there are %s", b->only, text_string(&known));
    text_free(&known);
    return found;
}

static int show(const bench *b, const bench_arguments *a, const nrm_machine *machine)
{
    const int threads = nrm_threads(b->ctx);
    text t = {0};
    if (a->json) {
        json_t *grids = json_array();
        for (int i = 0; i < b->grid_count; i++) json_array_append_new(grids, bench_json(&b->grids[i]));
        json_t *root = json_pack("{s:s, s:b, s:i, s:o, s:o}", "version", nrm_version(), "quick", a->quick, "threads",
                                 threads, "machine", nrm_machine_json(machine, threads), "benches", grids);
        char *dump = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
        text_add(&t, "%s\n", dump ? dump : "{}");
        free(dump);
        json_decref(root);
    } else {
        text_add(&t, "%s, %s, %d thread%s, norma %s\n\n", machine->cpu,
                 machine->avx512 ? "AVX-512" : machine->avx2 ? "AVX2" : "scalar", threads, threads == 1 ? "" : "s",
                 nrm_version());
        for (int i = 0; i < b->grid_count; i++) bench_show(&t, &b->grids[i], terminal_width(STDOUT_FILENO));
    }
    const int code = print_text(&t);
    text_free(&t);
    return code;
}

int run_bench(int argc, char **argv)
{
    bench_arguments a = {.threads = 1}; /* what is compared is the algorithms */
    nrm_ctx_options options = nrm_ctx_options_default();
    nrm_machine machine;
    int code = parse(&a, argc, argv);
    if (code != CLI_DONE) return code;
    const int chosen = count_chosen(&a);
    if (chosen == 0) return CLI_USAGE;

    bench b = {.quick = a.quick, .only = a.only, .rounds = a.rounds};
    options.threads = a.threads;
    if (nrm_ctx_create(&b.ctx, &options) < 0) {
        say("there is no memory left");
        return CLI_FAILED;
    }
    nrm_machine_find(&machine);
    static const nrm_paper none;
    nrm_live *live = nrm_live_create(b.ctx, false);
    nrm_record *record = nrm_record_create(&none, live);
    nrm_reproduction kit = {.quick = a.quick, .threads = nrm_threads(b.ctx), .machine = &machine, .record = record};
    b.kit = &kit;
    const nrm_status st = run_chosen(&b, &a, live, chosen);
    const bool stopped = nrm_live_stopped(live);
    nrm_record_destroy(record);
    nrm_live_destroy(live);

    if (stopped) say("bench: stopped; what was measured until then follows");
    else if (st < 0) say("bench: %s", *nrm_message(b.ctx) ? nrm_message(b.ctx) : nrm_status_text(st));
    const bool found = stopped || st < 0 || found_case(&b);
    code = !found ? CLI_USAGE : b.grid_count > 0 ? show(&b, &a, &machine) : CLI_DONE;
    free(b.grids);
    nrm_ctx_destroy(b.ctx);
    return stopped ? CLI_INTERRUPTED : st < 0 ? CLI_FAILED : code;
}
