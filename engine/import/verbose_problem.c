#include "import/verbose_problem.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST ((int64_t)1 << 40) // of a dimension; products are taken in double

int mf_verbose_dtype_bytes(const char *dtype) {
  static const struct {
    const char *name;
    int bytes;
  } types[] = {{"f32", 4}, {"bf16", 2}, {"f16", 2}, {"s8", 1},      {"u8", 1},      {"s32", 4},
               {"f64", 8}, {"s64", 8},  {"s16", 2}, {"f8_e5m2", 1}, {"f8_e4m3", 1}, {"e8m0", 1}};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (strcmp(types[i].name, dtype) == 0) return types[i].bytes;
  return 0;
}

bool mf_verbose_adds(const char *attributes) {
  const char *posts = strstr(attributes, "post");
  return posts && (strstr(posts, "sum") || strstr(posts, "binary_add"));
}

static void copy(char *out, const char *from, size_t length) {
  if (length >= MF_VERBOSE_NAME) length = MF_VERBOSE_NAME - 1;
  memcpy(out, from, length);
  out[length] = 0;
}

// oneDNN's letters by dimension as the field writes them: acdb is nhwc, aBcd16b nChw16c, and of weights Acdb64a
// Ohwi64o.
static void rename_letters(char *format, bool weights) {
  static const char *const data[] = {"", "x", "nc", "ncw", "nchw", "ncdhw"};
  static const char *const filters[] = {"", "x", "oi", "oiw", "oihw", "goihw", "goidhw"};
  int rank = 0;
  for (const char *c = format; *c; c++) {
    if (isdigit((unsigned char)*c)) continue;
    const int letter = tolower((unsigned char)*c) - 'a';
    if (letter < 0 || letter > 5) return;
    if (letter >= rank) rank = letter + 1;
  }
  if (rank > (weights ? 6 : 5)) return;
  const char *letters = weights ? filters[rank] : data[rank];
  for (char *c = format; *c; c++) {
    if (isdigit((unsigned char)*c)) continue;
    const char small = letters[tolower((unsigned char)*c) - 'a'];
    *c = isupper((unsigned char)*c) ? (char)toupper((unsigned char)small) : small;
  }
}

static bool is_dtype(const char *text) {
  return mf_verbose_dtype_bytes(text) || strcmp(text, "undef") == 0 || strcmp(text, "s4") == 0 ||
         strcmp(text, "u4") == 0 || strcmp(text, "f4_e2m1") == 0 || strcmp(text, "boolean") == 0;
}

static void read_memory(mf_verbose_memory *m, const char *text, size_t length) {
  char part[8][MF_VERBOSE_NAME];
  int parts = 0;
  const char *end = text + length;
  for (const char *at = text; parts < 8; parts++) {
    const char *colon = memchr(at, ':', (size_t)(end - at));
    copy(part[parts], at, (size_t)((colon ? colon : end) - at));
    if (!colon) {
      parts++;
      break;
    }
    at = colon + 1;
  }
  *m = (mf_verbose_memory){.name = ""};
  char *dash = NULL;
  for (char *c = part[0]; *c; c++) // "wei_layer_f32", "wei_f8_e5m2": a type stands behind an underscore
    if (*c == '_' && is_dtype(c + 1) && !dash) dash = c;
  const char *kind = "", *format = "";
  if (dash) { // v1.0 to v3.5
    *dash = 0;
    copy(m->dtype, dash + 1, strlen(dash + 1));
    kind = parts > 2 ? part[2] : "";
    format = parts > 3 ? part[3] : "";
  } else if (parts >= 4 && is_dtype(part[1])) { // v3.6 and later
    copy(m->dtype, part[1], strlen(part[1]));
    kind = part[3];
    format = parts > 4 ? part[4] : "";
  } else if (parts >= 2) { // v0.x
    format = part[1];
    dash = strchr(part[1], '_');
    if (dash) {
      *dash = 0;
      if (is_dtype(part[1])) {
        copy(m->dtype, part[1], strlen(part[1]));
        format = dash + 1;
      } else
        *dash = '_';
    }
    const char *name = part[0][0] == 'f' ? part[0] + 1 : part[0];
    copy(m->name, name, strlen(name));
    copy(m->format, format, strcmp(format, "undef") == 0 ? 0 : strlen(format));
    return;
  }
  copy(m->name, part[0], strlen(part[0]));
  if (strcmp(m->dtype, "undef") == 0) {
    m->dtype[0] = 0;
    return;
  }
  if (strcmp(kind, "blocked") != 0) format = kind;
  copy(m->format, format, strlen(format));
  if (strcmp(kind, "blocked") == 0) rename_letters(m->format, strncmp(m->name, "wei", 3) == 0);
}

static void read_memories(mf_verbose_problem *p, const char *text) {
  while (*text && p->memory_count < MF_VERBOSE_OPERANDS) {
    const size_t length = strcspn(text, " ");
    if (length) read_memory(&p->memory[p->memory_count++], text, length);
    text += length;
    text += strspn(text, " ");
  }
  for (int i = 0; i < p->memory_count; i++) {
    const mf_verbose_memory *m = &p->memory[i];
    const bool diff = strncmp(m->name, "diff", 4) == 0;
    if (strncmp(m->name, "src", 3) == 0 || strcmp(m->name, "in") == 0) {
      p->sources++;
      if (!p->source.name[0]) p->source = *m;
    } else if (strncmp(m->name, "wei", 3) == 0 && !p->weights.name[0]) {
      p->weights = *m;
    } else if (strncmp(m->name, "bia", 3) == 0) {
      p->bias = *m;
    } else if (strncmp(m->name, "dst", 3) == 0 || strcmp(m->name, "out") == 0) {
      p->destination = *m;
    } else if (strcmp(m->name, "data") == 0 && !diff) {
      p->source = p->destination = *m;
    }
  }
}

static int64_t read_integer(const char **at) {
  int64_t value = 0;
  while (isdigit((unsigned char)**at)) {
    if (value < LARGEST) value = 10 * value + (**at - '0');
    (*at)++;
  }
  return value < LARGEST ? value : LARGEST;
}

static bool is_known(const char *key, size_t length) {
  static const char *const keys[] = {"g",  "mb",  "ic", "oc", "id", "ih", "iw",  "od",  "oh",  "ow",  "kd",  "kh",
                                     "kw", "sd",  "sh", "sw", "dd", "dh", "dw",  "pd",  "ph",  "pw",  "ls",  "l",
                                     "t",  "sic", "x",  "m",  "n",  "k",  "slc", "dhc", "dic", "dlc", "beta"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (strlen(keys[i]) == length && memcmp(keys[i], key, length) == 0) return true;
  return false;
}

static void set_named(mf_verbose_problem *p, const char *key, size_t length, int64_t value) {
  static const char axes[] = "dhw";
  if (length == 1 && key[0] == 'g') {
    p->groups = value;
    return;
  }
  if (length != 2) return;
  if (strncmp(key, "mb", 2) == 0) p->mb = value;
  if (strncmp(key, "ic", 2) == 0) p->ic = value;
  if (strncmp(key, "oc", 2) == 0) p->oc = value;
  if (strncmp(key, "ls", 2) == 0) p->local = value;
  const char *axis = strchr(axes, key[1]);
  if (!axis || !key[1]) return;
  const ptrdiff_t i = axis - axes;
  if (key[0] == 'i') p->in[i] = value;
  if (key[0] == 'o') p->out[i] = value;
  if (key[0] == 'k') p->kernel[i] = value;
  if (key[0] == 's') p->stride[i] = value;
}

// A key that comes twice was misread, or belongs to another line.
static bool comes_before(const char *begin, const char *key, size_t length) {
  for (const char *at = begin; at < key; at++) {
    if (isalpha((unsigned char)*at) && (at == begin || !isalpha((unsigned char)at[-1])) &&
        memcmp(at, key, length) == 0 && !isalpha((unsigned char)at[length]))
      return true;
  }
  return false;
}

static void read_named(mf_verbose_problem *p, const char *text) {
  const char *begin = text;
  while (*text) {
    while (*text && !isalpha((unsigned char)*text)) text++;
    const char *key = text;
    while (isalpha((unsigned char)*text)) text++;
    const size_t length = (size_t)(text - key);
    p->odd |= length && (!is_known(key, length) || !isdigit((unsigned char)*text) || comes_before(begin, key, length));
    if (length && isdigit((unsigned char)*text)) set_named(p, key, length, read_integer(&text));
    while (isdigit((unsigned char)*text) || *text == '.') text++; // the rest of "beta0.75"
  }
}

static void read_dims(mf_verbose_problem *p, const char *text) {
  while (*text && p->operand_count < MF_VERBOSE_OPERANDS) {
    mf_verbose_operand *o = &p->operands[p->operand_count];
    while (o->rank < MF_VERBOSE_RANK && (isdigit((unsigned char)*text) || *text == '*')) {
      if (*text == '*')
        text++;
      else
        o->dims[o->rank] = read_integer(&text);
      o->rank++;
      if (*text != 'x') break;
      text++;
    }
    if (o->rank == 0) break;
    p->operand_count++;
    text += strcspn(text, ":");
    if (*text) text++;
  }
}

static double elements(const mf_verbose_operand *o) {
  double n = o->rank > 0;
  for (int i = 0; i < o->rank; i++) n *= (double)o->dims[i];
  return n;
}

static double product(const int64_t *v) {
  return (double)v[0] * (double)v[1] * (double)v[2];
}

static void set_pixels(mf_verbose_problem *p, const mf_verbose_operand *in, const mf_verbose_operand *out) {
  p->in_channels = in->rank > 1 ? in->dims[1] : 0;
  p->in_height = in->rank > 3 ? in->dims[in->rank - 2] : 1;
  p->in_width = in->rank > 2 ? in->dims[in->rank - 1] : 1;
  p->out_channels = out->rank > 1 ? out->dims[1] : 0;
  p->out_height = out->rank > 3 ? out->dims[out->rank - 2] : 1;
  p->out_width = out->rank > 2 ? out->dims[out->rank - 1] : 1;
  p->mb = in->rank ? in->dims[0] : 0;
}

// Elements of each operand and operations, by kind; then bytes by the operands' types.
typedef struct volume {
  double source, weights, bias, destination, flops;
} volume;

static volume of_convolution(mf_verbose_problem *p, bool transposed) {
  const double mb = (double)p->mb, ic = (double)p->ic, oc = (double)p->oc;
  const double filter = ic * oc / (double)p->groups * product(p->kernel);
  return (volume){.source = mb * ic * product(p->in),
                  .weights = filter,
                  .bias = oc,
                  .destination = mb * oc * product(p->out),
                  .flops = 2 * mb * filter * product(transposed ? p->in : p->out)};
}

static volume of_matmul(mf_verbose_problem *p) {
  if (p->operand_count < 2) return (volume){.flops = 0};
  const mf_verbose_operand *a = &p->operands[0], *b = &p->operands[1];
  if (a->rank < 2 || b->rank != a->rank) return (volume){.flops = 0};
  const int64_t k = a->dims[a->rank - 1], n = b->dims[b->rank - 1];
  mf_verbose_operand c = *a;
  c.dims[c.rank - 1] = n;
  for (int i = 0; i < c.rank - 2; i++)
    if (b->dims[i] > c.dims[i]) c.dims[i] = b->dims[i]; // one of both may broadcast
  p->ic = k;
  p->oc = n;
  p->mb = a->dims[0];
  p->in_channels = k;
  p->out_channels = n;
  p->in_height = p->in_width = p->out_height = p->out_width = 1;
  return (volume){elements(a), elements(b), (double)n, elements(&c), 2 * elements(&c) * (double)k};
}

static volume of_elements(mf_verbose_problem *p, double operations) {
  double n = p->operand_count ? elements(&p->operands[0]) : (double)p->mb * (double)p->ic * product(p->in);
  if (p->operand_count) {
    set_pixels(p, &p->operands[0], &p->operands[0]);
  } else {
    p->out_channels = p->in_channels;
    p->out_height = p->in_height;
    p->out_width = p->in_width;
  }
  return (volume){.source = n, .destination = n, .flops = operations * n};
}

static volume of_operands(mf_verbose_problem *p, const char *kind) {
  if (p->operand_count == 0) return (volume){.flops = 0};
  if (strcmp(kind, "concat") == 0) {
    volume v = {.flops = 0};
    mf_verbose_operand all = p->operands[0];
    for (int i = 0; i < p->operand_count; i++) {
      v.source += elements(&p->operands[i]);
      if (i && all.rank > 1 && p->operands[i].rank > 1) all.dims[1] += p->operands[i].dims[1];
    }
    v.destination = v.source;
    set_pixels(p, &all, &all);
    if (p->operand_count == 1) p->out_channels = p->operands[0].dims[1]; // v0.x and v1.0 print the result alone
    return v;
  }
  if (strcmp(kind, "reduction") == 0) {
    const mf_verbose_operand *out = &p->operands[p->operand_count - 1];
    set_pixels(p, &p->operands[0], out);
    return (volume){
        .source = elements(&p->operands[0]), .destination = elements(out), .flops = elements(&p->operands[0])};
  }
  const double n = elements(&p->operands[0]);
  set_pixels(p, &p->operands[0], &p->operands[0]);
  if (strcmp(kind, "binary") == 0) return (volume){n, p->operand_count > 1 ? elements(&p->operands[1]) : n, 0, n, n};
  return (volume){.source = n * p->sources, .destination = n, .flops = n * (p->sources - 1)}; // sum
}

static volume measure(mf_verbose_problem *p, const char *kind) {
  if (strcmp(kind, "convolution") == 0) return of_convolution(p, false);
  if (strcmp(kind, "deconvolution") == 0) return of_convolution(p, true);
  if (strcmp(kind, "inner_product") == 0) {
    const double ic = (double)p->ic * product(p->in), mb = (double)p->mb, oc = (double)p->oc;
    return (volume){mb * ic, ic * oc, oc, mb * oc, 2 * mb * ic * oc};
  }
  if (strcmp(kind, "matmul") == 0) return of_matmul(p);
  if (strncmp(kind, "pooling", 7) == 0) {
    const double planes = (double)p->mb * (double)p->ic, out = planes * product(p->out);
    return (volume){.source = planes * product(p->in), .destination = out, .flops = out * product(p->kernel)};
  }
  if (strncmp(kind, "eltwise", 7) == 0 || strcmp(kind, "prelu") == 0) return of_elements(p, 1);
  if (strncmp(kind, "batch_norm", 10) == 0 || strncmp(kind, "layer_norm", 10) == 0 ||
      strncmp(kind, "group_norm", 10) == 0)
    return of_elements(p, 2);
  if (strncmp(kind, "softmax", 7) == 0 || strncmp(kind, "logsoftmax", 10) == 0) return of_elements(p, 5);
  if (strcmp(kind, "lrn") == 0) return of_elements(p, 2 * (double)p->local + 2);
  if (strcmp(kind, "reorder") == 0 || strcmp(kind, "shuffle") == 0) return of_elements(p, 0);
  if (strcmp(kind, "sum") == 0 || strcmp(kind, "binary") == 0 || strcmp(kind, "concat") == 0 ||
      strcmp(kind, "reduction") == 0)
    return of_operands(p, kind);
  return (volume){.flops = 0};
}

static bool is_measured(const char *kind) {
  static const char *const kinds[] = {"convolution",         "inner_product", "matmul", "pooling", "eltwise", "sum",
                                      "batch_normalization", "softmax",       "lrn",    "reorder", "binary",  "concat"};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(kinds[i], kind) == 0) return true;
  return false;
}

static double bytes_of(const mf_verbose_memory *m, double count, const char *impl) {
  if (!m->name[0] || !m->format[0]) return 0;
  if (m->dtype[0]) return count * mf_verbose_dtype_bytes(m->dtype);
  return strstr(impl, "int8") ? 0 : 4 * count;
}

void mf_verbose_problem_read(mf_verbose_problem *p, const char *kind, const char *impl, const char *memory,
                             const char *attributes, const char *problem) {
  *p = (mf_verbose_problem){
      .groups = 1, .local = 5, .in = {1, 1, 1}, .out = {1, 1, 1}, .kernel = {1, 1, 1}, .stride = {1, 1, 1}};
  read_memories(p, memory);
  p->named = isalpha((unsigned char)problem[0]) != 0;
  if (problem[0] == 'x') { // "x64", one dimension
    p->named = false;
    read_dims(p, problem + 1);
  } else if (p->named) {
    read_named(p, problem);
  } else
    read_dims(p, problem);
  if (p->groups < 1) p->groups = 1;
  if (p->named) {
    p->in_channels = p->ic;
    p->in_height = p->in[1];
    p->in_width = p->in[2];
    p->out_channels = p->oc ? p->oc : p->ic;
    p->out_height = p->out[1];
    p->out_width = p->out[2];
  }
  const volume v = measure(p, kind);
  if (v.source <= 0) p->odd |= is_measured(kind) && !strchr(problem, '*');
  if (p->odd) return;
  p->flops = v.flops;
  const bool binary = strcmp(kind, "binary") == 0;
  p->bytes_written = bytes_of(&p->destination, v.destination, impl);
  p->bytes_read = bytes_of(&p->source, v.source, impl) + bytes_of(binary ? &p->source : &p->weights, v.weights, impl) +
                  bytes_of(&p->bias, v.bias, impl);
  if (mf_verbose_adds(attributes)) p->bytes_read += p->bytes_written;
}
