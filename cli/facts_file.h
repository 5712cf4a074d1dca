/* policy/facts.h answered from one signature in a file, as if it had been uploaded under the note that is asked about:
 * `sealgate verify --signature`. */
#ifndef SEALGATE_CLI_FACTS_FILE_H
#define SEALGATE_CLI_FACTS_FILE_H

#include "cli/judge.h"

struct facts_file {
	struct judge *judge;
	struct str name;       /* how the attestation is called: the file's */
	struct str signature;  /* armour, base64 of it, or binary OpenPGP */
	struct str payload;    /* what a detached signature signs; ptr NULL tries what sealgate and people sign */
	struct str repository; /* normal form */
};

struct facts facts_file_interface(struct facts_file *source);

#endif
