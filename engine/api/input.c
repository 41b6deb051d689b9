// Inputs: pictures as prepared pixels, arrays as floats, and pictures that minfer makes itself.
#include "api/handles.h"
#include "base/file.h"
#include "base/log.h"
#include "load/npy.h"
#include "load/resize.h"
#include <stdio.h>
#include <string.h>

minfer_status minfer_input_create(const minfer_model *model, minfer_input **out, minfer_error *error) {
  mf_error e = {0};
  minfer_input *input = mf_alloc_zero(sizeof *input);
  if (!input) return mf_api_report(error, &e, mf_fail_memory(&e, sizeof *input));
  union { // reference counting is the one thing that changes in a const model
    const minfer_model *in;
    minfer_model *out;
  } handle = {model};
  input->model = handle.out;
  mf_api_retain(input->model);
  *out = input;
  return mf_api_report(error, &e, MF_OK);
}

void minfer_input_free(minfer_input *input) {
  if (!input) return;
  for (int i = 0; i < input->count; i++) {
    mf_free(input->items[i].pixels);
    mf_free(input->items[i].floats);
  }
  mf_free(input->items);
  mf_api_release(input->model);
  mf_arena_free(&input->arena);
  mf_free(input);
}

int minfer_input_count(const minfer_input *input) {
  return input->count;
}

const char *minfer_input_name(const minfer_input *input, int index) {
  return index >= 0 && index < input->count ? input->items[index].name : "";
}

// Takes the item's memory over, also on failure.
static mf_status add(minfer_input *input, mf_item_of_input item, const char *name, mf_error *e) {
  mf_status status = MF_OK;
  if (input->count && !input->items[0].pixels != !item.pixels)
    status = mf_fail(e, MF_ERR_USAGE, "%s: pictures and arrays cannot be mixed in one input", name);
  if (status == MF_OK && input->count == input->capacity) {
    int capacity = input->capacity ? input->capacity * 2 : 16;
    mf_item_of_input *grown =
        mf_grow(input->items, (size_t)input->count * sizeof *grown, (size_t)capacity * sizeof *grown);
    if (grown) {
      input->items = grown;
      input->capacity = capacity;
    } else
      status = mf_fail_memory(e, (size_t)capacity * sizeof *grown);
  }
  item.name = status == MF_OK ? mf_arena_copy(&input->arena, name) : NULL;
  if (status == MF_OK && !item.name) status = mf_fail_memory(e, strlen(name));
  if (status != MF_OK) {
    mf_free(item.pixels);
    mf_free(item.floats);
    return status;
  }
  input->items[input->count++] = item;
  return MF_OK;
}

static size_t pixel_bytes(const minfer_model *model) {
  return (size_t)model->recipe.height * (size_t)model->recipe.width * 3;
}

mf_status mf_api_prepare_picture(const minfer_model *model, const char *path, uint8_t *pixels, mf_error *e) {
  mf_image image = {0};
  MF_TRY(mf_image_read(&image, path, e));
  mf_status status = mf_image_prepare(&image, &model->recipe, pixels, e);
  mf_image_free(&image);
  return status;
}

static mf_status add_picture(minfer_input *input, const char *path, mf_error *e) {
  uint8_t *pixels = mf_alloc(pixel_bytes(input->model));
  if (!pixels) return mf_fail_memory(e, pixel_bytes(input->model));
  mf_status status = mf_api_prepare_picture(input->model, path, pixels, e);
  if (status != MF_OK) {
    mf_free(pixels);
    return status;
  }
  const char *slash = strrchr(path, '/');
  return add(input, (mf_item_of_input){.pixels = pixels}, slash && slash[1] ? slash + 1 : path, e);
}

minfer_status minfer_input_add_image(minfer_input *input, const char *path, minfer_error *error) {
  mf_error e = {0};
  return mf_api_report(error, &e, add_picture(input, path, &e));
}

static mf_status choose_pictures(mf_arena *arena, const char *folder, char **names, size_t named, int limit,
                                 const char ***paths, int *count, mf_error *e) {
  const char **found = mf_arena_alloc(arena, (named + 1) * sizeof *found);
  if (!found) return mf_fail_memory(e, named * sizeof *found);
  int pictures = 0;
  for (size_t i = 0; i < named; i++) {
    const char *path = mf_arena_format(arena, "%s/%s", folder, names[i]);
    if (!path) return mf_fail_memory(e, strlen(names[i]));
    if (!mf_file_is_folder(path) && mf_image_is_candidate(path)) found[pictures++] = path;
  }
  if (!pictures)
    return mf_fail(e, MF_ERR_FILE, "%s: no pictures in this folder (expected JPEG, PNG or BMP files)", folder);
  *count = limit > 0 && pictures > limit ? limit : pictures;
  // Folders are often sorted by class, so a part is taken at even spacing.
  for (int i = 0; i < *count; i++) found[i] = found[(int)((int64_t)i * pictures / *count)];
  *paths = found;
  return MF_OK;
}

mf_status mf_api_pictures(mf_arena *arena, const char *folder, int limit, const char ***paths, int *count,
                          mf_error *e) {
  char **names = NULL;
  size_t named = 0;
  MF_TRY(mf_file_list(folder, &names, &named, e));
  mf_status status = choose_pictures(arena, folder, names, named, limit, paths, count, e);
  mf_file_list_free(names, named);
  return status;
}

static mf_status add_folder(minfer_input *input, const char *folder, int limit, bool strict, int *skipped,
                            mf_error *e) {
  const char **paths = NULL;
  int count = 0, broken = 0;
  MF_TRY(mf_api_pictures(&input->arena, folder, limit, &paths, &count, e));
  for (int i = 0; i < count; i++) {
    mf_status status = add_picture(input, paths[i], e);
    if (status == MF_OK) continue;
    if (strict || status != MF_ERR_FILE) return status;
    mf_log(MF_LOG_WARNING, "%s (passed over)", e->text);
    broken++;
  }
  if (skipped) *skipped = broken;
  return count > broken ? MF_OK : mf_fail(e, MF_ERR_FILE, "%s: none of %d pictures could be read", folder, count);
}

minfer_status minfer_input_add_folder(minfer_input *input, const char *folder, int limit, bool strict, int *skipped,
                                      minfer_error *error) {
  mf_error e = {0};
  return mf_api_report(error, &e, add_folder(input, folder, limit, strict, skipped, &e));
}

static mf_status add_npy(minfer_input *input, const char *path, mf_error *e) {
  mf_array array = {0};
  MF_TRY(mf_npy_read(&array, path, e));
  const mf_recipe *r = &input->model->recipe;
  const int64_t *d = array.shape.dim;
  size_t one = pixel_bytes(input->model);
  mf_status status = MF_OK;
  if (array.shape.rank != 4 || d[1] != 3 || d[2] != r->height || d[3] != r->width)
    status = mf_fail(e, MF_ERR_FILE, "%s: shape %s does not fit the network (expected Nx3x%dx%d)", path,
                     mf_shape_print(&array.shape).text, r->height, r->width);
  const char *slash = strrchr(path, '/');
  for (int64_t i = 0; i < d[0] && status == MF_OK; i++) {
    char name[512];
    snprintf(name, sizeof name, "%s[%lld]", slash ? slash + 1 : path, (long long)i);
    float *floats = mf_alloc(one * sizeof *floats);
    if (!floats) {
      status = mf_fail_memory(e, one * sizeof *floats);
      break;
    }
    memcpy(floats, array.data + (size_t)i * one, one * sizeof *floats);
    status = add(input, (mf_item_of_input){.floats = floats}, name, e);
  }
  mf_array_free(&array);
  return status;
}

minfer_status minfer_input_add_npy(minfer_input *input, const char *path, minfer_error *error) {
  mf_error e = {0};
  return mf_api_report(error, &e, add_npy(input, path, &e));
}

// SplitMix64. Smooth blobs of colour with some noise: closer to a photograph's statistics than noise alone.
static uint64_t next(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static void draw(uint8_t *pixels, int height, int width, uint64_t seed) {
  enum { GRID = 9 };
  int corner[GRID][GRID][3];
  uint64_t state = seed;
  for (int y = 0; y < GRID; y++)
    for (int x = 0; x < GRID; x++)
      for (int c = 0; c < 3; c++) corner[y][x][c] = (int)(next(&state) & 255);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      int fy = y * (GRID - 1) * 256 / height, fx = x * (GRID - 1) * 256 / width, gy = fy >> 8, gx = fx >> 8;
      fy &= 255;
      fx &= 255;
      for (int c = 0; c < 3; c++) {
        int top = corner[gy][gx][c] * (256 - fx) + corner[gy][gx + 1][c] * fx;
        int bottom = corner[gy + 1][gx][c] * (256 - fx) + corner[gy + 1][gx + 1][c] * fx;
        int value = ((top * (256 - fy) + bottom * fy) >> 16) + (int)(next(&state) & 31) - 16;
        pixels[((size_t)y * (size_t)width + (size_t)x) * 3 + (size_t)c] = (uint8_t)(value < 0     ? 0
                                                                                    : value > 255 ? 255
                                                                                                  : value);
      }
    }
}

minfer_status minfer_input_add_generated(minfer_input *input, int count, uint64_t seed, minfer_error *error) {
  mf_error e = {0};
  mf_status status = MF_OK;
  for (int i = 0; i < count && status == MF_OK; i++) {
    uint8_t *pixels = mf_alloc(pixel_bytes(input->model));
    if (!pixels) {
      status = mf_fail_memory(&e, pixel_bytes(input->model));
      break;
    }
    char name[32];
    snprintf(name, sizeof name, "generated %d", input->count + 1);
    draw(pixels, input->model->recipe.height, input->model->recipe.width, seed + (uint64_t)input->count * 1000003u);
    status = add(input, (mf_item_of_input){.pixels = pixels}, name, &e);
  }
  return mf_api_report(error, &e, status);
}

mf_status mf_api_fill(mf_session *session, const minfer_model *model, const mf_item_of_input *item, int at,
                      mf_error *e) {
  if (item->pixels) return mf_session_fill_pixels(session, at, item->pixels, model->recipe.mean, model->recipe.std, e);
  return mf_session_fill_floats(session, at, item->floats, e);
}
