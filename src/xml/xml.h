// SPDX-License-Identifier: MulanPSL-2.0
// Safe XML reading over expat: a stream of elements, attributes and text, as UTF-8, with local names only
// (the prefix is cut off: producers choose prefixes freely and no two namespaces we read share a name in one
// place). No DTD, so no entities, no external files, no billion laughs; depth and token size have limits.
#ifndef XML_XML_H
#define XML_XML_H
#include "base/err.h"

#define XML_DEPTH_MAX 128
// One tag with its attributes, one comment, one instruction. expat holds a token in memory and scans it again
// with every piece that arrives, so an endless one would cost memory and squared time.
#define XML_TOKEN_MAX ((size_t)256 << 10)

// Handlers return OK to go on; anything else stops the parse and comes back from xml_feed. NULL = not heard.
struct xml_handler {
    int (*open)(void *arg, struct str name, const char *const *attributes);
    int (*close)(void *arg, struct str name);
    int (*text)(void *arg, struct str piece); // one run of text may come in several pieces
};
struct xml;
int xml_open(const struct xml_handler *handler, void *arg, struct xml **ret, struct err *e) MUST;
int xml_feed(struct xml *x, struct str bytes, bool is_last, struct err *e) MUST;
void xml_close(struct xml *x);
// Value of the attribute with this local name; STR_NONE if it is not there.
struct str xml_attribute(const char *const *attributes, const char *local_name);

#endif
