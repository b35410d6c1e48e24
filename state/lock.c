/*
 * lock.c: one mlopsd per directory, and files that only we can read.
 *
 * The lock is flock() on DIR/lock: it goes away with the process, however that ends. The pid in it is for the
 * message only.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/str.h"
#include "state/store-internal.h"

int private_file_create(const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    int code;

    if (fd < 0 && errno == EEXIST)
        return -EEXIST;
    /* An odd umask may have taken even our own rights away. */
    if (fd >= 0 && fchmod(fd, 0600) == 0)
        return fd;
    code = -errno;
    err_set(err, code, ERR_RETRY, "can not make %s: %m", path);
    if (fd >= 0)
        close(fd);
    return code;
}

int directory_sync(const char *directory, struct err *err)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = 0;

    if (fd < 0 || fsync(fd) < 0) {
        code = -errno;
        err_set(err, code, ERR_RETRY, "can not write %s to the disk: %m", directory);
    }
    if (fd >= 0)
        close(fd);
    return code;
}

static int lock_open(const char *path, struct err *err)
{
    int fd = private_file_create(path, err);
    int code;

    if (fd != -EEXIST)
        return fd;
    fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0)
        return fd;
    code = -errno;
    return err_set(err, code, ERR_RETRY, "can not open %s: %m", path);
}

static int lock_refuse(int fd, const char *directory, struct err *err)
{
    char pid[24] = "";
    ssize_t size = pread(fd, pid, sizeof(pid) - 1, 0);
    long long number;

    pid[size > 0 ? size : 0] = '\0';
    if (size > 1 && pid[size - 1] == '\n')
        pid[size - 1] = '\0';
    if (str_to_int64(pid, 1, 1LL << 31, &number) < 0)
        return err_set(err, -EBUSY, ERR_BUSY, "another mlopsd holds %s", directory);
    return err_set(err, -EBUSY, ERR_BUSY, "another mlopsd (pid %lld) holds %s", number, directory);
}

int lock_take(const char *directory, struct err *err)
{
    char *path CLEANUP_FREE = str_format("%s/lock", directory);
    int fd, r;

    if (!path)
        return err_no_memory(err);
    fd = lock_open(path, err);
    if (fd < 0)
        return fd;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        r = errno == EWOULDBLOCK ? lock_refuse(fd, directory, err)
                                 : err_set(err, -errno, ERR_RETRY, "can not lock %s: %m", path);
        close(fd);
        return r;
    }
    /* Without a pid the lock holds all the same: a full disk must not stop us here. */
    if (ftruncate(fd, 0) == 0)
        (void)dprintf(fd, "%ld\n", (long)getpid());
    return fd;
}
