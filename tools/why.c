#include "why.h"
#include <stdio.h>
#include <string.h>

enum { A, B };

// One side of the case, summed up.
typedef struct part {
  const minfer_layer *main; // the layer with most FLOPs, else the first
  const minfer_primitive *primitive;
  int layers, reorders;
  double own_ms, reorder_ms, slowest_reorder_ms;
  const minfer_primitive *slowest_reorder; // when there are reorders
  double flops, bytes;
} part;

typedef struct facts {
  part sides[2];
  int threads[2];
} facts;

static part sum_up(const why_case *c, int side) {
  const minfer_plan *plan = c->plans[side];
  part p = {.layers = c->group->counts[side], .main = &plan->layers[c->group->layers[side][0]]};
  for (int i = 1; i < p.layers; i++) {
    const minfer_layer *layer = &plan->layers[c->group->layers[side][i]];
    if (layer->flops > p.main->flops) p.main = layer;
  }
  p.primitive = &plan->primitives[p.main->first_primitive];
  for (int i = 0; i < plan->primitive_count; i++) {
    const minfer_primitive *primitive = &plan->primitives[i];
    const double ms = c->primitive_ms[side][i];
    switch (layer_group_part(c->group, side, plan, i)) {
    case GROUP_PART_NONE:
      break;
    case GROUP_PART_LAYER:
      p.own_ms += ms;
      p.flops += plan->chunks * primitive->flops;
      p.bytes += plan->chunks * (double)(primitive->bytes_read + primitive->bytes_written);
      break;
    case GROUP_PART_REORDER:
      p.reorder_ms += ms;
      if (p.reorders++ && ms <= p.slowest_reorder_ms) break;
      p.slowest_reorder = primitive;
      p.slowest_reorder_ms = ms;
      break;
    }
  }
  return p;
}

// How well an implementation does by its name: oneDNN's reference loops, im2col, everything that is generated code.
static int rank_of(const char *impl) {
  if (strncmp(impl, "ref", 3) == 0) return 0;
  return strstr(impl, "gemm") && strncmp(impl, "brg", 3) != 0 ? 1 : 2;
}

// Place of an implementation's instruction set in the order of oneDNN's; -1 when its name has none.
static int isa_of(const char *impl) {
  static const char *const order[] = {"sse41",
                                      "avx",
                                      "avx2",
                                      "avx2_vnni",
                                      "avx2_vnni_2",
                                      "avx512_core",
                                      "avx512_core_vnni",
                                      "avx512_core_bf16",
                                      "avx512_core_fp16",
                                      "avx512_core_amx",
                                      "avx512_core_amx_fp16"};
  const char *colon = strrchr(impl, ':');
  for (int i = 0; colon && i < (int)(sizeof order / sizeof *order); i++)
    if (strcmp(colon + 1, order[i]) == 0) return i;
  return -1;
}

// Vector registers of 128, 256 or 512 bits.
static int width_of(const char *impl) {
  static const int widths[] = {128, 256, 256, 256, 256};
  const int isa = isa_of(impl);
  return isa < 0 ? 0 : isa < (int)(sizeof widths / sizeof *widths) ? widths[isa] : 512;
}

// ---- the rules: each says whether it holds, and then why

static bool by_reorder(const facts *f, char *text, size_t size) {
  const part *a = &f->sides[A], *b = &f->sides[B];
  const double lost = b->own_ms + b->reorder_ms - a->own_ms - a->reorder_ms, more = b->reorder_ms - a->reorder_ms;
  const minfer_primitive *r = b->slowest_reorder;
  if (!b->reorders || more <= 0 || more < lost / 2) return false;
  snprintf(text, size, "a reorder of %.3f ms stands in front of it: %s, %s %s to %s %s (%s)", b->slowest_reorder_ms,
           r->name, r->source.dtype, r->source.format, r->destination.dtype, r->destination.format, r->reason);
  return true;
}

static bool by_fallback(const facts *f, char *text, size_t size) {
  const char *a = f->sides[A].main->impl, *b = f->sides[B].main->impl;
  if (rank_of(b) >= rank_of(a)) return false;
  snprintf(text, size,
           rank_of(b) ? "it fell back to im2col and a matrix product (%s, a: %s)"
                      : "it fell back to oneDNN's reference code (%s, a: %s)",
           b, a);
  return true;
}

static bool is_winograd(const part *p) {
  return strncmp(p->main->impl, "winograd", 8) == 0;
}

static bool by_winograd(const facts *f, char *text, size_t size) {
  const part *a = &f->sides[A], *b = &f->sides[B];
  if (is_winograd(a) == is_winograd(b)) return false;
  if (is_winograd(b))
    snprintf(text, size, "Winograd's transforms, and weights four times as large, take more than it saves (a: %s)",
             a->main->impl);
  else
    snprintf(text, size, "a multiplies less: %.1f MFLOP by Winograd's algorithm instead of %.1f", a->flops * 1e-6,
             b->flops * 1e-6);
  return true;
}

static bool by_width(const facts *f, char *text, size_t size) {
  const int a = width_of(f->sides[A].main->impl), b = width_of(f->sides[B].main->impl);
  if (!a || !b || b >= a) return false;
  snprintf(text, size, "its vectors have %d bits instead of %d (%s, a: %s)", b, a, f->sides[B].main->impl,
           f->sides[A].main->impl);
  return true;
}

static bool by_fewer_threads(const facts *f, char *text, size_t size) {
  if (f->threads[B] >= f->threads[A]) return false;
  snprintf(text, size, "%d thread%s instead of %d", f->threads[B], f->threads[B] == 1 ? " computes it" : "s compute it",
           f->threads[A]);
  return true;
}

static bool by_fusion(const facts *f, char *text, size_t size) {
  const part *a = &f->sides[A], *b = &f->sides[B];
  if (b->layers <= a->layers) return false;
  snprintf(text, size,
           "%d layers that run one after another do what %d do%s in a: %.2f MB are moved instead of %.2f MB", b->layers,
           a->layers, a->layers == 1 ? "es" : "", b->bytes * 1e-6, a->bytes * 1e-6);
  return true;
}

static bool by_conversion(const facts *f, char *text, size_t size) {
  const minfer_primitive *p = f->sides[B].primitive;
  if (!p->reason[0] || f->sides[A].primitive->reason[0]) return false;
  snprintf(text, size, "%s (%s)", p->reason, p->impl);
  return true;
}

static bool by_layout(const facts *f, char *text, size_t size) {
  const minfer_primitive *a = f->sides[A].primitive, *b = f->sides[B].primitive;
  if (!a->source.format[0] || !b->source.format[0] || strcmp(a->source.format, b->source.format) == 0) return false;
  snprintf(text, size, "it reads %s instead of %s (%s, a: %s)", b->source.format, a->source.format, b->impl, a->impl);
  return true;
}

static bool by_smallness(const facts *f, char *text, size_t size) {
  const double ms = f->sides[B].own_ms;
  if (f->threads[B] < 2 || ms >= WHY_THREADED_MS) return false;
  snprintf(text, size, "it is too small to thread: of its %.1f us the hand-over to %d threads is a large part",
           1e3 * ms, f->threads[B]);
  return true;
}

// Says something about another type or about more bytes; moving the same bytes more slowly has another cause.
static bool by_memory(const facts *f, char *text, size_t size) {
  const part *a = &f->sides[A], *b = &f->sides[B];
  if (strcmp(a->main->dtype, b->main->dtype) == 0 && b->bytes <= a->bytes) return false;
  if (b->bytes <= 0 || b->own_ms <= 0 || b->flops / b->bytes >= WHY_FLOPS_PER_BYTE) return false;
  snprintf(text, size,
           "it is memory-bound: %.1f FLOPs a byte (%.2f MB in %.3f ms are %.1f GB/s), so faster "
           "multiplication gains little",
           b->flops / b->bytes, b->bytes * 1e-6, b->own_ms, b->bytes * 1e-6 / b->own_ms);
  return true;
}

static bool by_compensation(const facts *f, char *text, size_t size) {
  const minfer_primitive *a = f->sides[A].primitive, *b = f->sides[B].primitive;
  if (strcmp(b->source.dtype, "s8") != 0 || strcmp(a->source.dtype, "s8") == 0 || !b->weights.dtype[0]) return false;
  snprintf(text, size, "its source is signed (s8): oneDNN shifts it to unsigned and compensates for that (%s)",
           b->impl);
  return true;
}

static bool by_sameness(const facts *f, char *text, size_t size) {
  const part *a = &f->sides[A], *b = &f->sides[B];
  if (strcmp(a->main->impl, b->main->impl) != 0 || strcmp(a->main->dtype, b->main->dtype) != 0) return false;
  snprintf(text, size, "none of the known reasons: both sides compute in %s with %s", b->main->dtype, b->main->impl);
  return true;
}

static bool by_nothing(const facts *f, char *text, size_t size) {
  const part *a = &f->sides[A], *b = &f->sides[B];
  snprintf(text, size, "none of the known reasons: %s in %s, a: %s in %s", b->main->impl, b->main->dtype, a->main->impl,
           a->main->dtype);
  return true;
}

static const struct {
  const char *name;
  bool (*holds)(const facts *f, char *text, size_t size);
} rules[] = {{"reorder", by_reorder},       {"fallback", by_fallback},      {"winograd", by_winograd},
             {"vector_width", by_width},    {"threads", by_fewer_threads},  {"fusion", by_fusion},
             {"conversion", by_conversion}, {"layout", by_layout},          {"small", by_smallness},
             {"memory_bound", by_memory},   {"s8_source", by_compensation}, {"same", by_sameness},
             {"unknown", by_nothing}};

void why_slower(const why_case *c, why_reason *out) {
  const facts f = {.sides = {sum_up(c, A), sum_up(c, B)}, .threads = {c->plans[A]->threads, c->plans[B]->threads}};
  size_t i = 0;
  while (!rules[i].holds(&f, out->text, sizeof out->text)) i++;
  out->rule = rules[i].name;
}
