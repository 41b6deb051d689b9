#include "classify.h"
#include "fail.h"
#include "interrupt.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool allocate(classification *c, int batch, bool keep_logits, float **rows) {
  size_t inputs = (size_t)c->inputs, classes = (size_t)c->classes, row_bytes;
  if (__builtin_mul_overflow(classes, sizeof **rows, &row_bytes)) return false;
  *rows = reallocarray(NULL, (size_t)batch, row_bytes);
  c->answers = reallocarray(NULL, inputs, (size_t)c->per_input * sizeof *c->answers);
  if (keep_logits) c->logits = reallocarray(NULL, inputs, row_bytes);
  return *rows && c->answers && (c->logits || !keep_logits);
}

static minfer_status classify_batch(const setup *s, int first, float *rows, classification *c, minfer_error *error) {
  size_t classes = (size_t)c->classes;
  TRY(minfer_session_load(s->session, s->input, first, error));
  TRY(minfer_session_run(s->session, NULL, error));
  TRY(minfer_session_output(s->session, rows, (size_t)s->batch * classes, error));
  for (int i = 0; i < s->batch && first + i < c->inputs; i++) {
    size_t row = (size_t)first + (size_t)i;
    const float *logits = rows + (size_t)i * classes;
    rank(logits, c->classes, c->answers + row * (size_t)c->per_input, c->per_input);
    for (size_t k = 0; k < classes; k++)
      if (!isfinite(logits[k])) c->not_finite++;
    if (c->logits) memcpy(c->logits + row * classes, logits, classes * sizeof *logits);
  }
  return MINFER_OK;
}

minfer_status classify(const setup *s, bool keep_logits, progress *p, classification *out, minfer_error *error) {
  int classes = minfer_model_describe(s->model)->classes;
  *out = (classification){.inputs = minfer_input_count(s->input),
                          .per_input = classes < ANSWER_CLASSES ? classes : ANSWER_CLASSES,
                          .classes = classes};
  float *rows = NULL;
  if (!allocate(out, s->batch, keep_logits, &rows)) {
    free(rows);
    return fail_memory(error);
  }
  minfer_status status = MINFER_OK;
  for (int first = 0; status == MINFER_OK && first < out->inputs; first += s->batch) {
    status = classify_batch(s, first, rows, out, error);
    bool go_on = progress_step("classify", (size_t)first, (size_t)out->inputs, p);
    if (status == MINFER_OK && !go_on) status = fail(error, MINFER_INTERRUPTED, "interrupted");
  }
  free(rows);
  return status;
}

void classification_free(classification *c) {
  free(c->answers);
  free(c->logits);
  *c = (classification){0};
}
