// The smallest program around the library, in plain C11: one run on seeded weights and a generated picture.
#include <minfer.h>
#include <stdio.h>

int main(void) {
  minfer_model_options model_options = {.size = sizeof model_options, .model = "squeezenet1_1", .weights = "synthetic"};
  minfer_session_options options = {.size = sizeof options, .threads = 1};
  minfer_model *model = NULL;
  minfer_input *input = NULL;
  minfer_session *session = NULL;
  minfer_error error = {0};
  float logits[1000] = {0};
  minfer_status status = minfer_model_open(&model_options, &model, &error);
  if (status == MINFER_OK) status = minfer_input_create(model, &input, &error);
  if (status == MINFER_OK) status = minfer_input_add_generated(input, 1, 1, &error);
  if (status == MINFER_OK) status = minfer_session_create(model, input, &options, &session, &error);
  if (status == MINFER_OK) status = minfer_session_load(session, input, 0, &error);
  if (status == MINFER_OK) status = minfer_session_run(session, NULL, &error);
  if (status == MINFER_OK) status = minfer_session_output(session, logits, 1000, &error);
  double sum = 0;
  for (int i = 0; i < 1000; i++) sum += (double)logits[i] * (double)logits[i];
  if (status != MINFER_OK)
    fprintf(stderr, "%s\n", error.text);
  else
    printf("minfer %s: logits %s\n", minfer_version(), sum > 0 ? "computed" : "all zero");
  minfer_session_free(session);
  minfer_input_free(input);
  minfer_model_close(model);
  return status != MINFER_OK || !(sum > 0);
}
