// Writes down what a process does to the files below a directory, in order: loaded with LD_PRELOAD.
//
// RUNWRIGHT_POWER_ROOT is the directory, RUNWRIGHT_POWER_LOG the file that the entries are added to. An entry is four
// numbers of 8 bytes (kind, inode, a number, the length of what follows) and bytes; `disk.rs` reads them.
//
// A sync is two entries, its begin and its end: it covers what was written before the first, and counts from the
// second on. It is not passed on to the disk, only delayed a little, as a disk would. What goes to the standard output
// is what the process acknowledged.

#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FILES 65536
#define AT_MOST_US 1500

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static char is_ours[FILES];
static const char *root;
static size_t root_length;
static int log_file = -1;
static uint64_t syncs;

__attribute__((constructor)) static void begin(void) {
    root = getenv("RUNWRIGHT_POWER_ROOT");
    const char *log = getenv("RUNWRIGHT_POWER_LOG");
    if (root && log) {
        root_length = strlen(root);
        log_file = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
}

static int is_below(const char *path) { return log_file >= 0 && strncmp(path, root, root_length) == 0; }

static int ours(int fd) { return fd >= 0 && fd < FILES && is_ours[fd]; }

static void put(const void *bytes, size_t length) {
    for (const char *at = bytes; length > 0;) {
        ssize_t written = syscall(SYS_write, log_file, at, length);
        if (written <= 0) abort();
        at += written;
        length -= written;
    }
}

// The caller holds `order`.
static void entry(char kind, uint64_t inode, uint64_t number, const void *bytes, size_t length) {
    uint64_t head[4] = {kind, inode, number, length};
    put(head, sizeof head);
    put(bytes, length);
}

static uint64_t inode(int fd, struct stat *facts) {
    if (fstat(fd, facts) != 0) abort();
    return facts->st_ino;
}

static int open_and_tell(int folder, const char *path, int flags, mode_t mode) {
    if (!is_below(path)) return syscall(SYS_openat, folder, path, flags, mode);
    pthread_mutex_lock(&order);
    int is_new = faccessat(folder, path, F_OK, 0) != 0;
    int fd = syscall(SYS_openat, folder, path, flags, mode);
    if (fd >= 0 && fd < FILES) {
        struct stat facts;
        uint64_t number = inode(fd, &facts);
        uint64_t how = is_new | (flags & O_TRUNC ? 2 : 0) | (S_ISDIR(facts.st_mode) ? 4 : 0);
        is_ours[fd] = 1;
        entry('O', number, how, path, strlen(path));
    }
    pthread_mutex_unlock(&order);
    return fd;
}

#define OPENS(name)                                            \
    int name(const char *path, int flags, ...) {               \
        va_list more;                                          \
        va_start(more, flags);                                 \
        mode_t mode = va_arg(more, mode_t);                    \
        va_end(more);                                          \
        return open_and_tell(AT_FDCWD, path, flags, mode);     \
    }
OPENS(open)
OPENS(open64)

#define OPENS_AT(name)                                         \
    int name(int folder, const char *path, int flags, ...) {   \
        va_list more;                                          \
        va_start(more, flags);                                 \
        mode_t mode = va_arg(more, mode_t);                    \
        va_end(more);                                          \
        return open_and_tell(folder, path, flags, mode);       \
    }
OPENS_AT(openat)
OPENS_AT(openat64)

int close(int fd) {
    if (ours(fd)) is_ours[fd] = 0;
    return syscall(SYS_close, fd);
}

static ssize_t write_and_tell(int fd, const void *bytes, size_t length, off_t at) {
    struct stat facts;
    pthread_mutex_lock(&order);
    uint64_t number = inode(fd, &facts);
    if (at < 0) at = fcntl(fd, F_GETFL) & O_APPEND ? facts.st_size : lseek(fd, 0, SEEK_CUR);
    ssize_t written = syscall(SYS_pwrite64, fd, bytes, length, at);
    if (written > 0) entry('W', number, at, bytes, written);
    pthread_mutex_unlock(&order);
    return written;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    if (fd == STDOUT_FILENO && log_file >= 0) {
        pthread_mutex_lock(&order);
        entry('A', 0, 0, bytes, length);
        pthread_mutex_unlock(&order);
    }
    if (!ours(fd)) return syscall(SYS_write, fd, bytes, length);
    ssize_t written = write_and_tell(fd, bytes, length, -1);
    if (written > 0) lseek(fd, written, SEEK_CUR);
    return written;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) {
    if (!ours(fd)) return syscall(SYS_pwrite64, fd, bytes, length, at);
    return write_and_tell(fd, bytes, length, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return pwrite64(fd, bytes, length, at); }

int ftruncate64(int fd, off_t length) {
    if (!ours(fd)) return syscall(SYS_ftruncate, fd, length);
    struct stat facts;
    pthread_mutex_lock(&order);
    uint64_t number = inode(fd, &facts);
    int outcome = syscall(SYS_ftruncate, fd, length);
    if (outcome == 0) entry('T', number, length, "", 0);
    pthread_mutex_unlock(&order);
    return outcome;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static int sync_and_tell(int fd) {
    struct stat facts;
    pthread_mutex_lock(&order);
    uint64_t number = inode(fd, &facts), sync = syncs++;
    entry('B', number, sync, "", 0);
    pthread_mutex_unlock(&order);
    usleep((sync * 7919 + 13) % AT_MOST_US);
    pthread_mutex_lock(&order);
    entry('E', number, sync, "", 0);
    pthread_mutex_unlock(&order);
    return 0;
}

int fsync(int fd) { return ours(fd) ? sync_and_tell(fd) : syscall(SYS_fsync, fd); }

int fdatasync(int fd) { return ours(fd) ? sync_and_tell(fd) : syscall(SYS_fdatasync, fd); }

// Brings nothing further than to the disk's own memory: told, and promises nothing.
int sync_file_range(int fd, off_t at, off_t length, unsigned flags) {
    if (!ours(fd)) return syscall(SYS_sync_file_range, fd, at, length, flags);
    pthread_mutex_lock(&order);
    entry('R', 0, 0, "", 0);
    pthread_mutex_unlock(&order);
    return 0;
}

int rename(const char *from, const char *to) {
    if (!is_below(from)) return syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
    pthread_mutex_lock(&order);
    int outcome = syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
    if (outcome == 0) {
        size_t first = strlen(from), second = strlen(to);
        char *both = malloc(first + second);
        memcpy(both, from, first);
        memcpy(both + first, to, second);
        entry('N', 0, first, both, first + second);
        free(both);
    }
    pthread_mutex_unlock(&order);
    return outcome;
}

int unlink(const char *path) {
    if (!is_below(path)) return syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    pthread_mutex_lock(&order);
    int outcome = syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (outcome == 0) entry('U', 0, 0, path, strlen(path));
    pthread_mutex_unlock(&order);
    return outcome;
}

int mkdir(const char *path, mode_t mode) {
    if (!is_below(path)) return syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    pthread_mutex_lock(&order);
    int outcome = syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    if (outcome == 0) entry('D', 0, 0, path, strlen(path));
    pthread_mutex_unlock(&order);
    return outcome;
}
