/* Whether a database is whole. */
#ifndef SEALGATE_TESTS_FAULT_SOUND_H
#define SEALGATE_TESTS_FAULT_SOUND_H

/* Fails the test, with `what` before the reason, unless `PRAGMA integrity_check` finds nothing. `flags` are those of
 * sqlite3_open_v2: SQLITE_OPEN_READONLY changes nothing there, SQLITE_OPEN_READWRITE recovers first. */
void assert_sound(const char *path, int flags, const char *what);

#endif
