#include "load/synthetic.h"
#include "base/alloc.h"
#include "base/text.h"
#include <string.h>

#define GOLDEN 0x9e3779b97f4a7c15u // 2^64 / golden ratio

typedef struct values {
  uint64_t key;
  size_t count;
  mf_param_kind kind;
  double spread;
  float *data;
} values;

typedef struct synthetic {
  mf_weights weights;
  uint64_t seed;
  values *made; // what was asked for so far
  size_t count, capacity;
} synthetic;

static inline uint64_t mix(uint64_t z) {
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

// Every value is one integer times one factor, rounded once: nothing that compilers or machines could do differently.

// The sum of four uniform 16-bit numbers is close to normal; its mean is 131070, its variance (2^32 - 1) / 3.
static void fill_normal(float *out, size_t count, uint64_t key, double spread) {
  const double factor = spread * 0x1.bb67ae86627e8p-16; // sqrt(3 / (2^32 - 1))
  for (size_t i = 0; i < count; i++) {
    uint64_t r = mix(key + GOLDEN * (uint64_t)(i + 1));
    int64_t sum = (int64_t)((r & 0xffff) + (r >> 16 & 0xffff) + (r >> 32 & 0xffff) + (r >> 48));
    out[i] = (float)((double)(sum - 131070) * factor);
  }
}

// (5 * 2^31 + r) / (5 * 2^31) for a signed 32-bit r: uniform in 1 +- 0.2.
static void fill_near_one(float *out, size_t count, uint64_t key) {
  const int64_t one = (int64_t)5 << 31;
  const double factor = 1.0 / (double)one;
  for (size_t i = 0; i < count; i++) {
    int64_t r = (int64_t)(mix(key + GOLDEN * (uint64_t)(i + 1)) >> 32) - ((int64_t)1 << 31);
    out[i] = (float)((double)(one + r) * factor);
  }
}

static mf_status make(synthetic *s, values v, const float **data, mf_error *e) {
  if (s->count == s->capacity) {
    size_t capacity = s->capacity ? 2 * s->capacity : 64;
    values *made = mf_grow(s->made, s->count * sizeof *made, capacity * sizeof *made);
    if (!made) return mf_fail_memory(e, capacity * sizeof *made);
    s->made = made;
    s->capacity = capacity;
  }
  size_t bytes = 0;
  v.data = mf_mul(v.count, sizeof *v.data, &bytes) ? mf_alloc(bytes) : NULL;
  if (!v.data) return mf_fail_memory(e, bytes);
  if (v.kind == MF_PARAM_GAIN || v.kind == MF_PARAM_VARIANCE)
    fill_near_one(v.data, v.count, v.key);
  else
    fill_normal(v.data, v.count, v.key, v.spread);
  s->made[s->count++] = v;
  *data = v.data;
  return MF_OK;
}

static mf_status get(mf_weights *self, const mf_param *param, const float **data, mf_param_state *state,
                     mf_shape *found, mf_error *e) {
  synthetic *s = (synthetic *)self;
  uint64_t name = mf_text_hash(param->name, strlen(param->name), 0);
  values v = {.key = mix(mix(s->seed + GOLDEN) ^ name), .kind = param->kind, .spread = param->spread};
  *data = NULL;
  *found = param->shape;
  *state = MF_PARAM_OK;
  if (!mf_shape_elements(&param->shape, &v.count))
    return mf_fail(e, MF_ERR_USAGE, "%s: no synthetic values of shape %s", param->name,
                   mf_shape_print(&param->shape).text);
  for (size_t i = 0; i < s->count; i++) { // asked before: the same values, not another copy
    const values *m = &s->made[i];
    if (m->key == v.key && m->count == v.count && m->kind == v.kind && m->spread == v.spread) {
      *data = m->data;
      return MF_OK;
    }
  }
  return make(s, v, data, e);
}

static bool shape(const mf_weights *self, const char *name, mf_shape *out) {
  (void)self, (void)name, (void)out;
  return false;
}

static const char *metadata(const mf_weights *self, const char *key) {
  (void)self, (void)key;
  return NULL;
}

static void close_source(mf_weights *self) {
  synthetic *s = (synthetic *)self;
  for (size_t i = 0; i < s->count; i++) mf_free(s->made[i].data);
  mf_free(s->made);
  mf_free(s);
}

mf_status mf_synthetic_open(mf_weights **out, uint64_t seed, mf_error *e) {
  synthetic *s = mf_alloc_zero(sizeof *s);
  *out = NULL;
  if (!s) return mf_fail_memory(e, sizeof *s);
  s->weights = (mf_weights){.get = get, .shape = shape, .metadata = metadata, .close = close_source};
  s->seed = seed;
  *out = &s->weights;
  return MF_OK;
}
