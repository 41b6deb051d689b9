// The metadata of a weights file, laid over a network's default recipe.
#ifndef MF_LOAD_RECIPE_H
#define MF_LOAD_RECIPE_H

#include "graph/recipe.h"
#include "graph/weights.h"

// Keys that are absent leave *recipe as it is. `path` names the file in errors: MF_ERR_FILE for values out of range
// (sizes from 1 to 8192, std and bn_eps above 0, width above 0 and at most 16), and for a short side that the crop does
// not fit in.
mf_status mf_recipe_from_metadata(mf_recipe *recipe, const mf_weights *weights, const char *path, mf_error *e);

#endif
