// SPDX-License-Identifier: MulanPSL-2.0
// The one place that opens expat. Kept true: (X1) a document type declaration ends the parse before any
// entity of it can exist; (X2) after a handler or a limit has said stop, no handler is called again; (X3)
// expat never holds more than XML_TOKEN_MAX bytes and one piece of input, whatever a stranger sends.
#include "xml/xml.h"
#include <assert.h>
#include <expat.h>
#include <stdlib.h>

#define XML_MAGIC 0x786d6c21u
#define XML_PIECE ((size_t)64 << 10)

struct xml {
    uint32_t magic;
    int depth;
    int stop; // first nonzero answer: of a handler or, for our own limits, the code already in *e
    XML_Parser expat;
    const struct xml_handler *handler;
    void *arg;
    struct err *e;        // of the xml_feed now running
    size_t fed, heard_at; // bytes given to expat; the count when it last reported anything
};

static struct str local(const char *name) {
    const char *colon = strchr(name, ':');
    return str_of(colon ? colon + 1 : name);
}

struct str xml_attribute(const char *const *attributes, const char *local_name) {
    const struct str want = str_of(local_name);
    for (const char *const *a = attributes; a[0]; a += 2)
        if (str_eq(local(a[0]), want)) return str_of(a[1]);
    return STR_NONE;
}

static void stop(struct xml *x, int code) {
    if (x->stop || code == OK) return;
    x->stop = code;
    XML_StopParser(x->expat, XML_FALSE);
}

static int64_t line_of(const struct xml *x) {
    return (int64_t)XML_GetCurrentLineNumber(x->expat);
}

static void XMLCALL on_open(void *arg, const XML_Char *name, const XML_Char **attributes) {
    struct xml *x = arg;
    x->heard_at = x->fed;
    if (x->stop) return; // X2: expat may finish its current token after a stop
    if (++x->depth > XML_DEPTH_MAX) {
        stop(x, err_set_row(x->e, ERR_too_large, "depth", line_of(x), "%d", XML_DEPTH_MAX));
        return;
    }
    if (x->handler->open) stop(x, x->handler->open(x->arg, local(name), (const char *const *)attributes));
}

static void XMLCALL on_close(void *arg, const XML_Char *name) {
    struct xml *x = arg;
    x->heard_at = x->fed;
    if (x->stop) return;
    x->depth--;
    if (x->handler->close) stop(x, x->handler->close(x->arg, local(name)));
}

static void XMLCALL on_text(void *arg, const XML_Char *p, int n) {
    struct xml *x = arg;
    x->heard_at = x->fed;
    if (x->stop || !x->handler->text) return;
    stop(x, x->handler->text(x->arg, (struct str){p, (size_t)n}));
}

// Comments, instructions and the declaration mean nothing to us but show that expat moves on (X3).
static void XMLCALL on_other(void *arg, const XML_Char *p, int n) {
    struct xml *x = arg;
    (void)p;
    (void)n;
    x->heard_at = x->fed;
}

static void XMLCALL on_doctype(void *arg, const XML_Char *name, const XML_Char *sysid, const XML_Char *pubid,
                               int has_internal_subset) {
    struct xml *x = arg;
    (void)name;
    (void)sysid;
    (void)pubid;
    (void)has_internal_subset;
    if (!x->stop) stop(x, err_set_row(x->e, ERR_xml_dtd, "", line_of(x), "%s", "")); // X1
}

// Never reached while X1 holds; it is the second lock on the same door.
static void XMLCALL on_entity(void *arg, const XML_Char *name, int is_parameter, const XML_Char *value, int n,
                              const XML_Char *base, const XML_Char *sysid, const XML_Char *pubid,
                              const XML_Char *notation) {
    struct xml *x = arg;
    (void)is_parameter;
    (void)value;
    (void)n;
    (void)base;
    (void)sysid;
    (void)pubid;
    (void)notation;
    if (!x->stop) stop(x, err_set_row(x->e, ERR_xml_dtd, "", line_of(x), "%s", name));
}

int xml_open(const struct xml_handler *handler, void *arg, struct xml **ret, struct err *e) {
    struct xml *x = calloc(1, sizeof *x);
    XML_Parser expat = x ? XML_ParserCreate(NULL) : NULL;
    if (!expat) {
        free(x);
        return err_set(e, ERR_no_memory, "", "%s", "");
    }
    *x = (struct xml){.magic = XML_MAGIC, .expat = expat, .handler = handler, .arg = arg};
    XML_SetUserData(expat, x);
    XML_SetElementHandler(expat, on_open, on_close);
    XML_SetCharacterDataHandler(expat, on_text);
    XML_SetDefaultHandler(expat, on_other);
    XML_SetStartDoctypeDeclHandler(expat, on_doctype);
    XML_SetEntityDeclHandler(expat, on_entity);
    XML_SetParamEntityParsing(expat, XML_PARAM_ENTITY_PARSING_NEVER);
    *ret = x;
    return OK;
}

int xml_feed(struct xml *x, struct str bytes, bool is_last, struct err *e) {
    assert(x && x->magic == XML_MAGIC);
    if (x->stop) return x->stop;
    x->e = e;
    do {
        const size_t n = bytes.n < XML_PIECE ? bytes.n : XML_PIECE;
        x->fed += n;
        const enum XML_Status status = XML_Parse(x->expat, bytes.p, (int)n, is_last && n == bytes.n);
        if (x->stop) break;
        if (status != XML_STATUS_OK) {
            const char *why = XML_ErrorString(XML_GetErrorCode(x->expat));
            x->stop = err_set_row(e, ERR_xml_syntax, "", line_of(x), "%s", why);
            break;
        }
        if (x->fed - x->heard_at > XML_TOKEN_MAX) {
            x->stop = err_set_row(e, ERR_too_large, "token", line_of(x), "%zu", XML_TOKEN_MAX);
            break;
        }
        bytes = (struct str){bytes.p + n, bytes.n - n};
    } while (bytes.n > 0);
    x->e = NULL;
    return x->stop;
}

void xml_close(struct xml *x) {
    if (!x) return;
    assert(x->magic == XML_MAGIC);
    XML_ParserFree(x->expat);
    x->magic = 0;
    free(x);
}
