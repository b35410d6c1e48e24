/*
 * store_faults.c: faults below SQLite. The VFS passes all to the default one; only changes are counted.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store_faults.h"

struct faults faults = {.writes_left = -1, .allocations_left = -1};

struct faulty_file {
    sqlite3_file base;
    sqlite3_file *real; /* right behind this struct */
};

static sqlite3_vfs *real_vfs;
static sqlite3_mem_methods real_memory;

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct faulty_file *)file)->real;
}

static bool fails(void)
{
    if (faults.hit && faults.stays_broken)
        return true;
    if (faults.writes_left < 0 || faults.writes_left-- > 0)
        return false;
    faults.hit = true;
    return true;
}

static int faulty_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int faulty_read(sqlite3_file *file, void *data, int size, sqlite3_int64 offset)
{
    return real_of(file)->pMethods->xRead(real_of(file), data, size, offset);
}

/* Half of it arrives: what a real disk does when it fills up. */
static int faulty_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    if (fails()) {
        (void)real_of(file)->pMethods->xWrite(real_of(file), data, size / 2, offset);
        return faults.code;
    }
    return real_of(file)->pMethods->xWrite(real_of(file), data, size, offset);
}

static int faulty_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return fails() ? faults.code : real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int faulty_sync(sqlite3_file *file, int flags)
{
    if (faults.clock)
        clock_virtual_advance(faults.clock, faults.sync_takes_ms);
    return fails() ? faults.code : real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int faulty_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int faulty_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int faulty_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int faulty_reserved(sqlite3_file *file, int *out)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int faulty_control(sqlite3_file *file, int op, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, argument);
}

static int faulty_sector(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int faulty_traits(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int faulty_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, out);
}

static int faulty_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void faulty_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int faulty_shm_unmap(sqlite3_file *file, int is_delete)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), is_delete);
}

static const sqlite3_io_methods faulty_methods = {
    .iVersion = 2, /* no memory-mapped reads */
    .xClose = faulty_close,
    .xRead = faulty_read,
    .xWrite = faulty_write,
    .xTruncate = faulty_truncate,
    .xSync = faulty_sync,
    .xFileSize = faulty_size,
    .xLock = faulty_lock,
    .xUnlock = faulty_unlock,
    .xCheckReservedLock = faulty_reserved,
    .xFileControl = faulty_control,
    .xSectorSize = faulty_sector,
    .xDeviceCharacteristics = faulty_traits,
    .xShmMap = faulty_shm_map,
    .xShmLock = faulty_shm_lock,
    .xShmBarrier = faulty_shm_barrier,
    .xShmUnmap = faulty_shm_unmap,
};

static int faulty_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *out_flags)
{
    struct faulty_file *faulty = (struct faulty_file *)file;
    int rc;

    (void)vfs;
    faulty->real = (sqlite3_file *)(faulty + 1);
    rc = real_vfs->xOpen(real_vfs, name, faulty->real, flags, out_flags);
    /* Methods mean "close me", also after a failure. */
    faulty->base.pMethods = faulty->real->pMethods ? &faulty_methods : NULL;
    return rc;
}

/* An allocation that fails must be one the store can be blamed for: SQLite's own. */
static bool allocation_fails(void)
{
    if (faults.allocations_left < 0 || faults.allocations_left-- > 0)
        return false;
    faults.allocation_hit = true;
    return true;
}

static void *faulty_malloc(int size)
{
    return allocation_fails() ? NULL : real_memory.xMalloc(size);
}

static void *faulty_realloc(void *data, int size)
{
    return allocation_fails() ? NULL : real_memory.xRealloc(data, size);
}

void faults_install(void)
{
    static sqlite3_vfs vfs;
    sqlite3_mem_methods memory;
    int rc;

    rc = sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory);
    assert(rc == SQLITE_OK);
    memory = real_memory;
    memory.xMalloc = faulty_malloc;
    memory.xRealloc = faulty_realloc;
    rc = sqlite3_config(SQLITE_CONFIG_MALLOC, &memory);
    assert(rc == SQLITE_OK);
    real_vfs = sqlite3_vfs_find(NULL);
    vfs = *real_vfs;
    vfs.zName = FAULTY_VFS;
    vfs.szOsFile = (int)sizeof(struct faulty_file) + real_vfs->szOsFile;
    vfs.xOpen = faulty_open;
    rc = sqlite3_vfs_register(&vfs, 0);
    assert(rc == SQLITE_OK);
}

void faults_clear(void)
{
    faults = (struct faults){.writes_left = -1, .allocations_left = -1};
}
