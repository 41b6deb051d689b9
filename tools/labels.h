// Labels: a line `FILE CLASS` for each picture, as "n01440764_36.jpg 0". The class is what stands behind the last
// blank, a number from 0; the name may hold blanks, and slashes where pictures lie in folders of the folder. Empty
// lines and lines that begin with # are passed over; lines may end in \r\n. Memory is at most 20 times the file plus a
// constant.
#ifndef TOOLS_LABELS_H
#define TOOLS_LABELS_H

#include <minfer.h>

enum { LABELS_LINE = 4096, LABELS_FILE = 64 << 20 }; // most bytes of a line and of a file

typedef struct label {
  const char *file; // relative to the folder, without "." and ".."
  int class_index;
  int line; // from 1
} label;

// Free with labels_free, also after a failure.
typedef struct labels {
  label *items; // in the order of the file; at least one
  size_t count;
  const label **by_name; // the same in strcmp's order of their names, which are all different
  char *text;            // behind the names
} labels;

// `name` stands for the file in messages, which name the line. `classes`: how many the network has. MINFER_FILE says
// what is wrong with the first bad line.
minfer_status labels_parse(labels *out, const char *bytes, size_t size, const char *name, int classes,
                           minfer_error *error);
minfer_status labels_read(labels *out, const char *path, int classes, minfer_error *error);
void labels_free(labels *l);

// The labels of the file `path` against the folder: MINFER_FILE when a file is not there. *unlabelled counts pictures
// directly in the folder that have no label.
minfer_status labels_match(const labels *l, const char *path, const char *folder, size_t *unlabelled,
                           minfer_error *error);

#endif
