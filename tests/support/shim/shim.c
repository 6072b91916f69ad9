/* Counts the calls by which a group of processes changes the file system, and strikes at one.
 *
 * Preloaded into a process and all that it starts. The file named by SHIM_CONTROL is shared
 * memory: who is counted, how many calls there were, and what happens at which. SIGKILL goes to
 * the whole group before the call is made; ENOSPC lasts, as a full disk does, and EIO strikes once.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { COUNT, KILL, FULL, BROKEN };
enum { GROWS = 1, SHRINKS = 0 };

struct control {
    uint64_t count, at;
    int32_t action, group;
};

static struct control *control;

__attribute__((constructor)) static void attach(void)
{
    const char *path = getenv("SHIM_CONTROL");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *shared = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shared != MAP_FAILED)
        control = shared;
    close(fd);
}

/* The error that the call is to fail with, or 0. */
static int strike(int grows)
{
    if (!control || control->group == 0 || getpgrp() != control->group)
        return 0;
    uint64_t number = __atomic_add_fetch(&control->count, 1, __ATOMIC_SEQ_CST);
    if (control->action == KILL && number == control->at)
        for (kill(0, SIGKILL);;)
            pause();
    if (control->action == FULL && number >= control->at && grows)
        return ENOSPC;
    if (control->action == BROKEN && number == control->at)
        return EIO;
    return 0;
}

/* What a command says is no change, be it into a file. */
static int changes_file(int fd)
{
    struct stat found;
    return fd > STDERR_FILENO && fstat(fd, &found) == 0 && S_ISREG(found.st_mode);
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) \
        real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define FAIL_OR(grows, failed, call) \
    do { \
        int error = strike(grows); \
        if (error) { \
            errno = error; \
            return failed; \
        } \
        return call; \
    } while (0)

#define CALL(name, grows, params, args) \
    int name params \
    { \
        REAL(int, #name, TYPES params); \
        FAIL_OR(grows, -1, real args); \
    }
#define TYPES(...) __VA_ARGS__

CALL(rename, SHRINKS, (const char *from, const char *to), (from, to))
CALL(renameat, SHRINKS, (int a, const char *from, int b, const char *to), (a, from, b, to))
CALL(renameat2, SHRINKS, (int a, const char *from, int b, const char *to, unsigned flags),
     (a, from, b, to, flags))
CALL(unlink, SHRINKS, (const char *path), (path))
CALL(unlinkat, SHRINKS, (int at, const char *path, int flags), (at, path, flags))
CALL(rmdir, SHRINKS, (const char *path), (path))
CALL(mkdir, GROWS, (const char *path, mode_t mode), (path, mode))
CALL(mkdirat, GROWS, (int at, const char *path, mode_t mode), (at, path, mode))
CALL(link, GROWS, (const char *from, const char *to), (from, to))
CALL(linkat, GROWS, (int a, const char *from, int b, const char *to, int flags),
     (a, from, b, to, flags))
CALL(symlink, GROWS, (const char *to, const char *path), (to, path))
CALL(symlinkat, GROWS, (const char *to, int at, const char *path), (to, at, path))
CALL(ftruncate, SHRINKS, (int fd, off_t size), (fd, size))
CALL(ftruncate64, SHRINKS, (int fd, off64_t size), (fd, size))
CALL(truncate, SHRINKS, (const char *path, off_t size), (path, size))

#define WRITE(name, params, args) \
    ssize_t name params \
    { \
        REAL(ssize_t, #name, TYPES params); \
        if (!changes_file(fd)) \
            return real args; \
        FAIL_OR(GROWS, -1, real args); \
    }

WRITE(write, (int fd, const void *data, size_t size), (fd, data, size))
WRITE(pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
WRITE(pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at))
WRITE(writev, (int fd, const struct iovec *parts, int count), (fd, parts, count))

#define MODE_OF(flags, mode) \
    mode_t mode = 0; \
    if ((flags) & O_CREAT || ((flags) & O_TMPFILE) == O_TMPFILE) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

#define OPEN(name) \
    int name(const char *path, int flags, ...) \
    { \
        REAL(int, #name, const char *, int, ...); \
        MODE_OF(flags, mode); \
        if (!(flags & (O_CREAT | O_TRUNC))) \
            return real(path, flags, mode); \
        FAIL_OR(GROWS, -1, real(path, flags, mode)); \
    }

#define OPENAT(name) \
    int name(int at, const char *path, int flags, ...) \
    { \
        REAL(int, #name, int, const char *, int, ...); \
        MODE_OF(flags, mode); \
        if (!(flags & (O_CREAT | O_TRUNC))) \
            return real(at, path, flags, mode); \
        FAIL_OR(GROWS, -1, real(at, path, flags, mode)); \
    }

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

#define FOPEN(name) \
    FILE *name(const char *path, const char *mode) \
    { \
        REAL(FILE *, #name, const char *, const char *); \
        if (*mode == 'r') \
            return real(path, mode); \
        FAIL_OR(GROWS, NULL, real(path, mode)); \
    }

FOPEN(fopen)
FOPEN(fopen64)
