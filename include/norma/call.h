/* norma/call.h -- call a method by name, arguments by name: the door that the
 * command, Python and other languages use.  In C, prefer the typed function.
 *
 *   nrm_call *call;
 *   nrm_call_create(ctx, "softmax", &call);
 *   nrm_call_input(call, "x", NRM_F64, 1, shape, x);
 *   nrm_call_set(call, "alpha", "0.5");
 *   nrm_call_run(call);
 *   const nrm_value *y = nrm_call_output(call, "y");
 *   nrm_call_destroy(call);
 *
 * Names may be written with '-' or '_'.  Every function but _destroy returns a
 * status and leaves its sentence in the context; a name or value that does not
 * fit is answered at once, with the nearest name.  Giving anything twice is
 * NRM_E_ARGUMENT. */
#ifndef NORMA_CALL_H
#define NORMA_CALL_H

#include <norma/io.h>
#include <norma/method.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nrm_call nrm_call;

NRM_API NRM_NODISCARD nrm_status nrm_call_create(nrm_ctx *ctx, const char *method, nrm_call **call);
NRM_API void nrm_call_destroy(nrm_call *call); /* with all outputs not taken */
NRM_API const nrm_method *nrm_call_method(const nrm_call *call);

/* Inputs.  Arrays are borrowed until the call is destroyed and never written. */
NRM_API NRM_NODISCARD nrm_status nrm_call_input(nrm_call *call, const char *port, nrm_dtype dtype,
                                                int ndim, const int64_t *shape, const void *data);
NRM_API NRM_NODISCARD nrm_status nrm_call_input_csr(nrm_call *call, const char *port, nrm_dtype dtype,
                                                    int64_t rows, int64_t cols, const int64_t *indptr,
                                                    const int64_t *indices, const void *values);
/* The call closes the stream, also when it refuses it. */
NRM_API NRM_NODISCARD nrm_status nrm_call_input_rows(nrm_call *call, const char *port, nrm_rows *rows);
NRM_API NRM_NODISCARD nrm_status nrm_call_input_callback(nrm_call *call, const char *port, int64_t cols,
                                                         nrm_rows_fill_fn fill, void *user);
/* A file, "-", or a literal "[[1,2],[3,4]]"; "a.npz:weights" picks from a bundle.
 * A port that accepts rows streams the file, opened when the call runs. */
NRM_API NRM_NODISCARD nrm_status nrm_call_input_path(nrm_call *call, const char *port, const char *path);

/* A parameter from text, as on the command line; flags take "true" or "false".  The text
 * is copied. */
NRM_API NRM_NODISCARD nrm_status nrm_call_set(nrm_call *call, const char *param, const char *text);

/* Ask for an output that is made on request, or give the memory for one: shape
 * and dtype must come out as given.  `data` may be an input's own memory where
 * the method allows work in place. */
NRM_API NRM_NODISCARD nrm_status nrm_call_want(nrm_call *call, const char *port);
NRM_API NRM_NODISCARD nrm_status nrm_call_output_into(nrm_call *call, const char *port, nrm_dtype dtype,
                                                      int ndim, const int64_t *shape, void *data);

/* Run, once.  Statuses >= 0 leave valid outputs. */
NRM_API NRM_NODISCARD nrm_status nrm_call_run(nrm_call *call);

/* After the run.  NULL: no such port, or an output that was not made. */
NRM_API const nrm_value *nrm_call_output(const nrm_call *call, const char *port);
/* Hand an output over to the caller, who destroys it with the same context. */
NRM_API NRM_NODISCARD nrm_status nrm_call_take(nrm_call *call, const char *port, nrm_value *value);
/* To a file by nrm_save, nrm_save_csr or, an output that is text, nrm_save_text. */
NRM_API NRM_NODISCARD nrm_status nrm_call_write(nrm_call *call, const char *port, const char *path);
NRM_API const void *nrm_call_info(const nrm_call *call); /* the method's info struct */

/* The report as JSON: method, status, message, parameters (defaults included),
 * info, inputs and outputs (dtype, shape; of a text the text, U+FFFD for what is no UTF-8), seed, threads, seconds, version.  The
 * string is the call's. */
NRM_API NRM_NODISCARD nrm_status nrm_call_report(nrm_call *call, const char **json);

/* Save all inputs and parameters as one npz, and make a call from such a file:
 * what to attach to a bug report.  Rows of a file are saved whole; what can be read only
 * once (a pipe, a callback) is NRM_E_UNSUPPORTED. */
NRM_API NRM_NODISCARD nrm_status nrm_call_save_problem(nrm_call *call, const char *path);
NRM_API NRM_NODISCARD nrm_status nrm_call_load_problem(nrm_ctx *ctx, const char *path, nrm_call **call);

/* One stored example: set `call` up from its text, run, compare with `expect`.
 * NRM_OK, the call's own failure, or NRM_E_INTERNAL naming what differs. */
NRM_API NRM_NODISCARD nrm_status nrm_example_run(nrm_ctx *ctx, const nrm_method *method, int example);

/* Every descriptor as one JSON array, for programs; free with nrm_free_string. */
NRM_API NRM_NODISCARD nrm_status nrm_methods_json(nrm_ctx *ctx, char **json);
NRM_API void nrm_free_string(nrm_ctx *ctx, char *string);

#ifdef __cplusplus
}
#endif
#endif
