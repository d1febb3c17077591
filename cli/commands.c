/* commands.c -- the table of commands, and finding what argv asks for. */
#include "commands.h"
#include "terminal.h"
#include <errno.h>
#include <norma/method.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

const option method_options[METHOD_OPTION_COUNT] = {
    [OPTION_SEED] = {"--seed", "INTEGER", VALUE_NUMBER, "seed of every random number; default 0"},
    [OPTION_THREADS] = {"--threads", "INTEGER", VALUE_NUMBER, "threads to use; default 0: all"},
    [OPTION_JSON] = {"--json", "", VALUE_NONE, "print the report as one JSON object"},
    [OPTION_QUIET] = {"--quiet", "", VALUE_NONE, "no summary and no progress bar"},
    [OPTION_SAVE_PROBLEM] = {"--save-problem", "FILE", VALUE_FILE,
                             "first save all inputs and parameters to one npz, for 'norma replay'"},
    [OPTION_HELP] = {"--help", "", VALUE_NONE, "show this page"},
};

const exit_code exit_codes[EXIT_CODE_COUNT] = {
    {CLI_DONE, "done"},
    {CLI_FAILED, "the method could not do it"},
    {CLI_USAGE, "a name, value, shape or range is wrong"},
    {CLI_FILES, "a file cannot be read or written, or its content is malformed"},
    {CLI_REMARK, "done, but not converged or with a constraint relaxed; results are written"},
    {CLI_INTERRUPTED, "stopped by Ctrl-C; a partial result is written where there is one"},
};

static const option json_option[] = {{"--json", "", VALUE_NONE, "print one JSON array, for programs"}};
static const option replay_options[] = {
    {"--seed", "INTEGER", VALUE_NUMBER, "use this seed in place of the saved one"},
    {"--threads", "INTEGER", VALUE_NUMBER, "threads to use; default 0: all"},
    {"--json", "", VALUE_NONE, "print the report as one JSON object"},
    {"--quiet", "", VALUE_NONE, "no summary and no progress bar"},
};
static const option reproduce_options[] = {
    {"--quick", "", VALUE_NONE, "smaller experiments, seconds instead of minutes"},
    {"--data", "DIR", VALUE_FOLDER, "where real data sets are kept"},
    {"--out", "DIR", VALUE_FOLDER, "where the page goes; default norma-report"},
    {"--seed", "INTEGER", VALUE_NUMBER, "seed of every random number; default 0"},
    {"--threads", "INTEGER", VALUE_NUMBER, "threads to use; default 0: all"},
    {"--json", "", VALUE_NONE, "print the claims, measurements and verdicts as JSON"},
    {"--quiet", "", VALUE_NONE, "no summary and no progress line"},
};
static const option bench_options[] = {
    {"--case", "ROW", VALUE_WORD, "time this row of the table alone"},
    {"--rounds", "INTEGER", VALUE_NUMBER, "repetitions; default 9, with --quick 5"},
    {"--quick", "", VALUE_NONE, "smaller sizes and fewer repetitions"},
    {"--threads", "INTEGER", VALUE_NUMBER, "threads to use; default 1, 0: all"},
    {"--json", "", VALUE_NONE, "print one JSON object with machine, versions and every time"},
};

static const command commands[] = {
    {.name = "list", .usage = {"list [--json]"}, .summary = "name every method, a line each",
     .details = "With --json, everything that is known of every method: inputs, outputs, parameters, examples.",
     .options = json_option, .option_count = COUNT(json_option), .run = run_list},
    {.name = "help", .usage = {"help NAME"}, .summary = "explain a method or a command",
     .details = "The same page as 'norma NAME --help'.", .argument = ARGUMENT_TOPIC,
     .examples = {{"", "norma help softmax"}}, .run = run_help},
    {.name = "replay", .usage = {"replay FILE [--OUTPUT FILE]... [options]"},
     .summary = "run a saved problem again",
     .details = "FILE comes from --save-problem and holds the method's name, all inputs, all parameters and "
                "the seed. The outputs are asked for as in the first call.",
     .argument = ARGUMENT_FILE, .options = replay_options, .option_count = COUNT(replay_options),
     .examples = {{"", "norma softmax --x x.npy --save-problem slow.npz"}, {"", "norma replay slow.npz --json"}},
     .run = run_replay},
    {.name = "reproduce", .usage = {"reproduce NAME|NUMBER|all [options]"},
     .summary = "measure the claims of a paper here and judge them",
     .details = "Runs the experiment of one paper, by method or by number, or of all papers, and writes one page "
                "with a card for each: claim, plot, measurement, verdict. optimizers compares all optimizers.",
     .argument = ARGUMENT_METHOD, .options = reproduce_options, .option_count = COUNT(reproduce_options),
     .examples = {{"", "norma reproduce all --quick"}, {"", "norma reproduce softmax --json"}},
     .run = run_reproduce},
    {.name = "bench", .usage = {"bench [NAME] [options]"}, .summary = "time the methods, and training, on this machine",
     .details = "Repetitions of the variants are interleaved, so that a busy moment touches all alike. Shown are "
                "the median and the spread: half the distance between the quartiles, as a share of the median.",
     .argument = ARGUMENT_METHOD, .options = bench_options, .option_count = COUNT(bench_options),
     .examples = {{"", "norma bench softmax --quick"}, {"", "norma bench training --case gpt-small"}}, .run = run_bench},
    {.name = "completion", .usage = {"completion bash|zsh|fish"}, .summary = "print the completions of a shell",
     .details = "To try it in this shell:\n  source <(norma completion bash)", .argument = ARGUMENT_SHELL,
     .run = run_completion},
    {.name = "man", .usage = {"man [NAME]"}, .summary = "print a manual page as roff",
     .details = "Without a name, the page of norma itself.", .argument = ARGUMENT_TOPIC,
     .examples = {{"", "norma man softmax | man -l -"}}, .run = run_man},
    {.name = "reference", .usage = {"reference DIR"}, .summary = "write the reference pages as Markdown",
     .details = "One page for each method and an index, into DIR, which is made where it does not exist.",
     .argument = ARGUMENT_FOLDER, .run = run_reference},
    {.name = "install-docs", .usage = {"install-docs DATADIR"}, .summary = "install manual pages and completions",
     .details = "Writes man/man1, bash-completion/completions, zsh/site-functions and fish/vendor_completions.d "
                "under DATADIR (such as /usr/local/share) and prints the name of every file.",
     .argument = ARGUMENT_FOLDER, .run = run_install_docs},
};

int command_count(void) { return COUNT(commands); }
const command *command_at(int i) { return i >= 0 && i < COUNT(commands) ? &commands[i] : NULL; }

const command *command_find(const char *name)
{
    for (int i = 0; i < COUNT(commands); i++)
        if (nrm_same_name(commands[i].name, name)) return &commands[i];
    return NULL;
}

const char *nearest_topic(const char *word)
{
    enum { MOST = 256 };
    const char *words[MOST + 1] = {NULL};
    int count = 0;
    for (int i = 0; i < nrm_method_count() && count < MOST; i++) words[count++] = nrm_method_at(i)->name;
    for (int i = 0; i < COUNT(commands) && count < MOST; i++) words[count++] = commands[i].name;
    return nrm_nearest(word, words);
}

int take_arguments(int argc, char **argv, int most, const char **words, int *word_count,
                   const char *const *names, bool *flags)
{
    *word_count = 0;
    for (int i = 1; i < argc; i++) {
        int found = -1;
        for (int k = 0; names && names[k]; k++)
            if (strcmp(argv[i], names[k]) == 0) found = k;
        if (found >= 0) {
            if (flags[found]) return say_usage("%s is given twice", argv[i]);
            flags[found] = true;
        } else if (argv[i][0] == '-' && argv[i][1] != '\0') {
            return say_usage("%s has no option '%s'; 'norma help %s' shows what it takes", argv[0], argv[i], argv[0]);
        } else if (*word_count == most) {
            return say_usage("%s does not expect '%s'; 'norma help %s' shows what it takes", argv[0], argv[i], argv[0]);
        } else {
            words[(*word_count)++] = argv[i];
        }
    }
    return CLI_DONE;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return true;
    return false;
}

static int show_overview(bool whole)
{
    page p = page_for_terminal();
    if (whole) norma_page(&p);
    else overview_page(&p);
    const int code = print_text(&p.out);
    text_free(&p.out);
    return code;
}

static int run_named(int argc, char **argv)
{
    char *help[] = {"help", argv[0]};
    const command *c = command_find(argv[0]);
    const nrm_method *m = nrm_method_find(argv[0]);

    if (!c && !m) {
        const char *near = nearest_topic(argv[0]);
        if (near) return say_usage("there is no method '%s'; did you mean '%s'?", argv[0], near);
        return say_usage("there is no method '%s'; 'norma list' names them all", argv[0]);
    }
    if (asks_for_help(argc, argv)) return run_help(2, help);
    return c ? c->run(argc, argv) : run_method(m, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    terminal_start();
    if (argc < 2) return show_overview(false);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) return show_overview(true);
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        text t = {0};
        text_add(&t, "norma %s\n", nrm_version());
        const int code = print_text(&t);
        text_free(&t);
        return code;
    }
    if (argv[1][0] == '-')
        return say_usage("there is no option '%s' before a method's name; 'norma --help' shows the form", argv[1]);
    return run_named(argc - 1, argv + 1);
}
