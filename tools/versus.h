// Side b of a comparison: side a's options with those of --vs in their place.
#ifndef TOOLS_VERSUS_H
#define TOOLS_VERSUS_H

#include "options.h"
#include "words.h"

// Zero-initialise; free with versus_free, also after a failure.
typedef struct versus {
  const char *text; // what --vs says, or the default
  word_list words;  // the options' texts point into them
  options options;  // lists are a's
} versus;

// MINFER_USAGE with "--vs: " in front when the text is none of options of precision, plan and threads.
minfer_status versus_parse(versus *out, const options *a, minfer_error *error);
void versus_free(versus *v);

// Whether both run in one process: oneDNN's instruction set holds for all of it.
bool versus_share_process(const options *a, const options *b);
// Whether both sides are told the same.
bool versus_is_same(const options *a, const options *b);

#endif
