/* test_optimizer_step.c -- the method optimizer-step: worked numbers through files, options of
 * every optimizer, state by name, what is refused and then changes nothing. */
#include "base/base.h"
#include "testkit.h"
#include <jansson.h>
#include <norma/call.h>
#include <norma/optimizer_step.h>

extern const nrm_method nrm_optimizer_step_method;

/* The worked matrices of the papers' numbers: G0, G1, W0[i][j] = 0.1 i - 0.05 j. */
static const double W0[12] = {0, -.05, -.1, -.15, .1, .05, 0, -.05, .2, .15, .1, .05},
                    GRADIENTS[2][12] = {{1, 2, -1, 0, 0, 1, 3, -2, 2, -1, 0, 1}, {0, -1, 2, 1, 1, 1, -1, 0, -2, 0, 1, 3}};

static nrm_array matrix(const double *data, int64_t rows, int64_t cols)
{
    nrm_array a = {.dtype = NRM_F64, .ndim = 2, .shape = {rows, cols}};
    memcpy(&a.data, &data, sizeof data);
    return a;
}

/* ---- Worked numbers: two steps, weights and state through files ------------------------------- */

static void set(nrm_ctx *ctx, nrm_call *call, const char *pairs)
{
    char name[64], value[64];
    int used;
    for (; sscanf(pairs, " %63[^=]=%63s%n", name, value, &used) == 2; pairs += used) assert_ok(ctx, nrm_call_set(call, name, value));
}

typedef struct worked {
    const char *options;
    bool tall;
    double w[2][12];
} worked;

/* From the papers of NorMuon, ROOT, AuON and DCT-AdamW, by plain NumPy programs.  A step that begins with
 * NAN is not looked at. */
static const worked cases[] = {
    {"optimizer=muon lr=0.02 weight_decay=0.1", false,
     {{-.0090286351, -.0649585927, -.0935800868, -.1494477792, .0964868364, .0444367494, -.0173363701, -.0394468078, .1799224693,
       .1563828447, .0962346155, .0432482879},
      {-.0183483715, -.0612483787, -.1108258268, -.1500813460, .0888719378, .0258198904, -.0224221137, -.0394489661, .1843844014,
       .1519031869, .0953221822, .0294402996}}},
    {"optimizer=normuon lr=0.02 weight_decay=0.1", false,
     {{-.0100365144, -.0666396046, -.0928857491, -.1494196234, .0965680113, .0445706030, -.0169116164, -.0397029186, .1811694557,
       .1559593456, .0964605578, .0436698141},
      {-.0195612423, -.0628466580, -.1105193435, -.1500739181, .0893340298, .0269047977, -.0217353012, -.0397004031, .1858782004,
       .1512650885, .0955104473, .0291515227}}},
    {"optimizer=normuon lr=0.02 weight_decay=0.1 variant=paper nesterov=false eps_row=1e-8", true,
     {{-.0028560028, .0987519563, .1933754635, -.0559107413, .0477193080, .1523675029, -.0975029765, -.0064023418, .0984832982,
       -.1495589931, -.0440560721, .0461813146},
      {-.0073620723, .0980127755, .1945257646, -.0596893892, .0440734111, .1553700262, -.0965617620, -.0118261581, .0948335465,
       -.1521562464, -.0394542311, .0383746597}}},
    {"optimizer=root lr=0.01 weight_decay=0.1 coefficients=muon", false,
     {{-.0011179145, -.0521858290, -.0987820855, -.1498500000, .0991075876, .0487845588, -.0031232948, -.0472229114, .1958842927,
       .1514116474, .0991075876, .0487845588},
      {-.0027428789, -.0508654843, -.1008881045, -.1512679360, .0984750021, .0456240151, -.0035540488, -.0456727172, .1986325441,
       .1507922783, .0974226828, .0463211887}}},
    {"optimizer=auon lr=0.1 weight_decay=0.01", false,
     {{-.0187928013, -.0875356026, -.0811071987, -.1498500000, .0999, .0311571987, -.0563784039, -.0123643974, .1622143974,
       .1686428013, .0999, .0311571987},
      {-.0281929725, -.0859347709, -.1123095758, -.1700513741, .0794488759, .0013558534, -.0642276934, .0064858950, .1839167033,
       .1778931225, .0794488759, -.0393465949}}},
    {"optimizer=auon lr=0.1 weight_decay=0.01 variant=repo", false,
     {{-.0088355300, -.0676210601, -.0910644700, -.14985, .0999, .0411144700, -.0265065901, -.0322789399, .1821289399,
       .1586855300, .0999, .0411144700},
      {-.0128776643, -.0669025907, -.1044280115, -.1584529379, .0910473121, .0282695978, -.0298802050, -.0241447214, .1913504472,
       .1625778143, .0910473121, .0107640219}}},
    {"optimizer=auon lr=0.1 weight_decay=0.01", true,
     {{-.0217000578, .0999, .1563998844, -.0933501156, .0282499422, .1715500578, -.0781999422, -.0651001734, .0999,
       -.14985, -.0065498844, .0282499422},
      {NAN}}},
    {"optimizer=hybrid-auon lr=0.02 weight_decay=0.01", false,
     {{NAN},
      {-.0155093030, -.0664991113, -.1070186989, -.1517185860, .0894772378, .0313299981, -.0204126291, -.0397790512, .1877784473,
       .1555646337, .0938702404, .0306963043}}},
    {"optimizer=hybrid-auon lr=0.02 weight_decay=0.01 variant=repo", false,
     {{NAN},
      {-.0166290645, -.0603925725, -.1100873108, -.1505546508, .0902445804, .0282716921, -.0203459109, -.0405776033, .1864431662,
       .1522295648, .0960769185, .0315411576}}},
    {"optimizer=dct-adamw rank=2 update_gap=1 lr=0.01 weight_decay=0.1 beta1=0.9 beta2=0.999 error_feedback=full", false,
     {{-.0098559855, -.0516410198, -.1015910198, -.1481589803, .1022914631, .0360115317, -.0139384684, -.0360115316, .1899440145,
       .1481589802, .0982089802, .0516410197},
      {-.0143179684, -.0531043950, -.1010301795, -.1467829861, .1006091658, .0284818688, -.0148430285, -.0279075067, .1958059152,
       .1570194888, .0985700206, .0422935301}}},
    {"optimizer=dct-adamw rank=2 update_gap=1 lr=0.01 weight_decay=0.1 beta1=0.9 beta2=0.999 error_feedback=off", false,
     {{NAN},
      {-.0143179685, -.0425807113, -.1062920213, -.1467829861, .1006091658, .0284818688, -.0148430285, -.0279075067, .1958059153,
       .1464958050, .1038318624, .0422935301}}},
    {"optimizer=dct-adamw rank=2 update_gap=1 lr=0.01 weight_decay=0.1 beta1=0.9 beta2=0.999 error_feedback=full basis=dct3", false,
     {{NAN},
      {-.0152716494, -.0615559067, -.0953103659, -.1511755944, .0991141391, .0447856655, -.0143649306, -.0287031718, .1979152905,
       .1505719922, .0938610444, .0397429757}}},
    {"optimizer=trion rank=2 lr=0.02 weight_decay=0.1", false,
     {{-.0083071458, -.0529890413, -.0979909294, -.1518290633, .0988400220, .0453218808, -.0124543871, -.0417037395, .1912928542,
       .1466109587, .1016090706, .0477709367},
      {-.0099897169, -.0523532534, -.1020131920, -.1630733790, .0945762638, .0369370055, -.0198495453, -.0324899734, .1892110831,
       .1468475466, .0971876080, .0361274210}}},
    {"optimizer=galore rank=2 lr=0.01 weight_decay=0.1 alpha=0.25 eps=1e-8", false,
     {{NAN},
      {-.0048108021, -.0525130376, -.0978002661, -.1462440559, .1012286215, .0451842308, -.0029882333, -.0453645283, .2006804764,
       .1522987383, .1002281976, .0470864763}}},
    {"optimizer=ldadam rank=2 lr=0.01 weight_decay=0.1", false,
     {{NAN},
      {-.0195856068, -.0605433798, -.0912391028, -.1336265475, .1060807512, .0313292061, -.0119118854, -.0322500718, .2043148550,
       .1603689584, .1014579209, .0375339844}}},
    {"optimizer=frugal density=0.67 lr=0.01 weight_decay=0.1 projector=svd", false,
     {{NAN},
      {-.0192524845, -.0803524638, -.1117827543, -.1558519206, .1055299091, .0110278865, -.0319548993, -.0517298004, .2039356342,
       .1401149100, .0815242040, .0186444840}}},
};

static void turn(const double *in, double *out)
{
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++) out[3 * j + i] = in[4 * i + j];
}

static void write_matrix(nrm_ctx *ctx, const char *path, const double *values, bool tall)
{
    double turned[12];
    turn(values, turned);
    const nrm_array a = tall ? matrix(turned, 4, 3) : matrix(values, 3, 4);
    assert_ok(ctx, nrm_save(ctx, path, &a));
}

static void test_worked_numbers(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    for (int c = 0; c < NRM_COUNT(cases); c++) {
        char weights[512], gradient[512], state[512];
        snprintf(weights, sizeof weights, "%s", nrm_test_temp("step-w.npy"));
        snprintf(gradient, sizeof gradient, "%s", nrm_test_temp("step-g.npy"));
        snprintf(state, sizeof state, "%s", nrm_test_temp("step-s.safetensors"));
        write_matrix(ctx, weights, W0, cases[c].tall);
        for (int step = 0; step < 2; step++) {
            nrm_call *call;
            write_matrix(ctx, gradient, GRADIENTS[step], cases[c].tall);
            assert_ok(ctx, nrm_call_create(ctx, "optimizer-step", &call));
            assert_ok(ctx, nrm_call_input_path(call, "weights", weights));
            assert_ok(ctx, nrm_call_input_path(call, "gradient", gradient));
            set(ctx, call, cases[c].options);
            if (step > 0) assert_ok(ctx, nrm_call_set(call, "state", state));
            assert_ok(ctx, nrm_call_set(call, "state_out", state));
            assert_ok(ctx, nrm_call_run(call));
            if (!isnan(cases[c].w[step][0]))
                assert_all_near(nrm_call_output(call, "weights_out")->array.data, cases[c].w[step], 12, 2e-10);
            assert_ok(ctx, nrm_call_write(call, "weights_out", weights));
            const nrm_optimizer_step_info *info = nrm_call_info(call);
            assert_int_equal(info->step, step + 1);
            nrm_call_destroy(call);
        }
    }
    nrm_ctx_destroy(ctx);
}

/* ---- Options ----------------------------------------------------------------------------------------- */

static bool has(const nrm_param *params, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(params[i].name, name) == 0) return true;
    return false;
}

/* Every option of every optimizer can be given, and nothing else: a new optimizer has to be
 * entered in the list of the header and in the details. */
static void test_every_option_is_there(void **unused)
{
    (void)unused;
    const nrm_method *m = &nrm_optimizer_step_method;
    char title[64];
    int count;

    for (int k = 0; k < nrm_optimizer_kind_count; k++) {
        const nrm_param *own = nrm_optimizer_params((nrm_optimizer_kind)k, &count);
        snprintf(title, sizeof title, "\n\n%s: ", nrm_optimizer_kind_name((nrm_optimizer_kind)k));
        const char *listed = strstr(m->details, title);
        if (!listed) fail_msg("the details of optimizer-step do not list the options of %s", title);
        for (int i = 0; i < count; i++) {
            if (strcmp(own[i].name, "seed") == 0) continue; /* that of the context */
            const nrm_param *p = nrm_param_find(m, own[i].name);
            if (!p || strcmp(p->content, "value") != 0)
                fail_msg("%s of %s is not among NRM_OPTIMIZER_STEP_VALUES", own[i].name, nrm_optimizer_kind_name((nrm_optimizer_kind)k));
        }
    }
    for (int i = 0; i < m->param_count; i++) {
        bool known = strcmp(m->params[i].content ? m->params[i].content : "", "value") != 0;
        for (int k = 0; k < nrm_optimizer_kind_count && !known; k++) {
            const nrm_param *own = nrm_optimizer_params((nrm_optimizer_kind)k, &count);
            known = has(own, count, m->params[i].name);
        }
        if (!known) fail_msg("no optimizer has the option %s", m->params[i].name);
    }
}

/* The step of the method is that of the driver, for every kind and both types. */
static void test_is_the_drivers_step(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    assert_ok(ctx, nrm_set_seed(ctx, 5));
    for (int c = 0; c < 2 * nrm_optimizer_kind_count; c++) {
        const nrm_optimizer_kind kind = (nrm_optimizer_kind)(c / 2);
        const nrm_dtype dtype = c % 2 ? NRM_F64 : NRM_F32;
        const nrm_optimizer_tensor tensor = {.name = "weights", .dtype = dtype, .ndim = 2, .shape = (int64_t[]){12, 16}};
        nrm_array w, g, next, direct;
        nrm_optimizer *o;
        uint64_t seed = 7;
        nrm_optimizer_step_options options = nrm_optimizer_step_options_default();
        nrm_optimizer_step_info info = {0};
        nrm_optimizer_options own;
        int count;
        const nrm_param *params = nrm_optimizer_params(kind, &count);

        assert_ok(ctx, nrm_optimizer_options_init(ctx, kind, &own));
        if (has(params, count, "rank")) {
            options.rank = "4";
            assert_ok(ctx, nrm_optimizer_options_set(ctx, kind, &own, "rank", "4"));
        }
        if (has(params, count, "seed")) assert_ok(ctx, nrm_optimizer_options_set(ctx, kind, &own, "seed", "5"));
        assert_ok(ctx, nrm_array_create(ctx, &w, dtype, 2, tensor.shape));
        assert_ok(ctx, nrm_array_create(ctx, &g, dtype, 2, tensor.shape));
        for (int64_t i = 0; i < 192; i++) {
            const double a = nrm_test_normal(&seed), b = nrm_test_normal(&seed);
            if (dtype == NRM_F32) ((float *)w.data)[i] = (float)a, ((float *)g.data)[i] = (float)b;
            else ((double *)w.data)[i] = a, ((double *)g.data)[i] = b;
        }
        assert_ok(ctx, nrm_array_convert(ctx, &direct, dtype, &w));
        assert_ok(ctx, nrm_array_convert(ctx, &next, dtype, &w));
        assert_ok(ctx, nrm_optimizer_create(ctx, &o, 1, &(nrm_optimizer_group){kind, &own}, 1, &tensor));
        assert_ok(ctx, nrm_optimizer_step(ctx, o, &direct.data, (const void *const[]){g.data}, 1.0));
        options.optimizer = kind;
        assert_ok(ctx, nrm_optimizer_step_once(ctx, &w, &g, &options, next.data, &info));
        assert_memory_equal(next.data, direct.data, 192 * nrm_dtype_size(dtype));
        assert_true(info.step == 1 && info.state_bytes == nrm_optimizer_state_bytes(o) && info.update_norm > 0);
        assert_near(info.update_rms, info.update_norm / sqrt(192), 1e-15);
        assert_ok(ctx, nrm_optimizer_step_once(ctx, &w, &g, &options, w.data, NULL)); /* in place */
        assert_memory_equal(w.data, direct.data, 192 * nrm_dtype_size(dtype));
        nrm_optimizer_destroy(ctx, o);
        nrm_array_destroy(ctx, &w), nrm_array_destroy(ctx, &g), nrm_array_destroy(ctx, &next), nrm_array_destroy(ctx, &direct);
    }
    nrm_ctx_destroy(ctx);
}

/* Row blocks are matrices of their own, and the state says so. */
static void test_split(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_optimizer_step_options o = nrm_optimizer_step_options_default();
    const nrm_array w = matrix(W0, 3, 4), g = matrix(GRADIENTS[0], 3, 4), top = matrix(W0, 2, 4), above = matrix(GRADIENTS[0], 2, 4);
    const char *path = nrm_test_temp("step-split.npz");
    double whole[12], part[8];
    nrm_loaded file;

    o.optimizer = NRM_OPTIMIZER_MUON;
    assert_ok(ctx, nrm_optimizer_step_once(ctx, &top, &above, &o, part, NULL));
    o.split = "2,1", o.name = "qkv", o.state_out = path;
    assert_ok(ctx, nrm_optimizer_step_once(ctx, &w, &g, &o, whole, NULL));
    assert_memory_equal(whole, part, sizeof part);
    assert_ok(ctx, nrm_load(ctx, path, &file));
    assert_int_equal(file.bundle.count, 3);
    assert_string_equal(file.bundle.items[2].name, "muon.m:qkv#1");
    nrm_loaded_destroy(ctx, &file);
    static const char *const bad[][2] = {{"2,,1", "split has ''"}, {"2,x", "split has 'x'"}, {"", "split has ''"}, {"2,2", "sums to 4"}};
    for (int i = 0; i < NRM_COUNT(bad); i++) {
        o.split = bad[i][0];
        assert_true(nrm_optimizer_step_once(ctx, &w, &g, &o, whole, NULL) < 0);
        assert_message(ctx, bad[i][1]);
    }
    nrm_ctx_destroy(ctx);
}

/* ---- Refusals ------------------------------------------------------------------------------------------ */

static void refuse(nrm_ctx *ctx, nrm_status status, const char *piece, const nrm_array *w, const nrm_array *g,
                   const nrm_optimizer_step_options *o)
{
    double out[12] = {5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5};
    nrm_optimizer_step_info info = {.step = 77};
    assert_status(ctx, nrm_optimizer_step_once(ctx, w, g, o, out, &info), status);
    assert_message(ctx, piece);
    assert_true(info.step == 77);
    for (int i = 0; i < 12; i++) assert_true(out[i] == 5);
}

static void test_refusals(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    const nrm_optimizer_step_options plain = nrm_optimizer_step_options_default();
    nrm_optimizer_step_options o = plain;
    nrm_array w = matrix(W0, 3, 4), g = matrix(GRADIENTS[0], 3, 4), other = matrix(GRADIENTS[0], 4, 3);
    double bad[12];

    refuse(ctx, NRM_E_NULL, "must not be NULL", NULL, &g, &o);
    refuse(ctx, NRM_E_SHAPE, "weights have shape 3x4 and gradient 4x3", &w, &other, &o);
    other = g, other.dtype = NRM_F32;
    refuse(ctx, NRM_E_DTYPE, "weights hold f64 and gradient f32", &w, &other, &o);
    other.dtype = NRM_I64;
    refuse(ctx, NRM_E_DTYPE, "they must hold f32 or f64", &other, &other, &o);
    memcpy(bad, W0, sizeof bad), bad[5] = NAN;
    other = matrix(bad, 3, 4);
    refuse(ctx, NRM_E_NONFINITE, "element 5 of weights", &other, &g, &o);
    refuse(ctx, NRM_E_NONFINITE, "the gradient of 'weights'[1,1] is nan", &w, &other, &o);
    o.lr = "-1", refuse(ctx, NRM_E_RANGE, "optimizer-step: adamw: lr is -1", &w, &g, &o);
    o = plain, o.momentum = "0.9";
    refuse(ctx, NRM_E_ARGUMENT, "adamw: there is no option 'momentum'; there are lr, beta1, beta2, eps, weight_decay", &w, &g, &o);
    o = plain, o.optimizer = NRM_OPTIMIZER_MUON, w.ndim = g.ndim = 1, w.shape[0] = g.shape[0] = 12;
    refuse(ctx, NRM_E_SHAPE, "muon: 'weights' needs a matrix (got 1-d); use the adamw group", &w, &g, &o);
    w = matrix(W0, 3, 4), g = matrix(GRADIENTS[0], 3, 4);
    o.coefficients = "muom", refuse(ctx, NRM_E_ARGUMENT, "did you mean muon?", &w, &g, &o);

    const char *array = nrm_test_temp("step-array.npy"), *state = nrm_test_temp("step-adamw.safetensors");
    o = plain, o.state = array;
    refuse(ctx, NRM_E_IO, "optimizer-step: state: ", &w, &g, &o);
    assert_ok(ctx, nrm_save(ctx, array, &w));
    refuse(ctx, NRM_E_FORMAT, "it is npy; a state is", &w, &g, &o);
    o = plain, o.state_out = state;
    assert_ok(ctx, nrm_optimizer_step_once(ctx, &w, &g, &o, NULL, NULL));
    o = plain, o.optimizer = NRM_OPTIMIZER_MUON, o.state = state;
    refuse(ctx, NRM_E_ARGUMENT, "the state 'muon.m:weights' is missing", &w, &g, &o);
    o = plain, o.state = state, o.name = "other";
    refuse(ctx, NRM_E_ARGUMENT, "the state 'adamw.m:other' is missing", &w, &g, &o);
    w.shape[0] = g.shape[0] = 2, o.name = "weights";
    refuse(ctx, NRM_E_SHAPE, "has shape (3, 4); the tensor needs (2, 4)", &w, &g, &o);
    o = plain, o.state_out = "/no/such/folder/s.safetensors";
    refuse(ctx, NRM_E_IO, "optimizer-step: state_out", &w, &g, &o);
    nrm_ctx_destroy(ctx);
}

static nrm_status whole_method(nrm_ctx *ctx, void *user)
{
    nrm_optimizer_step_options o = nrm_optimizer_step_options_default();
    const nrm_array w = matrix(W0, 3, 4), g = matrix(GRADIENTS[0], 3, 4);
    const char *const *paths = user;
    double out[12];

    o.optimizer = NRM_OPTIMIZER_MUON, o.split = "2,1", o.state = paths[0], o.state_out = paths[1];
    return nrm_optimizer_step_once(ctx, &w, &g, &o, out, NULL);
}

static void test_allocation_failures(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_optimizer_step_options o = nrm_optimizer_step_options_default();
    const nrm_array w = matrix(W0, 3, 4), g = matrix(GRADIENTS[0], 3, 4);
    char first[512], second[512];

    snprintf(first, sizeof first, "%s", nrm_test_temp("step-first.safetensors"));
    snprintf(second, sizeof second, "%s", nrm_test_temp("step-second.safetensors"));
    o.optimizer = NRM_OPTIMIZER_MUON, o.split = "2,1", o.state_out = first;
    assert_ok(ctx, nrm_optimizer_step_once(ctx, &w, &g, &o, NULL, NULL));
    nrm_test_allocation_failures(whole_method, (const char *[]){first, second}, NULL, 0);
    nrm_ctx_destroy(ctx);
}

/* ---- The list of optimizers, for programs ----------------------------------------------------------------- */

static void test_list(void **unused)
{
    (void)unused;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    char *text;
    int count;

    assert_status(ctx, nrm_optimizers_json(ctx, NULL), NRM_E_NULL);
    assert_ok(ctx, nrm_optimizers_json(ctx, &text));
    json_t *list = json_loads(text, 0, NULL);
    nrm_free_string(ctx, text);
    assert_int_equal(json_array_size(list), nrm_optimizer_kind_count);
    for (int k = 0; k < nrm_optimizer_kind_count; k++) {
        const json_t *about = json_array_get(list, (size_t)k), *parameters = json_object_get(about, "parameters");
        const nrm_param *own = nrm_optimizer_params((nrm_optimizer_kind)k, &count);
        assert_string_equal(json_string_value(json_object_get(about, "name")), nrm_optimizer_kind_name((nrm_optimizer_kind)k));
        assert_int_equal(json_is_true(json_object_get(about, "matrices")), nrm_optimizer_kind_takes_matrices((nrm_optimizer_kind)k));
        assert_int_equal(json_array_size(parameters), count);
        const json_t *first = json_array_get(parameters, 0);
        assert_string_equal(json_string_value(json_object_get(first, "name")), own[0].name);
        assert_true(json_real_value(json_object_get(first, "default")) == own[0].f64_default);
    }
    json_decref(list);
    nrm_ctx_destroy(ctx);
}

NRM_TEST_MAIN(cmocka_unit_test(test_worked_numbers), cmocka_unit_test(test_every_option_is_there),
              cmocka_unit_test(test_is_the_drivers_step), cmocka_unit_test(test_split), cmocka_unit_test(test_refusals),
              cmocka_unit_test(test_allocation_failures), cmocka_unit_test(test_list))
