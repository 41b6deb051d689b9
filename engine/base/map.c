// Read-only file mappings that survive the file shrinking.
#include "base/alloc.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// The open maps, as the signal handler sees them. A slot is in use while base is not 0; size is written before base.
struct mf_map_slot {
  _Atomic uintptr_t base;
  _Atomic size_t size;
  atomic_bool broken;
  int file; // kept open to ask for the file's size
};
#define MAP_SLOTS 256

static struct mf_map_slot map_slots[MAP_SLOTS];
static pthread_mutex_t map_lock = PTHREAD_MUTEX_INITIALIZER; // guards opening and closing; the handler only reads
static size_t map_count, map_page;
static bool map_installed;
static struct sigaction map_previous;

static struct mf_map_slot *slot_at(uintptr_t address) {
  for (size_t i = 0; i < MAP_SLOTS; i++) {
    struct mf_map_slot *slot = &map_slots[i];
    uintptr_t base = atomic_load(&slot->base);
    size_t size = atomic_load(&slot->size);
    // The second look refuses a pair of which another thread changed one half in between.
    if (base && address >= base && address - base < size && atomic_load(&slot->base) == base) return slot;
  }
  return NULL;
}

static void pass_on(int number, siginfo_t *info, void *context) {
  if (map_previous.sa_flags & SA_SIGINFO) {
    map_previous.sa_sigaction(number, info, context);
  } else if (map_previous.sa_handler != SIG_DFL && map_previous.sa_handler != SIG_IGN) {
    map_previous.sa_handler(number);
  } else if (map_previous.sa_handler == SIG_DFL || info->si_code > 0) {
    // A fault cannot be ignored. It happens again on return; a signal that was sent has to be sent again.
    signal(number, SIG_DFL);
    if (info->si_code <= 0) raise(number);
  }
}

static void on_fault(int number, siginfo_t *info, void *context) {
  uintptr_t address = (uintptr_t)info->si_addr;
  struct mf_map_slot *slot = info->si_code == BUS_ADRERR ? slot_at(address) : NULL;
  int saved = errno;
  bool mended = false;
  if (slot) {
    // What lies behind a vanished page has vanished too: one mapping for all of it, not one fault a page.
    uintptr_t start = address - address % map_page;
    size_t rest = atomic_load(&slot->base) + atomic_load(&slot->size) - start;
    atomic_store(&slot->broken, true);
    // The system call, not mmap(): POSIX does not call that safe here, and the thread sanitizer takes it for a write.
    mended = syscall(SYS_mmap, start, rest, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != -1;
  }
  errno = saved;
  if (!mended) pass_on(number, info, context);
}

// Under the lock. If somebody's handler came on top of ours, ours stays below it: installing it again would make a
// circle.
static void handler_install(void) {
  if (map_installed) return;
  map_page = (size_t)sysconf(_SC_PAGESIZE);
  sigaction(SIGBUS, NULL, &map_previous); // known before the handler can run
  struct sigaction action = {.sa_sigaction = on_fault, .sa_mask = map_previous.sa_mask};
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | (map_previous.sa_flags & (SA_RESTART | SA_NODEFER));
  map_installed = sigaction(SIGBUS, &action, NULL) == 0;
}

static void handler_remove(void) {
  struct sigaction now;
  if (sigaction(SIGBUS, NULL, &now) != 0 || !(now.sa_flags & SA_SIGINFO) || now.sa_sigaction != on_fault) return;
  map_installed = sigaction(SIGBUS, &map_previous, NULL) != 0;
}

static struct mf_map_slot *slot_open(const void *data, size_t size, int file) {
  struct mf_map_slot *slot = NULL;
  pthread_mutex_lock(&map_lock);
  for (size_t i = 0; i < MAP_SLOTS && !slot; i++)
    if (!atomic_load(&map_slots[i].base)) slot = &map_slots[i];
  if (slot) {
    if (map_count++ == 0) handler_install();
    slot->file = file;
    atomic_store(&slot->broken, false);
    atomic_store(&slot->size, size);
    atomic_store(&slot->base, (uintptr_t)data);
  }
  pthread_mutex_unlock(&map_lock);
  return slot;
}

static void slot_close(struct mf_map_slot *slot) {
  pthread_mutex_lock(&map_lock);
  // Forgotten before it is unmapped: the addresses may be somebody else's at once.
  void *data = (void *)atomic_exchange(&slot->base, 0);
  munmap(data, atomic_load(&slot->size));
  close(slot->file);
  if (--map_count == 0) handler_remove();
  pthread_mutex_unlock(&map_lock);
}

static mf_status fail_errno(const char *path, int number, mf_error *e) {
  bool machine = number == ENOMEM || number == EMFILE || number == ENFILE; // nothing is wrong with the file
  mf_status status = machine ? MF_ERR_UNSUPPORTED : MF_ERR_FILE;
  return mf_fail(e, status, "%s: cannot be read: %s", path, strerror(number));
}

static mf_status fail_kind(const char *path, mode_t mode, mf_error *e) {
  const char *kind = S_ISDIR(mode) ? "a folder" : S_ISFIFO(mode) ? "a FIFO" : S_ISSOCK(mode) ? "a socket" : "a device";
  if (S_ISREG(mode)) kind = "made by the kernel when read"; // as in /proc and /sys
  return mf_fail(e, MF_ERR_FILE, "%s: not a regular file (it is %s)", path, kind);
}

static mf_status map_descriptor(mf_map *map, const char *path, int file, mf_error *e) {
  struct stat info;
  if (fstat(file, &info) != 0) return fail_errno(path, errno, e);
  if (!S_ISREG(info.st_mode)) return fail_kind(path, info.st_mode, e);
  size_t length = strlen(path) + 1;
  map->path = mf_alloc(length);
  if (!map->path) return mf_fail_memory(e, length);
  memcpy(map->path, path, length);
  char byte;
  if (info.st_size == 0) return pread(file, &byte, 1, 0) == 0 ? MF_OK : fail_kind(path, info.st_mode, e);
  size_t size = (size_t)info.st_size;
  void *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
  if (data == MAP_FAILED) return errno == ENODEV ? fail_kind(path, info.st_mode, e) : fail_errno(path, errno, e);
  map->slot = slot_open(data, size, file);
  if (!map->slot) {
    munmap(data, size);
    return mf_fail(e, MF_ERR_UNSUPPORTED, "%s: too many mapped files (at most %d)", path, MAP_SLOTS);
  }
  map->data = data;
  map->size = size;
  return MF_OK;
}

mf_status mf_map_open(mf_map *map, const char *path, mf_error *e) {
  *map = (mf_map){0};
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); // a FIFO without a writer must not hang
  if (file < 0) {
    int number = errno;
    struct stat info;
    bool odd = stat(path, &info) == 0 && !S_ISREG(info.st_mode);
    return odd ? fail_kind(path, info.st_mode, e) : fail_errno(path, number, e);
  }
  mf_status status = map_descriptor(map, path, file, e);
  if (!map->slot) close(file); // failed or empty
  if (status != MF_OK) mf_map_close(map);
  return status;
}

mf_status mf_map_check(const mf_map *map, mf_error *e) {
  if (!map->slot) return MF_OK;
  struct stat info;
  if (fstat(map->slot->file, &info) != 0) return fail_errno(map->path, errno, e);
  if (info.st_size < 0 || (size_t)info.st_size < map->size)
    return mf_fail(e, MF_ERR_FILE, "%s: shrank while it was read (from %zu bytes to %lld)", map->path, map->size,
                   (long long)info.st_size);
  if (atomic_load(&map->slot->broken)) // shrank and grew again, or the disk failed
    return mf_fail(e, MF_ERR_FILE, "%s: changed while it was read (part of it could not be)", map->path);
  return MF_OK;
}

void mf_map_close(mf_map *map) {
  if (map->slot) slot_close(map->slot);
  mf_free(map->path);
  *map = (mf_map){0};
}
