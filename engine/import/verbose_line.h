// One line of oneDNN's verbose output. What is known of its history:
//   v0.x       mkldnn_verbose,exec,KIND,IMPL,PROP,MEMORY,AUX,PROBLEM,MS
//   v1.0       mkldnn_verbose,exec,ENGINE,KIND,IMPL,PROP,MEMORY,AUX,PROBLEM,MS
//   v1.1-v2.6  dnnl_verbose[,STAMP],exec,ENGINE,KIND,IMPL,PROP,MEMORY,ATTRIBUTES,AUX,PROBLEM,MS
//   v2.7-v3.1  onednn_verbose[,STAMP],exec,... as before
//   v3.2-      onednn_verbose[,vN][,STAMP],primitive,exec,... as before
// Tabs may stand for the commas, as in tables copied from elsewhere. `create`, `create:cache_hit` and the like stand in
// exec's place. An info line "template:" (earlier "prim_template:") gives the order of the fields; it counts for the
// lines after it.
#ifndef MF_IMPORT_VERBOSE_LINE_H
#define MF_IMPORT_VERBOSE_LINE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct mf_slice { // of the line; not NUL-terminated
  const char *text;
  size_t length;
} mf_slice;

typedef enum mf_verbose_field {
  MF_VERBOSE_ENGINE,
  MF_VERBOSE_KIND,
  MF_VERBOSE_IMPL,
  MF_VERBOSE_PROP,
  MF_VERBOSE_MEMORY,
  MF_VERBOSE_ATTRIBUTES,
  MF_VERBOSE_AUX,
  MF_VERBOSE_PROBLEM,
  MF_VERBOSE_FIELDS
} mf_verbose_field;

typedef enum mf_verbose_kind {
  MF_VERBOSE_EXEC,
  MF_VERBOSE_CREATE,
  MF_VERBOSE_DISPATCH,  // why an implementation was passed over: KIND and `message`
  MF_VERBOSE_INFO,      // `message` is what stands behind "info,"
  MF_VERBOSE_TEMPLATE,  // kept by the reader
  MF_VERBOSE_GRAPH,     // of the graph API: its primitives have lines of their own
  MF_VERBOSE_MESSAGE,   // error, check, warn, debuginfo: `message`
  MF_VERBOSE_UNREADABLE // begins like one, and is none: `message` says what is wrong
} mf_verbose_kind;

typedef struct mf_verbose_line {
  mf_verbose_kind kind;
  double timestamp; // ms; negative: none
  double ms;        // exec and create
  mf_slice status;  // of a creation: "cache_hit"; empty where it is not said
  mf_slice fields[MF_VERBOSE_FIELDS];
  mf_slice message;
} mf_verbose_line;

// The order of fields of the lines to come. Zero-initialise: by what the lines look like.
enum { MF_VERBOSE_COLUMNS = 24 };
typedef struct mf_verbose_template {
  int columns;                   // 0: no template was seen
  int field[MF_VERBOSE_COLUMNS]; // mf_verbose_field, or -1 for what is not looked at
  int time;                      // column of the time
} mf_verbose_template;

// Where the next "mkldnn_verbose,", "dnnl_verbose," or "onednn_verbose," (or with a tab) begins, at `from` or behind
// it; `count` when there is none. Other text may stand in front of it.
size_t mf_verbose_marker(const char *text, size_t count, size_t from);

// `text` begins with a marker and ends before the line's end, or before the next marker.
void mf_verbose_parse(mf_verbose_line *out, mf_verbose_template *order, const char *text, size_t count);

bool mf_slice_is(mf_slice s, const char *text);
bool mf_slice_begins(mf_slice s, const char *text);

#endif
