#include "trace/context.h"
#include "base/random.h"
#include <stdbool.h>
#include <string.h>

void mf_trace_context_create(mf_trace_context *context) {
  mf_random(context->trace_id, sizeof context->trace_id);
  context->trace_id[15] |= 1; // never all zero
  memset(context->parent, 0, sizeof context->parent);
  context->flags = 1;
  mf_random(&context->base, sizeof context->base);
  context->base = context->base >> 1 | 1; // base + any span's id stays between 1 and 2^64
}

static int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; // capitals are not allowed
}

static bool read_bytes(const char *text, uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const int high = digit(text[2 * i]), low = high < 0 ? -1 : digit(text[2 * i + 1]);
    if (low < 0) return false;
    bytes[i] = (uint8_t)(high << 4 | low);
  }
  return true;
}

static bool any(const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (bytes[i]) return true;
  return false;
}

mf_status mf_trace_context_continue(mf_trace_context *context, const char *text, mf_error *e) {
  enum { TRACE = 3, PARENT = 36, FLAGS = 53, LENGTH = 55 };
  uint8_t version, flags, trace_id[16], parent[8];
  // Later versions may be longer, behind one more dash; version ff does not exist.
  if (strlen(text) < LENGTH || text[TRACE - 1] != '-' || text[PARENT - 1] != '-' || text[FLAGS - 1] != '-' ||
      !read_bytes(text, &version, 1) || version == 0xff ||
      (version ? text[LENGTH] && text[LENGTH] != '-' : text[LENGTH]) ||
      !read_bytes(text + TRACE, trace_id, sizeof trace_id) || !any(trace_id, sizeof trace_id) ||
      !read_bytes(text + PARENT, parent, sizeof parent) || !any(parent, sizeof parent) ||
      !read_bytes(text + FLAGS, &flags, 1))
    return mf_fail(
        e, MF_ERR_USAGE,
        "\"%s\" is no trace parent (expected 00, the trace's 32, the parent's 16 and the flags' 2 lower-case "
        "hexadecimal digits with dashes between, no id of zeros)",
        text);
  memcpy(context->trace_id, trace_id, sizeof trace_id);
  memcpy(context->parent, parent, sizeof parent);
  context->flags = flags & 3;
  return MF_OK;
}

// The finishing steps of SplitMix64 (Steele, Lea, Flood, 2014): each can be undone, so different numbers stay
// different, and 0 alone becomes 0.
uint64_t mf_trace_context_span(const mf_trace_context *context, uint64_t id) {
  uint64_t x = context->base + id;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}
