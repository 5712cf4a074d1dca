/* Every limit of sealgate, in one place. Each has a test that stands on both sides of it. The answer
 * given beyond a limit is in docs/ARCHITECTURE.md, "Limits". */
#ifndef SEALGATE_BASE_LIMITS_H
#define SEALGATE_BASE_LIMITS_H

/* Request bodies, bytes: 413 beyond. */
#define LIMIT_REVIEW_BODY (8u * 1024 * 1024)
#define LIMIT_API_BODY (4u * 1024 * 1024)

/* Memory for reading and deciding one review, bytes (nodes, images, facts, findings): "Too complex" beyond. */
#define LIMIT_REVIEW_MEMORY (4u * LIMIT_REVIEW_BODY)
/* The uid that an AdmissionReview's answer echoes, bytes: 400 beyond. */
#define LIMIT_UID 256u

/* Nesting of objects and arrays in any JSON or YAML document: 400 beyond. */
#define LIMIT_JSON_DEPTH 512u

/* Images in one reviewed object: refused beyond ("too many images"). */
#define LIMIT_IMAGES 10000u

/* Attestations of one digest and note without a cached verdict that one review verifies: newest first, then refused. */
#define LIMIT_UNVERIFIED 256u

/* Attestations of one digest and note that one review looks at, newest first, and the bytes of their signatures and
 * payloads; beyond, only those that a hint leads to. */
#define LIMIT_WALK 10000u
#define LIMIT_WALK_BYTES (16u * 1024 * 1024)

/* One signature as uploaded, bytes: 400 beyond. */
#define LIMIT_SIGNATURE (64u * 1024)

/* Connections of one listener; LIMIT_CONNECTIONS_SPARE more are answered 503 with Retry-After: 1 unless room is made
 * meanwhile, and the next wait in the backlog. */
#define LIMIT_CONNECTIONS 1024u
#define LIMIT_CONNECTIONS_SPARE 32u
/* Room is made, beyond LIMIT_CONNECTIONS, by closing whoever has taken longer than this: to ask anything at all (a
 * handshake, no request, half a head); to send a body or read an answer; between two requests. */
#define LIMIT_FULL_UNASKED_SECONDS 1u
#define LIMIT_FULL_SLOW_SECONDS 5u
#define LIMIT_FULL_REST_SECONDS 10u
#define LIMIT_IDLE_SECONDS 120u
#define LIMIT_REQUEST_HEAD_SECONDS 30u
/* A request's line and headers, bytes: closed beyond (413, 414 or 431 where there is room to say so). */
#define LIMIT_REQUEST_HEAD (8u * 1024)
#define LIMIT_DRAIN_SECONDS 20u

/* Grafeas pages: 400 beyond. */
#define LIMIT_PAGE_SIZE 1000u
#define LIMIT_PAGE_DEFAULT 100u

/* Ids of projects, notes, occurrences and operations, bytes: 400 beyond. */
#define LIMIT_ID 255u
/* One API answer, bytes; a list that would be larger ends early, with a page token. */
#define LIMIT_API_ANSWER (32u * 1024 * 1024)
/* Time one API request may take, milliseconds: 504 beyond. */
#define LIMIT_API_MS 30000u

/* --token-file, its tokens, and the length of their names. */
#define LIMIT_TOKEN_FILE (1u * 1024 * 1024)
#define LIMIT_TOKENS 1000u
#define LIMIT_TOKEN_NAME 63u

/* A page of the store ends early once its rows hold this many bytes. */
#define LIMIT_PAGE_BYTES (8u * 1024 * 1024)

/* Writes that wait for the store's writer: 503 beyond. */
#define LIMIT_WRITE_QUEUE 4096u

/* Texts of a decision, bytes. A longer deny message ends in "and N more". */
#define LIMIT_DENY_MESSAGE 4096u
#define LIMIT_IMAGE_TEXT 512u
/* One finding, and in it the words after the policy's name; attestations explained for each attestor, then "and N
 * more". A longer text ends in "...". */
#define LIMIT_FINDING_TEXT 2048u
#define LIMIT_REASON_TEXT 1024u
#define LIMIT_REASONS 3u
#define LIMIT_AUDIT_IMAGES 4096u
#define LIMIT_WARNING_TEXT 256u
#define LIMIT_WARNINGS_TOTAL 4096u
/* Causes (path and text) beside a deny message. */
#define LIMIT_CAUSES 100u

/* Path part of an image reference, bytes (distribution/reference). */
#define LIMIT_IMAGE_PATH 255u
#define LIMIT_IMAGE_REFERENCE 4096u

/* Policy and key files. */
#define LIMIT_POLICY_FILE (4u * 1024 * 1024)
#define LIMIT_POLICY_FILES 10000u
#define LIMIT_POLICY_MEMORY (256u * 1024 * 1024)
#define LIMIT_KEY_FILE (1u * 1024 * 1024)
#define LIMIT_KEYS 10000u
/* Different key texts that count at the same time, and their bytes: what gpg imports in half of LIMIT_VERIFY_MS. */
#define LIMIT_KEY_TEXTS 2000u
#define LIMIT_KEY_TEXTS_BYTES (16u * 1024 * 1024)
#define LIMIT_YAML_NODES 1000000u
#define LIMIT_YAML_BYTES (16u * 1024 * 1024)

/* What is taken from a cluster: policy objects, values that keys may come from, one object's text, and the bytes of
 * all texts; beyond, a snapshot is not taken, and an object without its text is TooLarge. */
#define LIMIT_OBJECTS 20000u
#define LIMIT_KEY_SOURCES 20000u
#define LIMIT_OBJECT_TEXT (2u * 1024 * 1024)
#define LIMIT_OBJECTS_BYTES (128u * 1024 * 1024)
/* Of LIMIT_POLICY_MEMORY: what one object may take, and what is kept for those that can't be read: they must still be
 * known, to refuse. */
#define LIMIT_OBJECT_MEMORY (16u * 1024 * 1024)
#define LIMIT_OBJECTS_RESERVE (64u * 1024 * 1024)

/* Verification: jobs waiting for a worker (uploads and reviews each), bytes of the waiting uploads; verdicts kept in
 * memory; time one verification may take, milliseconds. */
#define LIMIT_VERIFY_QUEUE 4096u
#define LIMIT_VERIFY_QUEUE_BYTES (64u * 1024 * 1024)
#define LIMIT_VERDICTS 1000000u
#define LIMIT_VERIFY_MS 10000u
/* Processor time of one gpg that verifies, seconds: the signature does not count beyond. */
#define LIMIT_GPG_CPU_SECONDS 2u

/* Finished answers about digests that are kept in memory, bytes; least recently used out first. One takes at most a
 * 256th, else it is not kept. */
#define LIMIT_FACTS_BYTES (64u * 1024 * 1024)

/* Deadlines of a review, milliseconds: `?timeout=` absent, and what is kept back for the answer. */
#define LIMIT_TIMEOUT_DEFAULT_MS 10000u
#define LIMIT_TIMEOUT_MAX_MS 30000u
#define LIMIT_TIMEOUT_RESERVE_MS 100u

/* Policy objects that are reviewed at the same time; others wait for their turn within their deadline. */
#define LIMIT_OBJECT_REVIEWS 2u
/* How long a review waits for the labels of a namespace that is not known yet, milliseconds. */
#define LIMIT_LABELS_MS 1000u

/* One line of the log, bytes; a field that does not fit is left out and named in "omitted". */
#define LIMIT_LOG_LINE (1024u * 1024)

/* Query parameters of one request: 400 beyond. Time for a request's body once its head is complete. */
#define LIMIT_QUERY_PARAMETERS 64u
#define LIMIT_REQUEST_BODY_SECONDS 30u

/* Memory: what the arena of one request may give out. */
#define LIMIT_REQUEST_MEMORY (256u * 1024 * 1024)

/* What a listener takes on at once, 503 with Retry-After: 1 beyond: requests that a handler works on, bytes of bodies,
 * bytes of answers that clients are still reading. The first bytes of each body and answer are free. An upload as a
 * tree is up to twelve times its body, so that its room is the smaller one. */
#define LIMIT_BODY_FREE (64u * 1024)
#define LIMIT_REVIEWS_IN_WORK 512u
#define LIMIT_REVIEW_BODIES (128u * 1024 * 1024)
#define LIMIT_API_IN_WORK 256u
/* Of the API's, those that are worked on at the same time; the others wait for their turn, milliseconds, 503 beyond. */
#define LIMIT_API_TURNS 16u
#define LIMIT_TURN_MS 3000u
#define LIMIT_API_BODIES (16u * 1024 * 1024)
#define LIMIT_ANSWERS (128u * 1024 * 1024)

#endif
