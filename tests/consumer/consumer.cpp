// The public headers are valid C++, and calls by name work from there.
#include <cmath>
#include <norma/norma.h>

int main()
{
    nrm_ctx *ctx = nullptr;
    nrm_call *call = nullptr;
    if (nrm_ctx_create(&ctx, nullptr) < 0 || nrm_call_create(ctx, "softmax", &call) < 0) return 1;
    const double x[2] = {0, 0};
    const int64_t shape[1] = {2};
    if (nrm_call_input(call, "x", NRM_F64, 1, shape, x) < 0 || nrm_call_run(call) < 0) return 2;
    const nrm_value *y = nrm_call_output(call, "y");
    const bool right = y && std::fabs(static_cast<const double *>(y->array.data)[1] - 0.5) < 1e-15;
    nrm_call_destroy(call);
    nrm_ctx_destroy(ctx);
    return right ? 0 : 3;
}
