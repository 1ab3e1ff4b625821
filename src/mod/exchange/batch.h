// SPDX-License-Identifier: MulanPSL-2.0
// Private to exchange: many queries of one grant in one call. batch_routes.c takes the body apart, batch.c reads and
// runs the queries, batch_reply.c is with them on the writer and tells what became of each.
#ifndef EXCHANGE_BATCH_H
#define EXCHANGE_BATCH_H
#include "mod/exchange/inside.h"

#define BATCH_QUERIES_MAX  1000      // of one array; of a stream, what is committed together
#define BATCH_BYTES_MAX    (4 << 20) // of one array
#define BATCH_STREAM_MAX   100000    // queries of one stream
#define BATCH_STREAM_BYTES ((int64_t)64 << 20)
#define BATCH_LINE_MAX     16384              // bytes of one query
#define BATCH_REPLY_MAX    ((size_t)16 << 20) // bytes of the rows of one array, or of what is committed together
#define BATCH_ID_MAX       100                // characters of the caller's own id of a query
#define BATCH_SLICE        200                // notes of one item of the commit queue: well under its 5 ms
#define BATCH_LOOP_BYTES   8192               // a larger body goes to a worker: the loop serves others

struct batch_query {
    struct str id, text;   // the caller's own id; the query as the single call has it in its URL
    struct json values;    // 核验
    struct str reply;      // the single call's body, without its entry
    struct note *note;     // NULL: refused before it came to the writer
    const struct err *bad; // why
    struct str case_no, operator;
    bool is_verify;
};
struct batch {
    struct note_batch notes; // first: the hooks find us
    struct grant_view *view;
    struct call_names names; // of the call; its queries may name their own case and operator
    struct batch_query *queries;
    int n, taken;       // taken: of the key's allowance
    size_t reply_bytes; // so far
    struct str trace;   // the view is not held until the reply
    bool is_ndjson;     // the reply's form
};
// Reads one query (one JSON object) into b->queries[b->n++]; what is wrong with it is said in its place.
void batch_add(struct cx *cx, struct batch *b, struct str json);
void batch_add_json(struct cx *cx, struct batch *b, struct json item);
// Runs what was added: replies and notes. ERR_busy: too long for this thread, nothing was taken.
int batch_run(struct cx *cx, struct batch *b) MUST;
void batch_hooks(struct batch *b); // what core asks of it
// After the commit. tell makes the whole reply, items only their text; both first see whether it was done before.
int batch_tell(struct cx *cx) MUST;
int batch_items(struct cx *cx, struct batch *b, struct buf *out, int64_t *ret_answered) MUST;
#endif
