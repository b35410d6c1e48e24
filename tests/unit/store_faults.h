/*
 * store_faults.h: an SQLite VFS and an allocator that fail the call they are told to.
 */
#ifndef MLOPSD_TESTS_UNIT_STORE_FAULTS_H
#define MLOPSD_TESTS_UNIT_STORE_FAULTS_H

#include <sqlite3.h>
#include <stdbool.h>

#include "common/clock.h"

#define FAULTY_VFS "faulty"

struct faults {
    int writes_left;   /* write, sync, truncate: the one after so many fails; negative = none does */
    bool stays_broken; /* all after it fail too, as when the disk is gone */
    int code;          /* what it fails with: SQLITE_IOERR_WRITE, SQLITE_FULL, ... */
    bool hit;
    int allocations_left; /* the same for memory */
    bool allocation_hit;
    struct clock_virtual *clock; /* moved on by each sync; NULL = not */
    unsigned sync_takes_ms;
};
extern struct faults faults;

/** Once, before anything else of SQLite. */
void faults_install(void);
/** No faults. */
void faults_clear(void);

#endif
