#include "load/recipe.h"
#include "base/text.h"
#include <float.h>
#include <math.h>
#include <string.h>

#define SIZE_MAX_PIXELS 8192
#define WIDTH_MAX 16

typedef struct source {
  const mf_weights *weights;
  const char *path;
} source;

static mf_status refuse(const source *s, const char *key, const char *value, const char *expected, mf_error *e) {
  return mf_fail(e, MF_ERR_FILE, "%s: metadata %s is \"%.80s\" (%s expected)", s->path, key, value, expected);
}

static mf_status read_size(const source *s, const char *key, int *out, mf_error *e) {
  const char *text = s->weights->metadata(s->weights, key);
  int64_t value;
  if (!text) return MF_OK;
  if (!mf_text_to_int(text, 1, SIZE_MAX_PIXELS, &value))
    return refuse(s, key, text, "a whole number from 1 to 8192", e);
  *out = (int)value;
  return MF_OK;
}

static mf_status read_positive(const source *s, const char *key, double limit, const char *expected, double *out,
                               mf_error *e) {
  const char *text = s->weights->metadata(s->weights, key);
  double value;
  if (!text) return MF_OK;
  if (!mf_text_to_double(text, &value) || !(value > 0 && value <= limit)) return refuse(s, key, text, expected, e);
  *out = value;
  return MF_OK;
}

static bool to_triple(const char *text, float out[3]) {
  for (int i = 0; i < 3; i++) {
    char part[64];
    size_t length = strcspn(text, ",");
    double value;
    if (length >= sizeof part || text[length] != (i < 2 ? ',' : 0)) return false;
    memcpy(part, text, length);
    part[length] = 0;
    if (!mf_text_to_double(part, &value) || fabs(value) > FLT_MAX) return false;
    out[i] = (float)value;
    text += length + 1;
  }
  return true;
}

static mf_status read_pixels(const source *s, mf_recipe *recipe, mf_error *e) {
  const char *mean = s->weights->metadata(s->weights, "minfer.mean");
  const char *std = s->weights->metadata(s->weights, "minfer.std");
  float value[3];
  if (mean) {
    if (!to_triple(mean, value)) return refuse(s, "minfer.mean", mean, "three numbers with commas between", e);
    memcpy(recipe->mean, value, sizeof value);
  }
  if (std) {
    if (!to_triple(std, value) || !(value[0] > 0 && value[1] > 0 && value[2] > 0))
      return refuse(s, "minfer.std", std, "three numbers above 0 with commas between", e);
    memcpy(recipe->std, value, sizeof value);
  }
  return MF_OK;
}

// A key with two possible values: *out is whether it has the second one.
static mf_status read_choice(const source *s, const char *key, const char *first, const char *second, bool *out,
                             mf_error *e) {
  const char *text = s->weights->metadata(s->weights, key);
  if (!text) return MF_OK;
  *out = strcmp(text, second) == 0;
  if (*out || strcmp(text, first) == 0) return MF_OK;
  return mf_fail(e, MF_ERR_FILE, "%s: metadata %s is \"%.80s\" (%s or %s expected)", s->path, key, text, first, second);
}

mf_status mf_recipe_from_metadata(mf_recipe *recipe, const mf_weights *weights, const char *path, mf_error *e) {
  const source s = {weights, path};
  mf_recipe r = *recipe;
  int size = 0;
  bool bicubic = r.interpolation == MF_BICUBIC;
  MF_TRY(read_pixels(&s, &r, e));
  MF_TRY(read_size(&s, "minfer.size", &size, e));
  MF_TRY(read_size(&s, "minfer.resize", &r.resize, e));
  MF_TRY(read_choice(&s, "minfer.interpolation", "bilinear", "bicubic", &bicubic, e));
  MF_TRY(read_choice(&s, "minfer.padding", "torch", "same", &r.same_padding, e));
  MF_TRY(read_positive(&s, "minfer.bn_eps", 1, "a number above 0 and at most 1", &r.bn_epsilon, e));
  MF_TRY(read_positive(&s, "minfer.width", WIDTH_MAX, "a number above 0 and at most 16", &r.multiplier, e));
  if (size) r.height = r.width = size;
  r.interpolation = bicubic ? MF_BICUBIC : MF_BILINEAR;
  if (r.resize < r.height || r.resize < r.width)
    return mf_fail(e, MF_ERR_FILE, "%s: metadata: a short side of %d pixels is too small for the input of %dx%d", path,
                   r.resize, r.height, r.width);
  *recipe = r;
  return MF_OK;
}
