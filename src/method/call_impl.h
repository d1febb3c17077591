/* call_impl.h -- the inside of nrm_call, shared by call.c, ports.c, report.c, problem.c. */
#ifndef NRM_CALL_IMPL_H
#define NRM_CALL_IMPL_H

#include "descriptor.h"
#include <jansson.h>
#include <norma/call.h>

typedef struct nrm_call_input_slot {
    bool given;
    char *path;         /* NULL where the value was handed over in memory */
    nrm_loaded loaded;  /* what the path held */
    nrm_array converted;/* owned when the dtype or the form had to change */
    nrm_value value;    /* what `run` sees: views of the above or of the caller's memory */
} nrm_call_input_slot;

struct nrm_call {
    nrm_ctx *ctx;
    const nrm_method *method;
    void *options, *info;
    nrm_call_input_slot *inputs;
    nrm_value *outputs;
    bool *output_named, *param_set;
    char **texts; /* a parameter's text, where one was given: the options point to it */
    bool prepared, ran;
    nrm_status status;
    double seconds;
    char *message, *report; /* kept from the run; made by nrm_call_report */
};

/* Load, convert and check all inputs against the ports; once. */
nrm_status nrm_call_prepare(nrm_call *call);
void nrm_value_destroy(nrm_ctx *ctx, nrm_value *value);
json_t *nrm_seed_json(uint64_t seed);
json_t *nrm_parameters_json(const nrm_method *method, const void *options);
/* The description of a parameter; `defaults` are its method's options as they begin. */
json_t *nrm_param_json(const nrm_param *param, const void *defaults);
/* The dump of a JSON value (released here) in the context's memory. */
nrm_status nrm_json_text(nrm_ctx *ctx, json_t *value, char **text);

#endif
