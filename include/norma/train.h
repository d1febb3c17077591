/* norma/train.h -- training, evaluating and sampling networks: the methods `train`,
 * `evaluate` and `generate`.
 *
 *     nrm_train_options o = nrm_train_options_default();
 *     o.data = "book.txt";  o.folder = "run";  o.steps = 2000;
 *     nrm_train(ctx, NULL, NULL, &o, NULL, &info);
 *
 * leaves run/checkpoint.safetensors, run/log.jsonl and run/loss.svg.  The checkpoint holds the
 * parameters, the optimizer's state, the configuration, what was learnt from the data
 * (tokenizer, scales, classes) and the counters: a run that is resumed gives the bits of one
 * that was not interrupted, on the same build and machine with as many threads or others.
 *
 * Without data it trains on what the library carries: its own documentation as text, or
 * drawn digits as images.
 *
 * Where the context has a communicator (nrm_set_comm) its ranks share the run: each takes some
 * rows of every batch and holds the optimizer's state of some parameters (docs/distributed.md).
 * All call this with the same arguments; files are written by rank 0. */
#ifndef NORMA_TRAIN_H
#define NORMA_TRAIN_H

#include <norma/method.h>
#include <norma/optim.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the data are.  guess: numbers in a file with three or more dimensions are images, other
 * numbers a table, anything else a text. */
#define NRM_DATASET_KINDS(C)         \
    C(NRM_DATASET_GUESS, "guess")    \
    C(NRM_DATASET_TEXT, "text")      \
    C(NRM_DATASET_IMAGES, "images")  \
    C(NRM_DATASET_TABLE, "table")
NRM_CHOICES(nrm_dataset_kind, NRM_DATASET_KINDS);

/* What the targets of a table are.  auto: classes where all are whole numbers, at most 100
 * different ones, each five times or more on the average. */
#define NRM_TARGETS(C)              \
    C(NRM_TARGET_AUTO, "auto")      \
    C(NRM_TARGET_CLASS, "class")    \
    C(NRM_TARGET_VALUE, "value")
NRM_CHOICES(nrm_target, NRM_TARGETS);

/* auto: bytes, but a file that looks binary is refused; byte takes it. */
#define NRM_TOKENIZER_CHOICES(C)               \
    C(NRM_TOKENIZER_CHOICE_AUTO, "auto")       \
    C(NRM_TOKENIZER_CHOICE_BYTE, "byte")       \
    C(NRM_TOKENIZER_CHOICE_CHAR, "char")       \
    C(NRM_TOKENIZER_CHOICE_BPE, "bpe")
NRM_CHOICES(nrm_tokenizer_choice, NRM_TOKENIZER_CHOICES);

/* The learning rate over the steps (src/train/schedule.h has the formulas). */
#define NRM_SCHEDULES(C)                 \
    C(NRM_SCHEDULE_COSINE, "cosine")     \
    C(NRM_SCHEDULE_CONSTANT, "constant") \
    C(NRM_SCHEDULE_LINEAR, "linear")     \
    C(NRM_SCHEDULE_STABLE, "stable")
NRM_CHOICES(nrm_schedule_kind, NRM_SCHEDULES);

/* The optimizers of norma/optim.h, each with its own number, then L-BFGS. */
#define NRM_TRAIN_OPTIMIZERS(C) NRM_OPTIMIZER_KINDS(C) C(NRM_TRAIN_LBFGS, "lbfgs")
enum { NRM_TRAIN_LBFGS = nrm_optimizer_kind_count };

/* auto: the optimizer's own; words an optimizer does not know are refused. */
#define NRM_TRAIN_COEFFICIENTS(C)                   \
    C(NRM_TRAIN_COEFFICIENTS_AUTO, "auto")          \
    C(NRM_TRAIN_COEFFICIENTS_MUON, "muon")          \
    C(NRM_TRAIN_COEFFICIENTS_POLAR_EXPRESS, "polar_express")     \
    C(NRM_TRAIN_COEFFICIENTS_POLAR_EXPRESS8, "polar_express8")   \
    C(NRM_TRAIN_COEFFICIENTS_QUINTIC_CLASSIC, "quintic_classic") \
    C(NRM_TRAIN_COEFFICIENTS_CUBIC_CLASSIC, "cubic_classic")     \
    C(NRM_TRAIN_COEFFICIENTS_MUON8_2, "muon8+2")                 \
    C(NRM_TRAIN_COEFFICIENTS_EXACT, "exact")
NRM_CHOICES(nrm_train_coefficients, NRM_TRAIN_COEFFICIENTS);

#define NRM_PRECISIONS(C) C(NRM_PRECISION_F32, "f32") C(NRM_PRECISION_F64, "f64")
NRM_CHOICES(nrm_precision, NRM_PRECISIONS);

#define NRM_TRAIN_OPTIONS(P)                                                                                          \
    P(text, data, NULL, "file", "0.2", "text, images (idx, npy) or a table (csv, LIBSVM, npy) to learn from; none: data that the library carries") \
    P(text, labels, NULL, "file", "0.2", "targets of images or a table, where data does not hold them")               \
    P(text, validation_data, NULL, "file", "0.2", "what to validate on; none: a part of data")                        \
    P(text, validation_labels, NULL, "file", "0.2", "its targets")                                                    \
    P(choice, kind, NRM_DATASET_GUESS, NRM_DATASET_KINDS, "0.2", "what the data are")                                 \
    P(choice, target, NRM_TARGET_AUTO, NRM_TARGETS, "0.2", "of a table: classes or values")                           \
    P(i64, target_column, -1, -65536, 65535, "", "0.2", "column of a table's targets; negative: from the end")        \
    P(choice, tokenizer, NRM_TOKENIZER_CHOICE_AUTO, NRM_TOKENIZER_CHOICES, "0.2", "what a token of a text is")        \
    P(i64, vocabulary, 512, 257, 65536, "", "0.2", "tokens that bpe learns")                                          \
    P(i64, context, 64, 1, 65536, "", "0.2", "tokens that a text's network sees at once")                             \
    P(f64, validation, 0.1, 0.0, 0.9, "", "0.2", "share of data kept for validation")                                 \
    P(text, model, "auto", "words", "0.2", "gpt, convnet, mlp, a JSON object, or a file that holds one; auto: by the data") \
    P(text, folder, NULL, "folder", "0.2", "where checkpoint, log and curve go; none: nothing is written")            \
    P(text, resume, NULL, "file", "0.2", "checkpoint to go on from; data and options must be those of the run")       \
    P(i64, steps, 1000, 1, INT64_C(1) << 40, "", "0.2", "optimizer steps in all")                                     \
    P(i64, batch, 16, 1, INT64_C(1) << 20, "", "0.2", "examples of a forward and backward pass")                      \
    P(i64, accumulate, 1, 1, 65536, "", "0.2", "passes whose gradients make one step")                                \
    P(choice, optimizer, NRM_OPTIMIZER_ADAMW, NRM_TRAIN_OPTIMIZERS, "0.2",                                            \
      "matrix optimizers take the hidden matrices, AdamW the rest; lbfgs sees all data at every step")                \
    P(f64, lr, 0.0, 0.0, DBL_MAX, "", "0.2", "largest learning rate; 0: usual (sgd 0.1, lbfgs 1, else the optimizer's own)") \
    P(f64, matrix_lr, 0.0, 0.0, DBL_MAX, "", "0.2", "that of a matrix optimizer; 0: its own (muon 0.02)")             \
    P(f64, momentum, -1.0, -1.0, 1 - DBL_EPSILON, "", "0.2", "of optimizers that have one; -1: usual (sgd 0.9, else their own)") \
    P(flag, nesterov, true, "0.2", "look ahead, where the optimizer can")                                             \
    P(f64, beta1, 0.9, 0.0, 1 - DBL_EPSILON, "", "0.2", "adamw: memory of the mean gradient")                         \
    P(f64, beta2, 0.99, 0.0, 1 - DBL_EPSILON, "", "0.2", "adamw: memory of the mean square")                          \
    P(f64, eps, 1e-8, NRM_POSITIVE, DBL_MAX, "", "0.2", "adamw: added to the root of the mean square")                \
    P(f64, weight_decay, 0.01, 0.0, DBL_MAX, "", "0.2", "decoupled, on weights alone; biases, norms keep theirs")      \
    P(choice, ns_coefficients, NRM_TRAIN_COEFFICIENTS_AUTO, NRM_TRAIN_COEFFICIENTS, "0.2", "polynomial of the Newton-Schulz steps; auto: the optimizer's own") \
    P(i64, ns_steps, 0, 0, 100, "", "0.2", "Newton-Schulz steps; 0: the polynomial's own")                            \
    P(text, optimizer_options, NULL, "", "0.2", "more options of the optimizer; see norma help optimizer-step") \
    P(choice, schedule, NRM_SCHEDULE_COSINE, NRM_SCHEDULES, "0.2", "of the learning rate after the warm-up")          \
    P(i64, warmup, -1, -1, INT64_C(1) << 40, "", "0.2", "steps of linear rise; -1: a hundredth of all")               \
    P(i64, decay, -1, -1, INT64_C(1) << 40, "", "0.2", "stable: last steps that fall; -1: a fifth of all")            \
    P(f64, floor, 0.1, 0.0, 1.0, "", "0.2", "share of the learning rate that is left at the end")                     \
    P(f64, clip, 1.0, 0.0, DBL_MAX, "", "0.2", "largest 2-norm of the gradient; 0: any")                              \
    P(i64, evaluate_every, 0, 0, INT64_C(1) << 40, "", "0.2", "steps between validations; 0: a tenth of all")         \
    P(i64, evaluate_batches, 0, 0, INT64_C(1) << 40, "", "0.2", "batches of a validation on the way; 0: all")         \
    P(i64, patience, 0, 0, INT64_C(1) << 40, "", "0.2", "stop after so many validations without gain; 0: never")      \
    P(i64, checkpoint_every, 0, 0, INT64_C(1) << 40, "", "0.2", "steps between checkpoints; 0: with every validation") \
    P(choice, precision, NRM_PRECISION_F32, NRM_PRECISIONS, "0.2", "type of all parameters and arrays")
NRM_OPTIONS(train, NRM_TRAIN_OPTIONS);

#define NRM_TRAIN_INFO(F)                                                                        \
    F(i64, steps, "", "steps done, those before a resume included")                              \
    F(f64, loss, "", "of the last step")                                                         \
    F(f64, validation_loss, "", "mean over the validation part at the end")                      \
    F(f64, best_loss, "", "the least validation loss")                                           \
    F(i64, best_step, "", "the step where that was")                                             \
    F(f64, accuracy, "", "share of the validation part that is right at the end; -1: no classes") \
    F(i64, parameters, "", "numbers that are trained")                                           \
    F(f64, flops, "", "of a training pass")                                                      \
    F(f64, rate, "1/s", "tokens or examples a second, validation left out")                      \
    F(f64, first_step, "s", "from the call to the end of the first step")                        \
    F(f64, optimizer_share, "s/s", "of the training time that the optimizer's steps took")          \
    F(i64, state_bytes, "B", "state of the optimizer, of this rank")                             \
    F(i64, ranks, "", "that shared the run")                                                     \
    F(i64, bytes_sent, "B", "to other ranks, of this rank")                                      \
    F(flag, early, "", "patience ended it")                                                      \
    F(f64, seconds, "s", "wall time")
NRM_INFO(train, NRM_TRAIN_INFO);

/* Train.  x (n, ...) and y (n) or (n, k) are data in memory, or NULL: see options.data.
 * losses (may be NULL; steps values) receives the loss of every step, those before a resume
 * NaN.  NRM_OK; NRM_PARTIAL (cancelled: the checkpoint of the last whole step is written where
 * `folder` is given).  NRM_E_ARGUMENT, _RANGE, _FORMAT, _IO, _SHAPE (data, model or checkpoint,
 * each told), _NONFINITE (step and tensor where it began; no checkpoint is written), _NOMEM. */
NRM_API NRM_NODISCARD nrm_status nrm_train(nrm_ctx *ctx, const nrm_array *x, const nrm_array *y,
                                           const nrm_train_options *options, double *losses, nrm_train_info *info);

/* The text that is learnt where no data are given, *size bytes of UTF-8: static. */
NRM_API const char *nrm_train_default_text(int64_t *size);

/* ---- Evaluate -------------------------------------------------------------------------------- */

#define NRM_EVALUATE_PARTS(C)                \
    C(NRM_EVALUATE_ALL, "all")               \
    C(NRM_EVALUATE_VALIDATION, "validation")
NRM_CHOICES(nrm_evaluate_part, NRM_EVALUATE_PARTS);

#define NRM_EVALUATE_OPTIONS(P)                                                                                   \
    P(text, checkpoint, NRM_REQUIRED_TEXT, "file", "0.2", "what train wrote: the file or its folder")             \
    P(text, data, NULL, "file", "0.2", "as for train; none: the run's own")                                       \
    P(text, labels, NULL, "file", "0.2", "targets, where data does not hold them")                                \
    P(choice, part, NRM_EVALUATE_VALIDATION, NRM_EVALUATE_PARTS, "0.2", "of the run's own data: the validation part, or all; other data are always taken whole") \
    P(i64, batch, 64, 1, INT64_C(1) << 20, "", "0.2", "examples of a pass")
NRM_OPTIONS(evaluate, NRM_EVALUATE_OPTIONS);

#define NRM_EVALUATE_INFO(F)                                                             \
    F(f64, loss, "", "mean over tokens or examples")                                     \
    F(f64, perplexity, "", "exp(loss) of a text; else 0")                                \
    F(f64, accuracy, "", "share that is right; -1: no classes")                          \
    F(i64, count, "", "tokens or examples")                                              \
    F(i64, step, "", "steps that the checkpoint was trained")                            \
    F(f64, seconds, "s", "wall time")
NRM_INFO(evaluate, NRM_EVALUATE_INFO);

/* The loss of a trained network on data.  predictions (may be NULL): one a counted token or
 * example: the most likely class, as train met it (a table's own target values), or the
 * value; *count of them, in ctx's memory: nrm_array_destroy. */
NRM_API NRM_NODISCARD nrm_status nrm_evaluate(nrm_ctx *ctx, const nrm_array *x, const nrm_array *y,
                                              const nrm_evaluate_options *options, nrm_array *predictions,
                                              nrm_evaluate_info *info);

/* ---- Generate ---------------------------------------------------------------------------------- */

#define NRM_GENERATE_OPTIONS(P)                                                                                   \
    P(text, checkpoint, NRM_REQUIRED_TEXT, "file", "0.2", "what train wrote on a text: the file or its folder")   \
    P(text, prompt, "\n", "words", "0.2", "what the text begins with")                                            \
    P(i64, tokens, 200, 1, INT64_C(1) << 30, "", "0.2", "how many to add")                                        \
    P(f64, temperature, 0.8, 0.0, 1000.0, "", "0.2", "logits are divided by it; 0: always the most likely")       \
    P(i64, top_k, 0, 0, 65536, "", "0.2", "draw among so many most likely tokens; 0: all")                        \
    P(f64, top_p, 1.0, NRM_POSITIVE, 1.0, "", "0.2", "draw among the most likely ones that have this share together")
NRM_OPTIONS(generate, NRM_GENERATE_OPTIONS);

#define NRM_GENERATE_INFO(F)                                          \
    F(i64, tokens, "", "added")                                       \
    F(f64, rate, "1/s", "tokens a second")                            \
    F(f64, log_likelihood, "", "of the added tokens under the network, mean, at temperature 1") \
    F(f64, seconds, "s", "wall time")
NRM_INFO(generate, NRM_GENERATE_INFO);

/* A text that goes on from the prompt, drawn with the context's seed: prompt and continuation
 * as u8 (n), UTF-8 where the network makes it so; nrm_array_destroy.  NRM_OK; NRM_PARTIAL
 * (cancelled: what there is). */
NRM_API NRM_NODISCARD nrm_status nrm_generate(nrm_ctx *ctx, const nrm_generate_options *options, nrm_array *text,
                                              nrm_generate_info *info);

#ifdef __cplusplus
}
#endif
#endif
