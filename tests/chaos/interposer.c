/* What a process does to the files below a folder: written to a log, or made to fail.
 *
 * Loaded by LD_PRELOAD. INTERPOSE_FOLDER names the folder. INTERPOSE_LOG is a file that every change is
 * appended to, in order, as records of  op, id, offset, length, bytes  (see tests/chaos/power_cut.py).
 * INTERPOSE_ERRNO is an error that one call in INTERPOSE_ONE_IN fails with, by INTERPOSE_SEED; ENOSPC
 * only where something is written. A call that fails has done nothing.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define FILES_MAX 4096
#define PATH_BYTES 4096

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *paths[FILES_MAX]; /* of the open files below the folder */
static char folder[PATH_BYTES];
static size_t folder_length;
static int log_file = -1, fails_with, one_in;
static unsigned int seed;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
    const char *text = getenv("INTERPOSE_FOLDER");
    if (text == NULL) return;
    snprintf(folder, sizeof folder, "%s", text);
    folder_length = strlen(folder);
    if ((text = getenv("INTERPOSE_LOG")) != NULL)
        log_file = syscall(SYS_openat, AT_FDCWD, text, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if ((text = getenv("INTERPOSE_ERRNO")) != NULL) fails_with = atoi(text);
    if ((text = getenv("INTERPOSE_ONE_IN")) != NULL) one_in = atoi(text);
    if ((text = getenv("INTERPOSE_SEED")) != NULL) seed = (unsigned int)atoi(text);
}

static int below(const char *path) {
    return folder_length && path && !strncmp(path, folder, folder_length) &&
           (path[folder_length] == '/' || !path[folder_length]);
}

static const char *path_of(int descriptor) {
    return descriptor >= 0 && descriptor < FILES_MAX ? paths[descriptor] : NULL;
}

static void put(const void *bytes, size_t length) {
    const char *at = bytes;
    while (length) {
        ssize_t written = syscall(SYS_write, log_file, at, length);
        if (written <= 0) abort();
        at += written;
        length -= (size_t)written;
    }
}

/* One record; the lock is held. */
static void record(char op, const char *path, int64_t offset, const void *bytes, uint64_t length) {
    uint32_t path_length = (uint32_t)strlen(path);
    if (log_file < 0) return;
    put(&op, 1);
    put(&path_length, 4);
    put(path, path_length);
    put(&offset, 8);
    put(&length, 8);
    if (length) put(bytes, length);
}

/* Whether a call on this path is to fail; the lock is held. */
static int fails(const char *path, int writes) {
    size_t length = strlen(path);
    if (!fails_with || one_in <= 0 || (fails_with == ENOSPC && !writes)) return 0;
    if (length >= 4 && !strcmp(path + length - 4, "acks")) return 0;
    if (rand_r(&seed) % (unsigned int)one_in) return 0;
    errno = fails_with;
    return 1;
}

static int opened(int descriptor, const char *path, int flags, int existed) {
    if (descriptor >= 0 && descriptor < FILES_MAX && below(path)) {
        pthread_mutex_lock(&lock);
        free(paths[descriptor]);
        paths[descriptor] = strdup(path);
        if ((flags & O_CREAT) && !existed) record('C', path, 0, NULL, 0);
        if (flags & O_TRUNC) record('T', path, 0, NULL, 0);
        pthread_mutex_unlock(&lock);
    }
    return descriptor;
}

static int exists(const char *path) {
    return !syscall(SYS_faccessat, AT_FDCWD, path, F_OK);
}

#define OPEN(name)                                                            \
    int name(const char *path, int flags, ...) {                              \
        mode_t mode = 0;                                                      \
        if (flags & (O_CREAT | O_TMPFILE)) {                                  \
            va_list given;                                                    \
            va_start(given, flags);                                           \
            mode = va_arg(given, mode_t);                                     \
            va_end(given);                                                    \
        }                                                                     \
        int existed = below(path) && exists(path);                            \
        return opened(syscall(SYS_openat, AT_FDCWD, path, flags, mode), path, flags, existed); \
    }
OPEN(open)
OPEN(open64)

int close(int descriptor) {
    if (path_of(descriptor)) {
        pthread_mutex_lock(&lock);
        free(paths[descriptor]);
        paths[descriptor] = NULL;
        pthread_mutex_unlock(&lock);
    }
    return (int)syscall(SYS_close, descriptor);
}

static ssize_t write_at(int descriptor, const void *bytes, size_t length, off_t offset, int positioned) {
    const char *path = path_of(descriptor);
    ssize_t done;
    if (!path)
        return positioned ? syscall(SYS_pwrite64, descriptor, bytes, length, offset)
                          : syscall(SYS_write, descriptor, bytes, length);
    pthread_mutex_lock(&lock);
    if (fails(path, 1)) {
        pthread_mutex_unlock(&lock);
        return -1;
    }
    if (!positioned) {
        struct stat found;
        offset = (fcntl(descriptor, F_GETFL) & O_APPEND) && !fstat(descriptor, &found)
                     ? found.st_size
                     : lseek(descriptor, 0, SEEK_CUR);
    }
    done = positioned ? syscall(SYS_pwrite64, descriptor, bytes, length, offset)
                      : syscall(SYS_write, descriptor, bytes, length);
    if (done > 0) record('W', path, offset, bytes, (uint64_t)done);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t write(int descriptor, const void *bytes, size_t length) {
    return write_at(descriptor, bytes, length, 0, 0);
}
ssize_t pwrite(int descriptor, const void *bytes, size_t length, off_t offset) {
    return write_at(descriptor, bytes, length, offset, 1);
}
ssize_t pwrite64(int descriptor, const void *bytes, size_t length, off64_t offset) {
    return write_at(descriptor, bytes, length, offset, 1);
}

#define ON_DESCRIPTOR(op, writes, size, call)                 \
    const char *path = path_of(descriptor);                   \
    if (!path) return (int)(call);                            \
    pthread_mutex_lock(&lock);                                \
    int done = fails(path, writes) ? -1 : (int)(call);        \
    if (!done) record(op, path, size, NULL, 0);               \
    pthread_mutex_unlock(&lock);                              \
    return done;

int fsync(int descriptor) { ON_DESCRIPTOR('S', 0, 0, syscall(SYS_fsync, descriptor)) }
int fdatasync(int descriptor) { ON_DESCRIPTOR('S', 0, 0, syscall(SYS_fdatasync, descriptor)) }
int ftruncate(int descriptor, off_t size) {
    ON_DESCRIPTOR('T', 1, size, syscall(SYS_ftruncate, descriptor, size))
}
int ftruncate64(int descriptor, off64_t size) {
    ON_DESCRIPTOR('T', 1, size, syscall(SYS_ftruncate, descriptor, size))
}

int unlink(const char *path) {
    if (!below(path)) return REAL(unlink)(path);
    pthread_mutex_lock(&lock);
    int done = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (!done) record('U', path, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int rename(const char *from, const char *to) {
    if (!below(from) || !below(to)) return REAL(rename)(from, to);
    pthread_mutex_lock(&lock);
    int done = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (!done) record('R', from, 0, to, strlen(to));
    pthread_mutex_unlock(&lock);
    return done;
}
