// Two sessions over the same inputs: how far each layer's output of one is from the other's.
#include "api/handles.h"
#include <math.h>
#include <string.h>

#define KEPT_BYTES ((size_t)256 << 20) // of a's activations at once; what is more takes another pass over the inputs

// A layer of b whose output a writes too. Passes keep the tensor that they fuse into, with its name, so a tensor of one
// name holds the same value in both graphs whatever was fused on the way to it.
typedef struct pair {
  int layer;
  mf_tensor_id a, b;
  size_t item;          // numbers of the tensor for one image
  float *kept;          // a's, of the batch
  double signal, noise; // of this chunk
  double signal_sum, noise_sum;
} pair;

typedef struct comparison {
  minfer_session *a, *b;
  pair *pairs;
  int pair_count;
  int first, last; // pairs of this pass
  size_t at;       // image of the batch that the chunk begins with
} comparison;

static int find_layer(const mf_plan *plan, const char *tensor) {
  const mf_graph *g = plan->graph;
  for (int i = 0; i < plan->layer_count; i++)
    if (strcmp(g->tensors[g->nodes[plan->layers[i].node].output].name, tensor) == 0) return i;
  return -1;
}

static mf_status count_item(const minfer_session *s, mf_tensor_id tensor, size_t *count, mf_error *e) {
  if (!mf_shape_elements(&s->graph->tensors[tensor].shape, count)) return mf_fail_memory(e, SIZE_MAX);
  *count /= (size_t)s->options.chunk;
  return MF_OK;
}

static mf_status find_pairs(comparison *c, minfer_layer_error *out, mf_error *e) {
  const mf_plan *a = c->a->plan, *b = c->b->plan;
  size_t bytes = (size_t)b->layer_count * sizeof *c->pairs;
  c->pairs = mf_alloc_zero(bytes);
  if (!c->pairs) return mf_fail_memory(e, bytes);
  for (int i = 0; i < b->layer_count; i++) {
    const mf_tensor_id tensor = b->graph->nodes[b->layers[i].node].output;
    const int layer = find_layer(a, b->graph->tensors[tensor].name);
    out[i] = (minfer_layer_error){.layer_a = layer, .sqnr_db = NAN};
    if (layer < 0) continue;
    pair *p = &c->pairs[c->pair_count++];
    *p = (pair){.layer = i, .a = a->graph->nodes[a->layers[layer].node].output, .b = tensor};
    size_t there = 0;
    MF_TRY(count_item(c->b, p->b, &p->item, e));
    MF_TRY(count_item(c->a, p->a, &there, e));
    if (there != p->item)
      return mf_fail(e, MF_ERR_USAGE,
                     "the sessions do not fit: \"%s\" has %zu numbers an image in one and %zu in the other",
                     b->graph->tensors[tensor].name, there, p->item);
  }
  return MF_OK;
}

// What an equalised activation stands for.
static double real(const mf_tensor *tensor, size_t count, const float *data, size_t i) {
  if (!tensor->factors) return (double)data[i];
  const size_t items = (size_t)tensor->shape.dim[0], channels = (size_t)tensor->shape.dim[1];
  return (double)data[i] * (double)tensor->factors[i / (count / items / channels) % channels];
}

static mf_status keep(mf_tensor_id tensor, const float *data, size_t count, void *context, mf_error *e) {
  comparison *c = context;
  (void)e;
  for (int i = c->first; i < c->last; i++)
    for (size_t k = 0; k < count && c->pairs[i].a == tensor; k++)
      c->pairs[i].kept[c->at * c->pairs[i].item + k] = (float)real(&c->a->graph->tensors[tensor], count, data, k);
  return MF_OK;
}

static mf_status subtract(mf_tensor_id tensor, const float *data, size_t count, void *context, mf_error *e) {
  comparison *c = context;
  (void)e;
  for (int i = c->first; i < c->last; i++) {
    pair *p = &c->pairs[i];
    if (p->b != tensor) continue;
    double signal = 0, noise = 0;
    for (size_t k = 0; k < count; k++) {
      const double was = p->kept[c->at * p->item + k],
                   difference = was - real(&c->b->graph->tensors[tensor], count, data, k);
      signal += was * was;
      noise += difference * difference;
    }
    p->signal = signal; // set, not added: a layer of several primitives shows its output more than once
    p->noise = noise;
  }
  return MF_OK;
}

static mf_status run_batch(comparison *c, const minfer_input *input, int first, mf_error *e) {
  MF_TRY(mf_api_load(c->a, input, first, e));
  MF_TRY(mf_api_load(c->b, input, first, e));
  for (int chunk = 0; chunk < c->a->plan->chunks; chunk++) {
    c->at = (size_t)chunk * (size_t)c->a->options.chunk;
    MF_TRY(mf_session_observe(c->a->session, chunk, keep, c, e));
  }
  for (int chunk = 0; chunk < c->b->plan->chunks; chunk++) {
    c->at = (size_t)chunk * (size_t)c->b->options.chunk;
    MF_TRY(mf_session_observe(c->b->session, chunk, subtract, c, e));
    for (int i = c->first; i < c->last; i++) {
      c->pairs[i].signal_sum += c->pairs[i].signal;
      c->pairs[i].noise_sum += c->pairs[i].noise;
    }
  }
  return MF_OK;
}

// The next pairs whose activations of a fit into KEPT_BYTES, at least one.
static mf_status begin_pass(comparison *c, mf_error *e) {
  size_t sum = 0;
  for (c->first = c->last; c->last < c->pair_count; c->last++) {
    pair *p = &c->pairs[c->last];
    size_t bytes;
    if (!mf_mul(p->item, sizeof *p->kept, &bytes) || !mf_mul(bytes, (size_t)c->a->options.batch, &bytes))
      return mf_fail_memory(e, SIZE_MAX);
    if (c->last > c->first && bytes > KEPT_BYTES - sum) break;
    p->kept = mf_alloc(bytes);
    if (!p->kept) return mf_fail_memory(e, bytes);
    sum = bytes > KEPT_BYTES - sum ? KEPT_BYTES : sum + bytes;
  }
  return MF_OK;
}

static void end_pass(comparison *c) {
  for (int i = c->first; i < c->pair_count; i++) {
    mf_free(c->pairs[i].kept);
    c->pairs[i].kept = NULL;
  }
}

static mf_status run_all(comparison *c, const minfer_input *input, int first, int count, mf_error *e) {
  const minfer_session_options *o = &c->b->options;
  while (c->last < c->pair_count) {
    mf_status status = begin_pass(c, e);
    for (int64_t at = 0; at < count && status == MF_OK; at += o->batch) {
      if (o->progress && !o->progress("compare layers", (size_t)at, (size_t)count, o->progress_context))
        status = mf_fail(e, MF_ERR_INTERRUPTED, "interrupted");
      const int item = (int)((first + at) % input->count);
      if (status == MF_OK) status = run_batch(c, input, item, e);
    }
    end_pass(c);
    MF_TRY(status);
  }
  return MF_OK;
}

static double decibels(double signal, double noise) {
  return noise > 0 ? 10 * log10(signal / noise) : isnan(noise) ? NAN : INFINITY;
}

static mf_status compare(comparison *c, const minfer_input *input, int first, int count, minfer_layer_error *out,
                         mf_error *e) {
  if (c->a == c->b) return mf_fail(e, MF_ERR_USAGE, "a session cannot be compared with itself");
  if (c->a->options.batch != c->b->options.batch)
    return mf_fail(e, MF_ERR_USAGE, "a batch of %d and one of %d cannot be compared (expected the same)",
                   c->a->options.batch, c->b->options.batch);
  if (!input->count) return mf_fail(e, MF_ERR_USAGE, "the input is empty");
  if (first < 0 || count < 1)
    return mf_fail(e, MF_ERR_USAGE, "there are no %d items of the input from item %d on", count, first);
  MF_TRY(find_pairs(c, out, e));
  MF_TRY(run_all(c, input, first, count, e));
  for (int i = 0; i < c->pair_count; i++)
    out[c->pairs[i].layer].sqnr_db = decibels(c->pairs[i].signal_sum, c->pairs[i].noise_sum);
  return MF_OK;
}

minfer_status minfer_session_compare(minfer_session *a, minfer_session *b, const minfer_input *input, int first,
                                     int count, minfer_layer_error *out, minfer_error *error) {
  mf_error e = {0};
  comparison c = {.a = a, .b = b};
  mf_status status = compare(&c, input, first, count, out, &e);
  mf_free(c.pairs);
  return mf_api_report(error, &e, status);
}
