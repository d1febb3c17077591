/* norma/method.h -- a method described once.
 *
 * A method is a typed C function (its own header) and one read-only nrm_method
 * beside it.  The command, its help, the man pages, the completions, the Python
 * functions, the reference pages and the argument checks are all made from the
 * descriptor; nothing is written by hand for a single method. */
#ifndef NORMA_METHOD_H
#define NORMA_METHOD_H

#include <float.h>
#include <math.h>
#include <norma/array.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Options and info structs: one list each -----------------------------------
 *
 * A method's header lists its parameters once:
 *
 *   #define NRM_RIDGE_OPTIONS(P)                                                  \
 *       P(f64, tol, 1e-10, 0.0, 1.0, "", "0.1", "stop at residual <= tol")        \
 *       P(i64, max_iter, 1000, 1, 1000000, "", "0.1", "most steps")               \
 *       P(flag, scale, false, "0.1", "scale the columns first")                   \
 *       P(choice, solver, NRM_RIDGE_AUTO, NRM_RIDGE_SOLVERS, "0.1", "which solver")
 *   NRM_OPTIONS(ridge, NRM_RIDGE_OPTIONS);
 *
 * P(f64|i64, name, default, least, most, unit, since, text)
 *   least NRM_POSITIVE means "> 0"; default NRM_REQUIRED_F64 / _I64 means none.
 * P(flag, name, default, since, text)
 * P(choice, name, default, LIST, since, text), LIST(C) being C(CONSTANT, "word") ...
 * P(text, name, default, content, since, text)
 *   a string in UTF-8, of any length.  default: a literal, NULL (none: the member is NULL)
 *   or NRM_REQUIRED_TEXT.  content tells the doors what it is: "file" or "folder" (a path,
 *   never empty), "words" (free words, such as a prompt), "value" (a number, true, false or a
 *   word for something that reads it later, NULL leaving it alone), "" (a name or a notation).
 *   The member is `const char *`, borrowed from the caller for the call.
 *
 * and what it reports beside its outputs:
 *
 *   #define NRM_RIDGE_INFO(F)                                                     \
 *       F(i64, iterations, "", "steps taken")                                     \
 *       F(f64, residual, "", "|A'(Ax - b)|: the answer's own proof")
 *   NRM_INFO(ridge, NRM_RIDGE_INFO);
 *
 * F(f64|i64|flag|str, name, unit, text); a str points to static text. */
#define NRM_POSITIVE DBL_MIN
#define NRM_REQUIRED_F64 ((double)NAN)
#define NRM_REQUIRED_I64 INT64_MIN
#define NRM_REQUIRED_TEXT "\x01" /* told by its content; no text is this one character */

#define NRM_MEMBER_f64(name) double name;
#define NRM_MEMBER_i64(name) int64_t name;
#define NRM_MEMBER_flag(name) bool name;
#define NRM_MEMBER_choice(name) int name;
#define NRM_MEMBER_text(name) const char *name;
#define NRM_MEMBER_str(name) const char *name;
#define NRM_OPTION_MEMBER(kind, name, ...) NRM_MEMBER_##kind(name)
#define NRM_INFO_MEMBER(kind, name, unit, text) NRM_MEMBER_##kind(name)
#define NRM_OPTION_DEFAULT(kind, name, value, ...) options.name = (value);

#define NRM_OPTIONS(method, LIST)                                                    \
    typedef struct nrm_##method##_options {                                          \
        size_t size; /* the caller's size of the struct: set by _default() */        \
        LIST(NRM_OPTION_MEMBER)                                                      \
    } nrm_##method##_options;                                                        \
    static inline nrm_##method##_options nrm_##method##_options_default(void)        \
    {                                                                                \
        nrm_##method##_options options = NRM_ZERO;                                  \
        options.size = sizeof options;                                               \
        LIST(NRM_OPTION_DEFAULT)                                                     \
        return options;                                                              \
    }                                                                                \
    struct nrm_##method##_options

#define NRM_INFO(method, LIST)                                                       \
    typedef struct nrm_##method##_info {                                             \
        LIST(NRM_INFO_MEMBER)                                                        \
    } nrm_##method##_info

/* An enum from a choice list: NRM_CHOICES(nrm_ridge_solver, NRM_RIDGE_SOLVERS);  The first
 * choice is 0; _none makes the type signed for every compiler, like the option itself. */
#define NRM_CHOICE_CONSTANT(constant, word) constant,
#define NRM_CHOICES(type, LIST) \
    typedef enum type { type##_none = -1, LIST(NRM_CHOICE_CONSTANT) type##_count } type

/* ---- The descriptor -------------------------------------------------------------- */

typedef enum nrm_kind { NRM_KIND_F64, NRM_KIND_I64, NRM_KIND_FLAG, NRM_KIND_CHOICE, NRM_KIND_STR, NRM_KIND_TEXT } nrm_kind;

typedef struct nrm_param {
    const char *name; /* C spelling, "max_iter"; "max-iter" on the command line */
    nrm_kind kind;
    size_t offset; /* in the options struct */
    double f64_default, f64_least, f64_most;
    int64_t i64_default, i64_least, i64_most; /* also flags and choices */
    const char *choices;                      /* "auto|fast|exact|": the i-th word is value i */
    const char *text_default, *content;       /* NULL: none; "", "file", "folder" or "words" */
    const char *unit, *since, *text;
} nrm_param;

typedef struct nrm_field { /* of an info struct */
    const char *name;
    nrm_kind kind;
    size_t offset;
    const char *unit, *text;
} nrm_field;

enum { /* what a port accepts */
    NRM_ACCEPT_ARRAY = 1, /* dense array */
    NRM_ACCEPT_CSR = 2,   /* sparse matrix */
    NRM_ACCEPT_ROWS = 4   /* a stream of rows, any length; files are not read whole */
};
enum { /* port flags */
    NRM_PORT_OPTIONAL = 1,   /* input: may be left out.  Output: made when it costs nothing */
    NRM_PORT_ON_REQUEST = 2, /* output: made only when asked for by name */
    NRM_PORT_NAN_OK = 4,     /* input: NaN and Inf have a meaning here */
    NRM_PORT_TEXT = 8        /* output: a text in UTF-8 as u8, 1-d; the doors give it as text */
};
#define NRM_DTYPE_BIT(dtype) (1u << (dtype))
#define NRM_FLOATS (NRM_DTYPE_BIT(NRM_F32) | NRM_DTYPE_BIT(NRM_F64))

typedef struct nrm_port {
    const char *name;  /* C spelling, as for parameters */
    unsigned accepts;  /* NRM_ACCEPT_ bits */
    unsigned dtypes;   /* NRM_DTYPE_BIT set; others are converted before the call */
    const char *shape; /* "m,n"; alternatives "n|m,n"; equal letters must agree across
                          ports (a number is itself); "" accepts any shape */
    unsigned flags;    /* NRM_PORT_ bits */
    const char *unit, *since, *text;
} nrm_port;

/* A call stored as data: every door runs it as a test and the pages show it.
 *   call    "x=[1,2,3] algorithm=two-pass log": ports as JSON, parameters, flags
 *   expect  "y=[...] info.gap=0": what comes out, to `tol` absolute + relative; a text output
 *           as the text, to the byte
 * Blanks part the words, but not inside brackets.  A value in single quotes is taken as it
 * stands, on one line, '' in it being one quote: prompt='it''s two words', prompt=''. */
typedef struct nrm_example {
    const char *title, *call, *expect;
    double tol;
} nrm_example;

typedef enum nrm_value_kind { NRM_VALUE_NONE, NRM_VALUE_ARRAY, NRM_VALUE_CSR, NRM_VALUE_ROWS } nrm_value_kind;

typedef struct nrm_value {
    nrm_value_kind kind;
    const char *name; /* the port's */
    bool wanted; /* outputs: to be made */
    nrm_array array;
    nrm_csr csr;
    nrm_rows *rows;
} nrm_value;

typedef struct nrm_method {
    const char *name;    /* "top-eigenvector" */
    const char *summary; /* one line, no full stop */
    const char *details; /* paragraphs split by blank lines; no word of files, flags or languages */
    const char *paper;   /* authors, title, year, where */
    int paper_number;    /* of the 33, 0 for none */
    const char *domain;  /* the folder: "transport" */
    const char *since;
    const nrm_port *inputs, *outputs;
    int input_count, output_count;
    const nrm_param *params;
    int param_count;
    size_t options_size;
    const nrm_field *info;
    int info_count;
    size_t info_size;
    const nrm_example *examples;
    int example_count;
    /* The untyped door: inputs already checked against the ports, options against
     * the parameters; makes every wanted output. */
    nrm_status (*run)(nrm_ctx *ctx, const nrm_value *in, nrm_value *out, const void *options, void *info);
    bool ranks; /* shares its work among the ranks of the context's communicator (norma/comm.h) */
} nrm_method;

NRM_API int nrm_method_count(void);
NRM_API const nrm_method *nrm_method_at(int i);              /* sorted by name; NULL out of range */
NRM_API const nrm_method *nrm_method_find(const char *name); /* '-' and '_' alike; NULL */
NRM_API const char *nrm_method_nearest(const char *name);    /* the method a slip of `name` means; NULL */

/* What a door needs beside the table: names compared and found. */
NRM_API bool nrm_same_name(const char *a, const char *b); /* '-' and '_' alike */
NRM_API const nrm_param *nrm_param_find(const nrm_method *method, const char *name); /* NULL */
NRM_API int nrm_port_find(const nrm_port *ports, int count, const char *name);       /* -1 */
NRM_API bool nrm_param_required(const nrm_param *param);                             /* has no default */

#ifdef __cplusplus
}
#endif
#endif
