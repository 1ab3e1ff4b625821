// SPDX-License-Identifier: MulanPSL-2.0
// The catalog's part of loading a pack: pack.c.
#ifndef CATALOG_PACKS_H
#define CATALOG_PACKS_H
#include "core/pack.h"

int catalog_pack_check(struct cx *cx, struct pack *p) MUST;
int catalog_pack_stage(struct cx *cx, struct pack *p) MUST;
int catalog_pack_publish(struct cx *cx, struct pack *p) MUST;

#endif
