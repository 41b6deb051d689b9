#include "thread/cgroup.h"
#include "base/text.h"
#include "thread/sysfile.h"
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define UNLIMITED ((int64_t)1 << 60) // v1 writes "no limit" as the largest multiple of a page

// Where a hierarchy is mounted, and which of its groups is the top there (another than "/" in containers and bind
// mounts).
typedef struct mount {
  char folder[PATH_MAX];
  char top[PATH_MAX];
} mount;

// One line without its newline, cut to size - 1 bytes; the rest of a longer one is skipped.
static bool read_line(FILE *file, char *line, size_t size) {
  if (!fgets(line, (int)size, file)) return false;
  size_t length = strlen(line);
  if (length > 0 && line[length - 1] == '\n') {
    line[length - 1] = 0;
    return true;
  }
  for (int c = getc(file); c != EOF && c != '\n';) c = getc(file);
  return true;
}

static FILE *open_below(const char *root, const char *path) {
  char full[PATH_MAX];
  int length = snprintf(full, sizeof full, "%s%s", root, path);
  return length < 0 || (size_t)length >= sizeof full ? NULL : fopen(full, "re");
}

static bool list_has(const char *list, const char *word) {
  size_t length = strlen(word);
  for (const char *at = list; (at = strstr(at, word)); at += length)
    if ((at == list || at[-1] == ',') && (at[length] == ',' || !at[length])) return true;
  return false;
}

// The process's group in the hierarchy of `controller` ("" is v2): lines are ID:CONTROLLERS:PATH.
static bool find_group(const char *root, const char *controller, char *group, size_t size) {
  FILE *file = open_below(root, "/proc/self/cgroup");
  if (!file) return false;
  char line[PATH_MAX + 256];
  bool found = false;
  while (!found && read_line(file, line, sizeof line)) {
    char *controllers = strchr(line, ':');
    char *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path || path[1] != '/') continue;
    *path++ = 0;
    controllers++;
    if (*controller ? !list_has(controllers, controller) : *controllers != 0) continue;
    int length = snprintf(group, size, "%s", path);
    found = length > 0 && (size_t)length < size;
  }
  fclose(file);
  return found;
}

static bool is_octal(char c) {
  return c >= '0' && c <= '7';
}

// mountinfo writes space, tab, newline and backslash as \ooo.
static void unescape(char *text) {
  char *to = text;
  for (const char *from = text; *from; to++) {
    if (from[0] == '\\' && is_octal(from[1]) && is_octal(from[2]) && is_octal(from[3])) {
      *to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
      from += 4;
    } else {
      *to = *from++;
    }
  }
  *to = 0;
}

// ID PARENT MAJOR:MINOR TOP FOLDER OPTIONS [TAGS...] - TYPE SOURCE OPTIONS-OF-THE-FILE-SYSTEM
static bool parse_mount(char *line, const char *controller, mount *out) {
  char *state = NULL, *field = strtok_r(line, " ", &state), *top = NULL, *folder = NULL;
  for (int i = 0; field && strcmp(field, "-") != 0; i++, field = strtok_r(NULL, " ", &state)) {
    if (i == 3) top = field;
    if (i == 4) folder = field;
  }
  const char *type = field ? strtok_r(NULL, " ", &state) : NULL;
  const char *source = type ? strtok_r(NULL, " ", &state) : NULL;
  const char *options = source ? strtok_r(NULL, " ", &state) : NULL;
  if (!folder || !options) return false;
  if (strcmp(type, *controller ? "cgroup" : "cgroup2") != 0 || (*controller && !list_has(options, controller)))
    return false;
  unescape(top);
  unescape(folder);
  if (strlen(top) >= sizeof out->top || strlen(folder) >= sizeof out->folder) return false;
  memcpy(out->top, top, strlen(top) + 1);
  memcpy(out->folder, folder, strlen(folder) + 1);
  return true;
}

// The part of `group` below `top`, starting with '/' or empty; NULL when it lies elsewhere.
static const char *below(const char *group, const char *top) {
  size_t length = strcmp(top, "/") == 0 ? 0 : strlen(top);
  if (strncmp(group, top, length) != 0 || (group[length] != '/' && group[length])) return NULL;
  return strcmp(group + length, "/") == 0 ? "" : group + length;
}

// The folder of the process's group and, in `floor`, how much of the path is the mount. A group outside of every mount
// (seen from a container with foreign names) counts as the top of the first one.
static bool find_folder(const char *root, const char *controller, char *folder, size_t size, size_t *floor) {
  char group[PATH_MAX], line[2 * PATH_MAX + 256];
  if (!find_group(root, controller, group, sizeof group)) return false;
  FILE *file = open_below(root, "/proc/self/mountinfo");
  if (!file) return false;
  bool found = false, inside = false;
  while (!inside && read_line(file, line, sizeof line)) {
    mount here;
    if (!parse_mount(line, controller, &here)) continue;
    const char *rest = below(group, here.top);
    inside = rest && !strstr(rest, "/..");
    if (found && !inside) continue;
    int length = snprintf(folder, size, "%s%s", here.folder, inside ? rest : "");
    *floor = strlen(here.folder);
    found = length > 0 && (size_t)length < size;
  }
  fclose(file);
  return found;
}

static bool read_value(const char *root, const char *folder, const char *name, char *text, size_t size) {
  char path[PATH_MAX + 64];
  int length = snprintf(path, sizeof path, "%s/%s", folder, name);
  return length > 0 && (size_t)length < sizeof path && mf_sysfile_read(root, path, text, size);
}

static void limit_cpus(const char *quota_text, const char *period_text, mf_cgroup *limits) {
  int64_t quota, period;
  if (!mf_text_to_int(quota_text, 1, UNLIMITED, &quota) || !mf_text_to_int(period_text, 1, UNLIMITED, &period)) return;
  double cpus = (double)quota / (double)period;
  if (limits->cpus == 0 || cpus < limits->cpus) limits->cpus = cpus;
}

static void limit_memory(const char *text, mf_cgroup *limits) {
  int64_t bytes;
  if (!mf_text_to_int(text, 1, UNLIMITED, &bytes)) return;
  if (limits->memory_bytes == 0 || (uint64_t)bytes < limits->memory_bytes) limits->memory_bytes = (uint64_t)bytes;
}

static void read_v2(const char *root, const char *folder, mf_cgroup *limits) {
  char text[64];
  if (read_value(root, folder, "cpu.max", text, sizeof text)) { // "QUOTA PERIOD" or "max PERIOD"
    char *period = strchr(text, ' ');
    if (period) {
      *period++ = 0;
      limit_cpus(text, period, limits);
    }
  }
  if (read_value(root, folder, "memory.max", text, sizeof text)) limit_memory(text, limits);
}

static void read_v1_cpu(const char *root, const char *folder, mf_cgroup *limits) {
  char quota[64], period[64];
  if (read_value(root, folder, "cpu.cfs_quota_us", quota, sizeof quota) &&
      read_value(root, folder, "cpu.cfs_period_us", period, sizeof period))
    limit_cpus(quota, period, limits);
}

static void read_v1_memory(const char *root, const char *folder, mf_cgroup *limits) {
  char text[64];
  if (read_value(root, folder, "memory.limit_in_bytes", text, sizeof text)) limit_memory(text, limits);
}

static void climb(const char *root, const char *controller,
                  void (*read_limits)(const char *, const char *, mf_cgroup *), mf_cgroup *limits) {
  char folder[PATH_MAX];
  size_t floor;
  if (!find_folder(root, controller, folder, sizeof folder, &floor)) return;
  read_limits(root, folder, limits);
  while (strlen(folder) > floor) {
    *strrchr(folder, '/') = 0;
    read_limits(root, folder, limits);
  }
}

mf_cgroup mf_cgroup_read(const char *root) {
  mf_cgroup limits = {0};
  climb(root, "", read_v2, &limits);
  climb(root, "cpu", read_v1_cpu, &limits);
  climb(root, "memory", read_v1_memory, &limits);
  return limits;
}
