// Labelled pictures, read and decoded by a thread of its own while the caller works on those before them. At most two
// chunks exist at a time besides those that the caller keeps.
#ifndef TOOLS_IMAGE_STREAM_H
#define TOOLS_IMAGE_STREAM_H

#include "labels.h"

typedef struct image_chunk {
  minfer_input *input;  // the pictures that could be read, in the order of the labels; may be empty
  const label **labels; // of each
  size_t tried;         // pictures of this chunk, read or not
  char **broken;        // a line for each that could not be read
  size_t broken_count;
} image_chunk;

typedef struct image_stream image_stream;

// `chunk` pictures at a time (the last chunk has the rest). With `strict` a broken picture ends the stream. Model,
// folder and labels must outlive the stream. Errors: MINFER_UNSUPPORTED without memory or thread.
minfer_status image_stream_open(image_stream **out, const minfer_model *model, const char *folder, const labels *l,
                                size_t chunk, bool strict, minfer_error *error);

// The next chunk, which is the caller's then; NULL after the last. Waits for it. MINFER_INTERRUPTED after Ctrl-C;
// MINFER_FILE for a broken picture with `strict`; MINFER_UNSUPPORTED without memory.
minfer_status image_stream_next(image_stream *s, image_chunk **out, minfer_error *error);

void image_chunk_free(image_chunk *c);    // NULL is allowed
void image_stream_close(image_stream *s); // at any time: the thread ends after the picture it is at; NULL is allowed

#endif
