// SPDX-License-Identifier: MulanPSL-2.0
// Acts become rows: for each thing that a WRITE did, one readable audit row and one ledger entry whose committed
// part is the very same text, both in the writer's transaction. What is shown in clear is only what concerns
// openly published data; everything else shows its kind and a commitment.
#include "core/act.h"
#include <inttypes.h>

static struct str digest_of(struct cx *cx, struct str v) {
    uint8_t out[HASH_BYTES];
    if (!v.p) return STR_NONE;
    hash_one(cx->hasher, HASH_SHA256, v, out);
    return str_hex(cx->mem, out, sizeof out);
}

// The committed part: names in byte order, so that the text is canonical as it is written. Every column of the audit
// row stands in it: none can be changed without the entry telling.
static struct str detail_text(struct cx *cx, const struct act *a, const char *verb, struct str before,
                              struct str after) {
    struct buf b = buf_new(cx->mem, 512, 65536);
    struct jw w = jw_to(&b);
    jw_object(&w);
    jw_nint(&w, "actor", cx->who.account);
    jw_ntext(&w, "actor_name", cx->who.login);
    if (cx->who.office.p) jw_ntext(&w, "actor_office", cx->who.office);
    if (after.p) jw_ntext(&w, "after", after);
    if (before.p) jw_ntext(&w, "before", before);
    if (a->detail.p) {
        jw_name(&w, "detail");
        jw_raw(&w, a->detail);
    }
    jw_ntext(&w, "object", a->object);
    jw_ntext(&w, "object_kind", str_of(a->object_kind));
    if (a->object_name.p) jw_ntext(&w, "object_name", a->object_name);
    jw_ntext(&w, "office", a->office);
    if (cx->req && cx->req->peer.p) jw_ntext(&w, "peer", cx->req->peer);
    jw_nint(&w, "time_ms", cx->now_ms);
    if (a->trace.p) jw_ntext(&w, "trace", a->trace);
    jw_ntext(&w, "verb", str_of(verb));
    jw_object_end(&w);
    return b.over ? STR_NONE : buf_str(&b);
}

static struct str clear_text(struct cx *cx, const struct act *a) {
    struct buf b = buf_new(cx->mem, 128, 4096);
    struct jw w = jw_to(&b);
    jw_object(&w);
    jw_ntext(&w, "object", a->object);
    jw_ntext(&w, "object_kind", str_of(a->object_kind));
    jw_ntext(&w, "office", a->office);
    jw_object_end(&w);
    return buf_str(&b);
}

static int flush_one(struct cx *cx, struct act *a) {
    const char *verb = a->verb ? a->verb : cx->route ? cx->route->act : NULL;
    if (!verb) return cx_fail(cx, ERR_internal, "", "an act without a verb");
    struct str before = digest_of(cx, a->before), after = digest_of(cx, a->after);
    struct str detail = detail_text(cx, a, verb, before, after);
    if (!detail.p && cx->mem->failed) return cx_fail(cx, ERR_no_memory, "", "act");
    if (!detail.p) return cx_fail(cx, ERR_too_large, "detail", "64 KiB");
    struct note n = {.kind = verb, .time_ms = cx->now_ms, .detail = detail, .trace = a->trace};
    if (a->is_clear) n.clear = clear_text(cx, a);
    int code = cx->city->on_note ? cx->city->on_note(cx, &n) : OK;
    if (code != OK) return code;
    a->entry = n.entry;
    struct str peer = cx->req ? cx->req->peer : STR_NONE;
    return store_exec(cx->db, NULL, &cx->err, Q_core_act_add, "iisszzsssssssis", cx->now_ms, cx->who.account,
                      cx->who.login.p ? cx->who.login : S("gusu"), cx->who.office, verb, a->object_kind,
                      a->object.p ? a->object : S(""), a->object_name, a->office, a->trace, before, after,
                      detail, a->entry, peer);
}

int act_flush(struct cx *cx) {
    for (struct act *a = cx->act; a; a = a->next) {
        int code = flush_one(cx, a);
        if (code != OK) return code;
    }
    return OK;
}
