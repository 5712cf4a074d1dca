/* How json_doc stores a value: between json_doc_read.c, which fills nodes, and json_doc.c, which looks at them. */
#ifndef SEALGATE_BASE_JSON_NODE_H
#define SEALGATE_BASE_JSON_NODE_H

#include <stdint.h>

struct json_node {
	uint32_t offset; /* of the value; its first byte tells the kind */
	uint32_t size;	 /* of the value as written */
	uint32_t key;	 /* offset of the key's opening quote; 0 for what is no member */
	uint32_t end;	 /* the node after this subtree, and two flags */
};

_Static_assert(sizeof(struct json_node) == 16, "four nodes in a cache line");

#define NODE_END_MASK 0x3fffffffu
#define NODE_SKIPPED 0x80000000u /* its value was checked, not recorded */
#define NODE_LAST 0x40000000u	 /* no sibling follows */

#endif
