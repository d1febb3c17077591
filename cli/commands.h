/* commands.h -- the commands beside the methods: what each is called, takes and does.
 * Help, man pages and completions are made from these tables. */
#ifndef NRM_CLI_COMMANDS_H
#define NRM_CLI_COMMANDS_H

#include "page.h"
#include <norma/method.h>

typedef enum option_value { VALUE_NONE, VALUE_NUMBER, VALUE_WORD, VALUE_FILE, VALUE_FOLDER } option_value;

typedef struct option {
    const char *name;        /* "--json" */
    const char *placeholder; /* "FILE"; "" for none */
    option_value value;
    const char *meaning;
} option;

typedef enum argument_kind { ARGUMENT_NONE, ARGUMENT_TOPIC, ARGUMENT_METHOD, ARGUMENT_FILE, ARGUMENT_FOLDER, ARGUMENT_SHELL } argument_kind;

typedef struct command {
    const char *name;
    const char *usage[3];    /* what follows "norma "; NULL ends */
    const char *summary, *details;
    argument_kind argument;  /* what completion offers */
    const option *options;
    int option_count;
    const char *examples[3][2]; /* title, line */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; gives the exit code */
} command;

int command_count(void);
const command *command_at(int i);
const command *command_find(const char *name); /* NULL */

/* Options that every method takes. */
typedef enum method_option { OPTION_SEED, OPTION_THREADS, OPTION_JSON, OPTION_QUIET, OPTION_SAVE_PROBLEM, OPTION_HELP, METHOD_OPTION_COUNT } method_option;
extern const option method_options[METHOD_OPTION_COUNT];

/* The line and its meaning, of the six exit codes. */
typedef struct exit_code { int code; const char *meaning; } exit_code;
enum { EXIT_CODE_COUNT = 6 };
extern const exit_code exit_codes[EXIT_CODE_COUNT];

/* The nearest command or method to a misspelt word; NULL where none is near. */
const char *nearest_topic(const char *word);

/* Pages. */
void overview_page(page *p);
void norma_page(page *p); /* the whole: norma(1), norma --help */
void command_page(page *p, const command *c);
void method_page(page *p, const nrm_method *m);

/* The commands. */
int run_method(const nrm_method *m, int argc, char **argv); /* argv: what follows the name */
int run_list(int argc, char **argv);
int run_help(int argc, char **argv);
int run_replay(int argc, char **argv);
int run_reproduce(int argc, char **argv);
int run_bench(int argc, char **argv);
int run_completion(int argc, char **argv);
int run_man(int argc, char **argv);
int run_reference(int argc, char **argv);
int run_install_docs(int argc, char **argv);

/* A simple command's arguments: at most `most` words, the rest options without a
 * value.  flags[i] is set when names[i] was given.  CLI_DONE or CLI_USAGE, said. */
int take_arguments(int argc, char **argv, int most, const char **words, int *word_count,
                   const char *const *names, bool *flags);

/* Write a whole file, making its folders; CLI_DONE or CLI_FILES, said. */
int write_file(const char *path, const text *content);

/* Completions, for one shell ("bash", "zsh", "fish"); false for another. */
bool completion_script(const char *shell, text *t);

#endif
