/* The directory that a server keeps: its database, its certificates, its worker's homes. */
#ifndef SEALGATE_SERVER_DATA_DIR_H
#define SEALGATE_SERVER_DATA_DIR_H

#include "server/config.h"

/* Makes `path` (0700) when it is absent; its parent must be there. ERR_INVALID when it can't be made or is no
 * directory. */
bool data_dir_make(const char *path, struct err *e) MUST_USE;
/* Takes the directory for this process: two servers on one database would each believe to be the only one. The lock
 * ends with the process, however it ends, and is not inherited by children. *fd is to be kept open. ERR_UNAVAILABLE
 * when another process has it. */
bool data_dir_lock(const char *path, int *fd, struct err *e) MUST_USE;
/* Makes DIR/certs when the configuration names no certificate and there is none: for localhost, this host's name, the
 * webhook's address, and the Service `sealgate` in `own_namespace` (may be ""). *made tells whether it did. */
bool data_dir_certificates(const struct config *config, const char *own_namespace, bool *made, struct err *e) MUST_USE;

#endif
