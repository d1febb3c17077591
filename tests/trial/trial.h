/* trial.h -- methods that only the tests have: what no method of the library needs yet,
 * the doors must know all the same.
 *
 *   z-trial-words  text parameters of every content, a required one, an optional input, an
 *                  output that is text
 *   z-trial-alone  no input at all, no required parameter, every output on request
 *   z-trial-text   no example: what it reads must be there first; outputs that are any bytes
 *
 * src/method/table.c compiled with table.def of this folder has them at its end; linked in
 * place of the library's own, every door has them. */
#ifndef NRM_TRIAL_H
#define NRM_TRIAL_H

#include <norma/method.h>

#define NRM_Z_TRIAL_WORDS_OPTIONS(P)                                                             \
    P(text, model, NRM_REQUIRED_TEXT, "", "0.1", "which model: a name, or a description in JSON") \
    P(text, prompt, "it's two words", "words", "0.1", "what to begin with")                      \
    P(text, data, NULL, "file", "0.1", "where to read")                                          \
    P(text, folder, "`a|b` c", "folder", "0.1", "where to write")                                \
    P(i64, shift, 0, -1000, 1000, "", "0.1", "added to every byte")                              \
    P(text, note, NULL, "words", "0.1", "what else there is to say")
NRM_OPTIONS(z_trial_words, NRM_Z_TRIAL_WORDS_OPTIONS);

#define NRM_Z_TRIAL_WORDS_INFO(F)                         \
    F(i64, length, "bytes", "length of the prompt")       \
    F(i64, noted, "bytes", "length of the note; -1 for none") \
    F(str, said, "", "two words")
NRM_INFO(z_trial_words, NRM_Z_TRIAL_WORDS_INFO);

/* The typed function, on lengths alone. */
NRM_NODISCARD nrm_status nrm_z_trial_words(nrm_ctx *ctx, nrm_z_trial_words_info *info,
                                           const nrm_z_trial_words_options *options);

#define NRM_Z_TRIAL_ALONE_OPTIONS(P) P(text, word, "", "", "0.1", "a word, or nothing")
NRM_OPTIONS(z_trial_alone, NRM_Z_TRIAL_ALONE_OPTIONS);

#define NRM_Z_TRIAL_ALONE_INFO(F) F(i64, length, "bytes", "length of the word")
NRM_INFO(z_trial_alone, NRM_Z_TRIAL_ALONE_INFO);

#define NRM_Z_TRIAL_TEXT_OPTIONS(P)                                                              \
    P(text, source, NRM_REQUIRED_TEXT, "file", "0.1", "what to read")                            \
    P(i64, most, 4096, 1, INT64_C(1) << 20, "bytes", "0.1", "what is longer is cut")             \
    P(f64, share, 0.5, 0.0, 1 - DBL_EPSILON, "", "0.1", "how much a half is")
NRM_OPTIONS(z_trial_text, NRM_Z_TRIAL_TEXT_OPTIONS);

#define NRM_Z_TRIAL_TEXT_INFO(F) F(i64, length, "bytes", "length of the text")
NRM_INFO(z_trial_text, NRM_Z_TRIAL_TEXT_INFO);

#endif
