/* test_dataset.c -- images and tables as data: files, split, scale, classes, batches. */
#include "testkit.h"
#include "train/dataset_impl.h"

static float features[200 * 800], values[400];
static int64_t labels[400], indices[400];

static const char *write_file(const char *name, const void *bytes, size_t n)
{
    const char *path = nrm_test_temp(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
    return path;
}

static const char *write_text(const char *name, const char *text) { return write_file(name, text, strlen(text)); }

static nrm_array view(nrm_dtype dtype, int ndim, const int64_t *shape, void *data)
{
    nrm_array a;
    assert_ok(NULL, nrm_array_view(NULL, &a, dtype, ndim, shape, data));
    return a;
}

static void assert_refused(nrm_ctx *ctx, const nrm_dataset_options *o, nrm_status status, const char *message)
{
    nrm_dataset *d = NULL;
    assert_status(ctx, nrm_dataset_open(ctx, &d, o), status);
    assert_message(ctx, message);
    assert_null(d);
}

/* ---- Orders ---------------------------------------------------------------------------------------------------- */

/* n rows whose only feature, not scaled, is their number. */
static nrm_dataset *numbered(nrm_ctx *ctx, int64_t n, double fraction)
{
    static double x[3000], y[3000];
    nrm_dataset_options o = nrm_dataset_options_default();
    nrm_dataset *d = NULL;

    for (int64_t i = 0; i < n; i++) {
        x[i] = (double)i;
        y[i] = (double)(i % 3);
    }
    o.keep_scale = true;
    o.validation_fraction = fraction;
    o.target = NRM_TARGET_CLASS;
    const nrm_array ax = view(NRM_F64, 2, (const int64_t[]){n, 1}, x), ay = view(NRM_F64, 1, &n, y);
    assert_ok(ctx, nrm_dataset_from_arrays(ctx, &d, &o, &ax, &ay, NULL, NULL));
    return d;
}

/* Every epoch is a permutation without its last, short batch; no two are alike. */
static void test_epochs(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    static const int64_t sizes[] = {1, 2, 3, 5, 16, 17, 100, 2047, 2049};

    for (int s = 0; s < NRM_COUNT(sizes); s++) {
        const int64_t n = sizes[s];
        nrm_dataset *d = numbered(ctx, n, 0);
        int64_t same = 0, before[2100] = {0}, in_place = 0;
        const int64_t rows = n < 7 ? 1 : 7, batches = n / rows;
        for (int64_t epoch = 0; epoch < 6; epoch++) {
            int seen[2100] = {0};
            for (int64_t b = 0; b < batches; b++) {
                const nrm_batch batch = {.rows = rows, .features = features, .labels = labels};
                assert_ok(ctx, nrm_dataset_order(ctx, d, NRM_TRAINING, 9, epoch * batches + b, rows, indices));
                assert_ok(ctx, nrm_dataset_batch(ctx, d, NRM_TRAINING, 9, epoch * batches + b, &batch));
                for (int64_t i = 0; i < rows; i++) {
                    assert_in_range(indices[i], 0, n - 1);
                    assert_int_equal(seen[indices[i]]++, 0);
                    assert_near((double)features[i], (double)indices[i], 0);
                    assert_int_equal(labels[i], indices[i] % 3);
                    same += before[b * rows + i] == indices[i];
                    in_place += indices[i] == b * rows + i;
                    before[b * rows + i] = indices[i];
                }
            }
        }
        if (n >= 100) { /* of a random order one row on the average keeps its place */
            assert_true(same < 30);
            assert_true(in_place < 30);
        }
        nrm_dataset_destroy(ctx, d);
    }
    nrm_ctx_destroy(ctx);
}

/* Over many epochs of four rows all 24 orders come, none much more often than others. */
static void test_orders_are_even(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_dataset *d = numbered(ctx, 4, 0);
    int count[256] = {0}, orders = 0;
    enum { EPOCHS = 24 * 200 };

    for (int64_t epoch = 0; epoch < EPOCHS; epoch++) {
        assert_ok(ctx, nrm_dataset_order(ctx, d, NRM_TRAINING, 1, epoch, 4, indices));
        count[indices[0] * 64 + indices[1] * 16 + indices[2] * 4 + indices[3]]++;
    }
    for (int i = 0; i < 256; i++) {
        if (count[i] == 0) continue;
        orders++;
        assert_in_range(count[i], 100, 400); /* 200 expected */
    }
    assert_int_equal(orders, 24);
    nrm_dataset_destroy(ctx, d);
    nrm_ctx_destroy(ctx);
}

static void test_split(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_dataset *d = numbered(ctx, 1000, 0.25);
    int seen[1000] = {0};
    double sum = 0;

    for (int p = 0; p < NRM_PARTS; p++) {
        const int64_t n = nrm_dataset_describe(d).examples[p];
        int64_t count, last = -1, total = 0;
        assert_int_equal(n, p == NRM_TRAINING ? 750 : 250);
        for (int64_t s = 0; s < nrm_dataset_sweeps(d, (nrm_dataset_part)p, 64); s++) {
            const nrm_batch batch = {.rows = 64, .features = features, .labels = labels};
            assert_ok(ctx, nrm_dataset_sweep(ctx, d, (nrm_dataset_part)p, s, &batch, &count));
            total += count;
            for (int64_t i = 0; i < count; i++) {
                const int64_t row = (int64_t)features[i];
                assert_true(row > last); /* in the order of the file */
                last = row;
                assert_int_equal(labels[i], row % 3);
                assert_int_equal(seen[row]++, 0);
                if (p == NRM_VALIDATION) sum += (double)row;
            }
            for (int64_t i = count; i < 64; i++) {
                assert_int_equal(labels[i], NRM_LABEL_IGNORED);
                assert_near((double)features[i], 0, 0);
            }
        }
        assert_int_equal(total, n);
    }
    assert_near(sum / 250, 499.5, 0.15); /* drawn from everywhere */
    nrm_dataset_destroy(ctx, d);
    nrm_ctx_destroy(ctx);
}

/* ---- Tables ------------------------------------------------------------------------------------------------------ */

static const char csv[] = "size,weight,kind,price\n1,10,7,0.5\n2,10,3,1.5\n4,10,7,2.5\n5,10,3,0.25\n";

static void test_csv(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_dataset_options o = nrm_dataset_options_default();
    nrm_dataset *d;
    nrm_batch batch = {.rows = 4, .features = features, .labels = labels, .values = values};
    int64_t count;

    o.path = write_text("table.csv", csv);
    o.validation_fraction = 0;
    assert_ok(ctx, nrm_dataset_open(ctx, &d, &o)); /* guessed, and the target is the last column */
    nrm_dataset_about about = nrm_dataset_describe(d);
    assert_int_equal(about.kind, NRM_DATASET_TABLE);
    assert_int_equal(about.features, 3);
    assert_int_equal(about.values, 1);
    assert_int_equal(about.classes, 0);
    assert_ok(ctx, nrm_dataset_sweep(ctx, d, NRM_TRAINING, 0, &batch, &count));
    /* Column 0 is 1 2 4 5: mean 3, variance 10 / 4; column 1 is constant. */
    const double size[] = {-2, -1, 1, 2}, price[] = {0.5, 1.5, 2.5, 0.25};
    for (int i = 0; i < 4; i++) {
        assert_near((double)features[i * 3], size[i] / sqrt(2.5), 1e-7);
        assert_near((double)features[i * 3 + 1], 0, 0);
        assert_near((double)features[i * 3 + 2], i % 2 ? -1 : 1, 1e-7);
        assert_near((double)values[i], price[i], 0);
    }
    nrm_dataset_destroy(ctx, d);

    o.kind = NRM_DATASET_TABLE;
    o.target_column = 2;
    o.target = NRM_TARGET_CLASS;
    assert_ok(ctx, nrm_dataset_open(ctx, &d, &o));
    about = nrm_dataset_describe(d);
    assert_int_equal(about.classes, 2);
    assert_near(about.class_value[0], 3, 0);
    assert_near(about.class_value[1], 7, 0);
    assert_ok(ctx, nrm_dataset_sweep(ctx, d, NRM_TRAINING, 0, &batch, &count));
    for (int i = 0; i < 4; i++) assert_int_equal(labels[i], i % 2 ? 0 : 1);
    nrm_dataset_destroy(ctx, d);

    o.target = NRM_TARGET_AUTO; /* four rows of two classes: too few to be sure */
    assert_ok(ctx, nrm_dataset_open(ctx, &d, &o));
    assert_int_equal(nrm_dataset_describe(d).values, 1);
    nrm_dataset_destroy(ctx, d);

    o.target = NRM_TARGET_CLASS;
    o.target_column = 3;
    assert_refused(ctx, &o, NRM_E_RANGE, "target 0 (from 0) is not whole");
    o.target_column = 4;
    assert_refused(ctx, &o, NRM_E_RANGE, "target_column is 4; the table has columns 0 to 3");
    o.target_column = -5;
    assert_refused(ctx, &o, NRM_E_RANGE, "target_column is -5");
    o.target_column = -1;
    o.target = NRM_TARGET_AUTO;
    o.path = write_text("gap.csv", "a,b,c\n1,2,3\n4,,6\n");
    assert_refused(ctx, &o, NRM_E_NONFINITE, "example 1 has no finite number at feature 1");
    o.path = write_text("gap2.csv", "a,b,c\n1,2,nan\n4,4,6\n");
    assert_refused(ctx, &o, NRM_E_NONFINITE, "the target of training example 0");
    o.path = write_text("one.csv", "1\n2\n");
    assert_refused(ctx, &o, NRM_E_SHAPE, "two columns or more: features and the target");
    o.path = write_text("row.csv", "1,2\n");
    o.validation_fraction = 0.5;
    assert_refused(ctx, &o, NRM_E_SHAPE, "too few to split");
    nrm_ctx_destroy(ctx);
}

/* A second file is scaled as the first, by options or by the state of a checkpoint. */
static void test_validation_and_state(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_dataset_options o = nrm_dataset_options_default();
    nrm_dataset *d, *again;
    const nrm_batch batch = {.rows = 2, .features = features, .labels = labels};
    char first[4096], second[4096], *json;
    int64_t count;

    snprintf(first, sizeof first, "%s", write_text("first.svm", "-1 1:1 3:2\n1 2:4\n-1 1:3\n1 3:6\n"));
    snprintf(second, sizeof second, "%s", write_text("second.svm", "1 1:2\n-1 2:1\n"));
    o.path = first;
    o.validation = second;
    o.target = NRM_TARGET_CLASS;
    o.kind = NRM_DATASET_TABLE;
    assert_ok(ctx, nrm_dataset_open(ctx, &d, &o));
    assert_int_equal(nrm_dataset_describe(d).features, 3); /* the second file has but two */
    assert_ok(ctx, nrm_dataset_sweep(ctx, d, NRM_VALIDATION, 0, &batch, &count));
    assert_int_equal(count, 2);
    assert_int_equal(labels[0], 1);
    assert_int_equal(labels[1], 0);
    /* Column 0 is 1 0 3 0: mean 1, variance 1.5; column 1 is 0 4 0 0: mean 1, variance 3; column 2
     * is 2 0 0 6: mean 2, variance 6. */
    const double expected[] = {1 / sqrt(1.5), -1 / sqrt(3), -2 / sqrt(6), -1 / sqrt(1.5), 0, -2 / sqrt(6)};
    for (int i = 0; i < 6; i++) assert_near((double)features[i], expected[i], 1e-6);
    assert_ok(ctx, nrm_dataset_save(ctx, d, &json));
    nrm_dataset_destroy(ctx, d);

    nrm_dataset_options later = nrm_dataset_options_default();
    later.path = second;
    later.kind = NRM_DATASET_TABLE;
    later.validation_fraction = 0;
    later.state = json;
    float before[6];
    memcpy(before, features, sizeof before);
    assert_ok(ctx, nrm_dataset_open(ctx, &again, &later));
    assert_ok(ctx, nrm_dataset_sweep(ctx, again, NRM_TRAINING, 0, &batch, &count));
    assert_memory_equal(before, features, sizeof before);
    nrm_dataset_destroy(ctx, again);
    later.path = write_text("third.svm", "2 1:2\n");
    assert_refused(ctx, &later, NRM_E_RANGE, "the target of row 0 (from 0) is 2, which is none of the 2 classes");
    later.path = write_text("wide.svm", "1 1:2 4:1\n");
    assert_refused(ctx, &later, NRM_E_SHAPE, "has 4 columns; the 3 of the training data");
    later.kind = NRM_DATASET_IMAGES;
    assert_refused(ctx, &later, NRM_E_FORMAT, "the state is that of table data, but these are images");
    nrm_free(ctx, json);

    later.kind = NRM_DATASET_TABLE;
    static const char *const states[] = {
        "{\"data\":\"table\"}", "{\"data\":\"table\",\"shape\":[0],\"mean\":[],\"scale\":[]}",
        "{\"data\":\"table\",\"shape\":[2],\"mean\":[0],\"scale\":[1,1],\"values\":1}",
        "{\"data\":\"table\",\"shape\":[1],\"mean\":[0],\"scale\":[0],\"values\":1}",
        "{\"data\":\"table\",\"shape\":[1],\"mean\":[null],\"scale\":[1],\"values\":1}",
        "{\"data\":\"table\",\"shape\":[1],\"mean\":[0],\"scale\":[1]}",
        "{\"data\":\"table\",\"shape\":[1],\"mean\":[0],\"scale\":[1],\"class_value\":[1,1]}",
        "{\"data\":\"table\",\"shape\":[1e300],\"mean\":[0],\"scale\":[1],\"values\":1}"};
    for (int i = 0; i < NRM_COUNT(states); i++) {
        later.state = states[i];
        assert_refused(ctx, &later, NRM_E_FORMAT, "data: ");
    }
    o.dense_bytes = 40;
    assert_refused(ctx, &o, NRM_E_OVERFLOW, "4 x 3 sparse rows take 48 bytes once dense; dense_bytes allows 40");
    nrm_ctx_destroy(ctx);
}

static void test_values(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_dataset_options o = nrm_dataset_options_default();
    float x[] = {1, 2, 3, 4, 5, 6};
    double y[] = {1, -1, 2, -2, 3, -3};
    int64_t short_y[] = {1, 2};
    const nrm_array ax = view(NRM_F32, 2, (const int64_t[]){3, 2}, x), ay = view(NRM_F64, 2, (const int64_t[]){3, 2}, y);
    const nrm_array as = view(NRM_I64, 1, (const int64_t[]){2}, short_y);
    nrm_batch batch = {.rows = 4, .features = features, .values = values};
    nrm_dataset *d = NULL;
    int64_t count;

    o.validation_fraction = 0;
    assert_ok(ctx, nrm_dataset_from_arrays(ctx, &d, &o, &ax, &ay, NULL, NULL));
    assert_int_equal(nrm_dataset_describe(d).values, 2);
    assert_ok(ctx, nrm_dataset_sweep(ctx, d, NRM_TRAINING, 0, &batch, &count));
    assert_int_equal(count, 3);
    for (int i = 0; i < 6; i++) assert_near((double)values[i], y[i], 0);
    assert_near((double)values[6], 0, 0);
    assert_near((double)features[6], 0, 0);
    batch.rows = 5;
    assert_status(ctx, nrm_dataset_batch(ctx, d, NRM_TRAINING, 0, 0, &batch), NRM_E_RANGE);
    assert_message(ctx, "a batch of 5 is asked for, but the training part of the arrays has 3 examples");
    nrm_dataset_destroy(ctx, d);
    d = NULL;
    assert_status(ctx, nrm_dataset_from_arrays(ctx, &d, &o, &ax, &as, NULL, NULL), NRM_E_SHAPE);
    assert_message(ctx, "there are 3 training examples, but 2 targets");
    o.target = NRM_TARGET_CLASS;
    assert_status(ctx, nrm_dataset_from_arrays(ctx, &d, &o, &ax, &ay, NULL, NULL), NRM_E_SHAPE);
    assert_status(ctx, nrm_dataset_from_arrays(ctx, &d, &o, &ax, &ay, &ax, NULL), NRM_E_NULL);
    assert_null(d);
    nrm_ctx_destroy(ctx);
}

/* ---- Images --------------------------------------------------------------------------------------------------------- */

static const unsigned char idx_images[] = {0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 255, 51, 102, 153, 204};

static void test_idx(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    unsigned char idx_labels[] = {0, 0, 8, 1, 0, 0, 0, 3, 2, 0, 1};
    nrm_dataset_options o = nrm_dataset_options_default();
    const nrm_batch batch = {.rows = 3, .features = features, .labels = labels};
    char images[4096], beside[4096];
    nrm_dataset *d;
    int64_t count;

    snprintf(images, sizeof images, "%s", write_file("images-idx3-ubyte", idx_images, sizeof idx_images));
    snprintf(beside, sizeof beside, "%.*slabels-idx1-ubyte", (int)(strlen(images) - strlen("images-idx3-ubyte")), images);
    o.path = images;
    o.validation_fraction = 0;
    assert_refused(ctx, &o, NRM_E_IO, "images need labels, looked for beside them");
    FILE *file = fopen(beside, "wb");
    assert_int_equal(fwrite(idx_labels, 1, sizeof idx_labels, file), sizeof idx_labels);
    fclose(file);
    assert_ok(ctx, nrm_dataset_open(ctx, &d, &o));
    const nrm_dataset_about about = nrm_dataset_describe(d);
    assert_int_equal(about.kind, NRM_DATASET_IMAGES);
    assert_int_equal(about.ndim, 3);
    assert_int_equal(about.shape[0], 1);
    assert_int_equal(about.shape[2], 2);
    assert_int_equal(about.classes, 3);
    assert_ok(ctx, nrm_dataset_sweep(ctx, d, NRM_TRAINING, 0, &batch, &count));
    /* 0 1 .2 .4 .6 .8: mean 1/2, variance (.25 + .25 + .09 + .01 + .01 + .09) / 6 */
    const double x[] = {0, 1, .2, .4, .6, .8}, scale = sqrt(.7 / 6);
    for (int i = 0; i < 6; i++) assert_near((double)features[i], (x[i] - .5) / scale, 1e-6);
    assert_int_equal(labels[0], 2);
    assert_int_equal(labels[1], 0);
    assert_int_equal(labels[2], 1);
    char *json;
    assert_ok(ctx, nrm_dataset_save(ctx, d, &json));
    nrm_dataset_destroy(ctx, d);

    idx_labels[9] = 7; /* more classes than the checkpoint has */
    o.state = json;
    o.kind = NRM_DATASET_IMAGES;
    o.labels = write_file("given-labels", idx_labels, sizeof idx_labels);
    assert_refused(ctx, &o, NRM_E_RANGE, "the label of image 1 (from 0) is 7; labels are whole numbers from 0 to 2");
    nrm_free(ctx, json);
    o.state = NULL;
    idx_labels[7] = 2;
    o.labels = write_file("two-labels", idx_labels, sizeof idx_labels - 1);
    assert_refused(ctx, &o, NRM_E_SHAPE, "there are 3 training examples, but 2 targets");
    o.labels = write_text("bad-labels.csv", "0\n-1\n2\n");
    assert_refused(ctx, &o, NRM_E_RANGE, "the label of image 1 (from 0) is -1");
    o.labels = write_text("bad-labels2.csv", "0\n0.5\n2\n");
    assert_refused(ctx, &o, NRM_E_RANGE, "is 0.5");
    o.labels = NULL;
    o.path = write_file("pictures-idx3-ubyte", idx_images, sizeof idx_images);
    assert_refused(ctx, &o, NRM_E_ARGUMENT, "images need labels; give their file");
    unsigned char wrong[sizeof idx_images];
    memcpy(wrong, idx_images, sizeof wrong);
    wrong[2] = 0x77;
    o.path = write_file("images.idx", wrong, sizeof wrong);
    assert_refused(ctx, &o, NRM_E_FORMAT, "idx file begins with two zero bytes, a type and the number of dimensions");
    remove(images);
    remove(beside);
    nrm_ctx_destroy(ctx);
}

/* Channels have scales of their own; an npz brings its own part to validate on. */
static void test_npz(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    float x[2 * 2 * 2 * 1] = {0, 2, 10, 10, 4, 6, 30, 30}, test[2 * 2] = {3, 3, 20, 20};
    int64_t y[2] = {0, 1}, test_y[1] = {1};
    nrm_named items[] = {{"x_train", view(NRM_F32, 4, (const int64_t[]){2, 2, 2, 1}, x)},
                         {"y_train", view(NRM_I64, 1, (const int64_t[]){2}, y)},
                         {"x_test", view(NRM_F32, 4, (const int64_t[]){1, 2, 2, 1}, test)},
                         {"y_test", view(NRM_I64, 1, (const int64_t[]){1}, test_y)}};
    const nrm_bundle bundle = {items, 4}, part = {items + 2, 1};
    nrm_dataset_options o = nrm_dataset_options_default();
    const nrm_batch batch = {.rows = 2, .features = features, .labels = labels};
    nrm_dataset *d;
    int64_t count;

    o.path = nrm_test_temp("images.npz");
    assert_ok(ctx, nrm_save_bundle(ctx, o.path, &bundle));
    assert_ok(ctx, nrm_dataset_open(ctx, &d, &o));
    assert_int_equal(nrm_dataset_describe(d).shape[0], 2);
    assert_int_equal(nrm_dataset_describe(d).examples[NRM_TRAINING], 2);
    assert_ok(ctx, nrm_dataset_sweep(ctx, d, NRM_TRAINING, 0, &batch, &count));
    const double scale = sqrt(5); /* 0 2 4 6 about 3 */
    const double expected[] = {-3 / scale, -1 / scale, -1, -1, 1 / scale, 3 / scale, 1, 1};
    for (int i = 0; i < 8; i++) assert_near((double)features[i], expected[i], 1e-6);
    assert_ok(ctx, nrm_dataset_sweep(ctx, d, NRM_VALIDATION, 0, &batch, &count));
    assert_int_equal(count, 1);
    for (int i = 0; i < 4; i++) assert_near((double)features[i], 0, 1e-12);
    assert_int_equal(labels[0], 1);
    assert_int_equal(labels[1], NRM_LABEL_IGNORED);
    nrm_dataset_destroy(ctx, d);
    o.kind = NRM_DATASET_TABLE;
    assert_refused(ctx, &o, NRM_E_SHAPE, "a table has rows and columns");
    o.path = nrm_test_temp("part.npz");
    assert_ok(ctx, nrm_save_bundle(ctx, o.path, &part));
    assert_refused(ctx, &o, NRM_E_FORMAT, "has no arrays x and y");
    nrm_ctx_destroy(ctx);
}

/* ---- Generated digits --------------------------------------------------------------------------------------------- */

static void test_digits(void **state)
{
    (void)state;
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_examples few = {0}, many = {0};
    int count[10] = {0};

    assert_ok(ctx, nrm_set_threads(ctx, 1));
    assert_ok(ctx, nrm_digits(ctx, 4, 50, &few));
    assert_ok(ctx, nrm_set_threads(ctx, 2));
    assert_ok(ctx, nrm_digits(ctx, 4, 1000, &many));
    assert_memory_equal(few.x.data, many.x.data, 50 * 784);
    assert_memory_equal(few.y.data, many.y.data, 50 * sizeof(double));
    for (int i = 0; i < 1000; i++) {
        const uint8_t *p = (const uint8_t *)many.x.data + i * 784;
        int ink = 0;
        for (int k = 0; k < 784; k++) ink += p[k] > 128;
        assert_in_range(ink, 8, 350);
        count[(int)((const double *)many.y.data)[i]]++;
    }
    for (int c = 0; c < 10; c++) assert_in_range(count[c], 60, 140);
    nrm_examples_destroy(ctx, &few);
    nrm_examples_destroy(ctx, &many);

    nrm_dataset_options o = nrm_dataset_options_default();
    nrm_dataset *d;
    for (o.kind = NRM_DATASET_IMAGES; o.kind <= NRM_DATASET_TABLE; o.kind++) {
        assert_ok(ctx, nrm_dataset_open(ctx, &d, &o));
        const nrm_dataset_about about = nrm_dataset_describe(d);
        assert_int_equal(about.classes, 10);
        assert_int_equal(about.features, 784);
        assert_string_equal(about.name, "generated digits");
        nrm_dataset_destroy(ctx, d);
    }
    nrm_ctx_destroy(ctx);
}

static void test_real(void **state)
{
    (void)state;
    const char *path = nrm_test_data("mnist/t10k-images-idx3-ubyte.gz");
    if (!path) { print_message("MNIST is absent\n"); skip(); }
    nrm_ctx *ctx = nrm_test_ctx(NULL);
    nrm_dataset_options o = nrm_dataset_options_default();
    nrm_dataset *d;

    o.path = path;
    o.validation_fraction = 0;
    assert_ok(ctx, nrm_dataset_open(ctx, &d, &o));
    assert_int_equal(nrm_dataset_describe(d).examples[NRM_TRAINING], 10000);
    assert_int_equal(nrm_dataset_describe(d).classes, 10);
    assert_near(d->mean[0], 0.1325, 1e-3); /* the test set's, known to everybody */
    assert_near(d->scale[0], 0.3105, 1e-3);
    assert_int_equal(d->part[NRM_TRAINING].labels[0], 7);
    nrm_dataset_destroy(ctx, d);

    char first[4096];
    path = nrm_test_data("libsvm/a9a");
    if (path) {
        snprintf(first, sizeof first, "%s", path);
        o = nrm_dataset_options_default();
        o.path = first;
        o.validation = nrm_test_data("libsvm/a9a.t");
        assert_ok(ctx, nrm_dataset_open(ctx, &d, &o));
        assert_int_equal(nrm_dataset_describe(d).classes, 2);
        assert_int_equal(nrm_dataset_describe(d).examples[NRM_VALIDATION], 16281);
        nrm_dataset_destroy(ctx, d);
    }
    nrm_ctx_destroy(ctx);
}

static nrm_status whole_life(nrm_ctx *ctx, void *user)
{
    (void)user;
    static float x[20 * 2];
    static int64_t y[20];
    nrm_dataset_options o = nrm_dataset_options_default();
    nrm_dataset *d = NULL, *again = NULL;
    char *json = NULL;
    nrm_status st;

    for (int i = 0; i < 40; i++) x[i] = (float)i;
    for (int i = 0; i < 20; i++) y[i] = i % 2;
    nrm_array ax = {x, NRM_F32, 2, {20, 2}, false}, ay = {y, NRM_I64, 1, {20}, false};
    NRM_TRY_DONE(nrm_dataset_from_arrays(ctx, &d, &o, &ax, &ay, NULL, NULL));
    NRM_TRY_DONE(nrm_dataset_save(ctx, d, &json));
    o.state = json;
    NRM_TRY_DONE(nrm_dataset_from_arrays(ctx, &again, &o, &ax, &ay, NULL, NULL));
    nrm_dataset_destroy(ctx, again);
    again = NULL;
    o.state = NULL;
    o.path = "[[1,2,3],[4,5,6],[7,8,9]]";
    o.kind = NRM_DATASET_TABLE;
    NRM_TRY_DONE(nrm_dataset_open(ctx, &again, &o));
done:
    nrm_free(ctx, json);
    nrm_dataset_destroy(ctx, d);
    nrm_dataset_destroy(ctx, again);
    return st;
}

static void test_memory(void **state)
{
    (void)state;
    nrm_test_allocation_failures(whole_life, NULL, NULL, 0);
}

NRM_TEST_MAIN(cmocka_unit_test(test_epochs), cmocka_unit_test(test_orders_are_even), cmocka_unit_test(test_split),
              cmocka_unit_test(test_csv), cmocka_unit_test(test_validation_and_state), cmocka_unit_test(test_values),
              cmocka_unit_test(test_idx), cmocka_unit_test(test_npz), cmocka_unit_test(test_digits),
              cmocka_unit_test(test_real), cmocka_unit_test(test_memory))
