/* Attempts at what a confined process must not be able to do. Each is made in a process of its own. */
#ifndef SEALGATE_SERVER_SANDBOX_PROBE_H
#define SEALGATE_SERVER_SANDBOX_PROBE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/* A program that could be started exits with 0 as well. */
enum sandbox_probe_result { PROBE_WORKED = 0, PROBE_REFUSED = 1, PROBE_UNKNOWN = 2 };

/* What attempts are made on: everybody of this user may use it. */
struct sandbox_probe_bed {
	char scratch[PATH_MAX]; /* a directory that the caller made, outside of what is granted */
	int listener;		/* of the loopback interface, that somebody could connect to */
	uint16_t listening;	/* its port */
	uint16_t unused;	/* a port that nobody listens on */
};

/* False when this machine has no loopback. */
bool sandbox_probe_bed_open(struct sandbox_probe_bed *bed);
/* Legal once open has been called, whatever it said. */
void sandbox_probe_bed_close(struct sandbox_probe_bed *bed);

typedef enum sandbox_probe_result sandbox_probe(const struct sandbox_probe_bed *bed);

sandbox_probe sandbox_probe_privileges;	   /* to gain rights by a set-uid program */
sandbox_probe sandbox_probe_core;	   /* to dump core: raises the limit */
sandbox_probe sandbox_probe_memory;	   /* to be traced, and read by others of its user */
sandbox_probe sandbox_probe_unlisted_call; /* a harmless system call that no table names */
sandbox_probe sandbox_probe_program;	   /* to run a program: sealgated itself, which tells its version */
sandbox_probe sandbox_probe_process;	   /* to start a process */
sandbox_probe sandbox_probe_trace;	   /* ptrace */
sandbox_probe sandbox_probe_code;	   /* memory that is written and run */
sandbox_probe sandbox_probe_connect;	   /* TCP, to somebody who listens */
sandbox_probe sandbox_probe_datagram;	   /* UDP */
sandbox_probe sandbox_probe_read;	   /* to list `/` */
sandbox_probe sandbox_probe_scratch;	   /* to list the directory around */
sandbox_probe sandbox_probe_write;	   /* to make a file there */
sandbox_probe sandbox_probe_listen;	   /* on a port that is free */
sandbox_probe sandbox_probe_signal;	   /* to its parent, which is not confined */

#endif
