// A walk over a JPEG's segments before stb_image decodes it (ITU-T T.81, annex B: markers, parameters, their ranges).
#include "load/image_format.h"
#include <string.h>

#define MAX_SCANS 100 // each costs the time of a whole image; progressive files have about ten

typedef struct component {
  int id, horizontal, vertical; // sampling factors
  int quantisation;             // index of its table
} component;

typedef struct walk {
  mf_image_bytes file;
  size_t at;
  const uint8_t *body; // of the segment at hand, without its length
  size_t length;
  bool progressive;
  int width, height;
  int components; // 0: no frame header yet
  component component[4];
  unsigned quantisation, dc, ac; // tables that have been defined, a bit each
  unsigned coded;                // components whose DC coefficients some scan holds
  int scans;
  size_t entropy_bytes;
  int adobe_transform; // of the Adobe segment, -1 without one
} walk;

static mf_status fail_broken(const walk *w, const char *what, mf_error *e) {
  return mf_fail(e, MF_ERR_FILE, "%s: broken JPEG image (%s)", w->file.name, what);
}

static mf_status fail_truncated(const walk *w, mf_error *e) {
  return mf_fail(e, MF_ERR_FILE, "%s: truncated JPEG image (no end marker)", w->file.name);
}

static mf_status fail_unsupported(const walk *w, const char *what, mf_error *e) {
  return mf_fail(e, MF_ERR_FILE, "%s: a JPEG image with %s (baseline or progressive, 8 bits a sample, Huffman coded)",
                 w->file.name, what);
}

// Bytes between segments are padding.
static mf_status next_marker(walk *w, int *marker, mf_error *e) {
  const uint8_t *bytes = w->file.data;
  size_t size = w->file.size;
  while (w->at < size && bytes[w->at] != 0xff) w->at++;
  while (w->at < size && bytes[w->at] == 0xff) w->at++;
  if (w->at >= size) return fail_truncated(w, e);
  *marker = bytes[w->at++];
  return MF_OK;
}

static mf_status open_segment(walk *w, mf_error *e) {
  size_t rest = w->file.size - w->at;
  if (rest < 2) return fail_truncated(w, e);
  const uint8_t *start = w->file.data + w->at;
  size_t length = (size_t)start[0] << 8 | start[1];
  if (length < 2) return fail_broken(w, "a segment shorter than its length field", e);
  if (length > rest) return fail_truncated(w, e);
  w->body = start + 2;
  w->length = length - 2;
  w->at += length;
  return MF_OK;
}

// DQT
static mf_status quantisation_tables(walk *w, mf_error *e) {
  for (size_t at = 0; at < w->length;) {
    int wide = w->body[at] >> 4, table = w->body[at] & 15;
    size_t bytes = wide ? 129 : 65;
    if (wide > 1 || table > 3 || bytes > w->length - at) return fail_broken(w, "bad quantisation table", e);
    w->quantisation |= 1u << table;
    at += bytes;
  }
  return MF_OK;
}

// DHT
static mf_status huffman_tables(walk *w, mf_error *e) {
  for (size_t at = 0; at < w->length;) {
    const uint8_t *table = w->body + at;
    size_t rest = w->length - at, codes = 0;
    if (rest < 17) return fail_broken(w, "bad Huffman table", e);
    for (int i = 1; i <= 16; i++) codes += table[i];
    if (codes > 256) return fail_broken(w, "a Huffman table with more than 256 codes", e);
    if (codes > rest - 17 || table[0] >> 4 > 1 || (table[0] & 15) > 3) return fail_broken(w, "bad Huffman table", e);
    unsigned *defined = table[0] >> 4 ? &w->ac : &w->dc;
    *defined |= 1u << (table[0] & 15);
    at += 17 + codes;
  }
  return MF_OK;
}

// SOF0, SOF1, SOF2
static mf_status frame_header(walk *w, mf_error *e) {
  if (w->components) return fail_broken(w, "two frame headers", e);
  if (w->length < 6) return fail_broken(w, "bad frame header", e);
  const uint8_t *body = w->body;
  if (body[0] != 8) return fail_unsupported(w, "12 bits a sample", e);
  w->height = body[1] << 8 | body[2];
  w->width = body[3] << 8 | body[4];
  MF_TRY(mf_image_check_size(w->file.name, w->width, w->height, e));
  int count = body[5];
  if (count != 1 && count != 3 && count != 4) return fail_broken(w, "neither 1, 3 nor 4 components", e);
  if (w->length != 6 + 3 * (size_t)count) return fail_broken(w, "bad frame header", e);
  const uint8_t *from = body + 6;
  for (int i = 0; i < count; i++, from += 3) {
    component c = {from[0], from[1] >> 4, from[1] & 15, from[2]};
    if (c.horizontal < 1 || c.horizontal > 4 || c.vertical < 1 || c.vertical > 4 || c.quantisation > 3)
      return fail_broken(w, "bad component", e);
    w->component[i] = c;
  }
  w->components = count;
  return MF_OK;
}

static mf_status scan_component(walk *w, const uint8_t *from, bool dc, bool ac, mf_error *e) {
  int i = 0;
  while (i < w->components && w->component[i].id != from[0]) i++;
  if (i == w->components) return fail_broken(w, "a scan of an unknown component", e);
  int dc_table = from[1] >> 4, ac_table = from[1] & 15;
  if (dc_table > 3 || ac_table > 3) return fail_broken(w, "bad scan header", e);
  if ((dc && !(w->dc >> dc_table & 1)) || (ac && !(w->ac >> ac_table & 1)))
    return fail_broken(w, "a scan without its Huffman table", e);
  if (!(w->quantisation >> w->component[i].quantisation & 1))
    return fail_broken(w, "a scan without its quantisation table", e);
  if (dc) w->coded |= 1u << i;
  return MF_OK;
}

// SOS, and the entropy-coded bytes behind it up to the next marker; restart markers belong to them.
static mf_status scan(walk *w, mf_error *e) {
  if (!w->components) return fail_broken(w, "a scan before the frame header", e);
  if (++w->scans > MAX_SCANS) return fail_broken(w, "more than 100 scans", e);
  size_t count = w->length ? w->body[0] : 0;
  if (count < 1 || count > (size_t)w->components || w->length != 4 + 2 * count)
    return fail_broken(w, "bad scan header", e);
  const uint8_t *spectrum = w->body + 1 + 2 * count; // first and last coefficient, bit positions
  bool refinement = spectrum[2] >> 4;
  bool dc = !w->progressive || spectrum[0] == 0, ac = !w->progressive || spectrum[0] != 0;
  for (size_t i = 0; i < count; i++) MF_TRY(scan_component(w, w->body + 1 + 2 * i, dc && !refinement, ac, e));

  const uint8_t *bytes = w->file.data;
  size_t start = w->at;
  for (; w->at + 1 < w->file.size; w->at++) {
    int next = bytes[w->at + 1];
    bool restart = next >= 0xd0 && next <= 0xd7;
    if (bytes[w->at] == 0xff && next != 0 && next != 0xff && !restart) break;
  }
  w->entropy_bytes += w->at - start;
  return MF_OK;
}

static void adobe_segment(walk *w) {
  if (w->length >= 12 && memcmp(w->body, "Adobe", 6) == 0) w->adobe_transform = w->body[11];
}

static mf_status segment(walk *w, int marker, mf_error *e) {
  MF_TRY(open_segment(w, e));
  switch (marker) {
  case 0xc0:
  case 0xc1:
  case 0xc2:
    w->progressive = marker == 0xc2;
    return frame_header(w, e);
  case 0xc4:
    return huffman_tables(w, e);
  case 0xda:
    return scan(w, e);
  case 0xdb:
    return quantisation_tables(w, e);
  case 0xdd: // restart interval
    return w->length == 2 ? MF_OK : fail_broken(w, "bad restart interval", e);
  case 0xee:
    adobe_segment(w);
    return MF_OK;
  default:
    if ((marker >= 0xe0 && marker <= 0xef) || marker == 0xfe) return MF_OK; // application data, comment
    if (marker >= 0xc3 && marker <= 0xcf)
      return fail_unsupported(w, marker < 0xc8 ? "lossless or hierarchical coding" : "arithmetic coding", e);
    return fail_broken(w, "unknown marker", e);
  }
}

static mf_status check_end(const walk *w, mf_error *e) {
  if (!w->components || w->coded != (1u << w->components) - 1) return fail_broken(w, "not all components are coded", e);
  if (w->components == 4 && w->adobe_transform != 0 && w->adobe_transform != 2)
    return fail_unsupported(w, "four components of unknown meaning", e);
  size_t blocks = 0;
  int widest = 1, tallest = 1;
  for (int i = 0; i < w->components; i++) {
    if (w->component[i].horizontal > widest) widest = w->component[i].horizontal;
    if (w->component[i].vertical > tallest) tallest = w->component[i].vertical;
  }
  for (int i = 0; i < w->components; i++) {
    int columns = (w->width * w->component[i].horizontal + widest - 1) / widest;
    int rows = (w->height * w->component[i].vertical + tallest - 1) / tallest;
    blocks += (size_t)((columns + 7) / 8) * (size_t)((rows + 7) / 8);
  }
  if (blocks / 8 > w->entropy_bytes)
    return mf_fail(e, MF_ERR_FILE, "%s: truncated JPEG image (%zu bytes cannot hold %d x %d pixels)", w->file.name,
                   w->entropy_bytes, w->width, w->height);
  return MF_OK;
}

mf_status mf_image_check_jpeg(mf_image_bytes file, size_t *end, mf_error *e) {
  walk w = {.file = file, .at = 2, .adobe_transform = -1}; // behind the start marker, which the caller has seen
  int marker = 0;
  for (;;) {
    MF_TRY(next_marker(&w, &marker, e));
    if (marker == 0xd9) break;
    MF_TRY(segment(&w, marker, e));
  }
  *end = w.at;
  return check_end(&w, e);
}
