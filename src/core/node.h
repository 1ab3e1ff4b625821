// SPDX-License-Identifier: MulanPSL-2.0
// Several processes ("nodes") over one PostgreSQL. Each tells that it lives; each job belongs to one of them at a time,
// by a row with a lease. On SQLite there is one process: no thread, no row, and every question here is answered yes.
#ifndef CORE_NODE_H
#define CORE_NODE_H
#include "core/cx.h"

#define NODE_LEASE_MS 8000 // without a sign of life for so long, others take over
#define NODE_BEAT_MS  2000
#define NODES_SHOWN   200

struct node;
int node_start(struct city *city, struct err *e) MUST; // enrols, and goes on telling; after the schema
void node_stop(struct city *city);                     // gives back what it holds
void node_take_jobs(struct city *city);                // from now on: a server, no command
// Is it this node's turn to run the job? Its lease is not over by our own clock.
bool node_runs(const struct city *city, const char *job);
// In a job's transaction: the job is still ours, whatever happened since it began.
int node_fence(struct cx *cx, const char *job) MUST;
int node_others(struct cx *cx, int64_t *ret) MUST; // how many further nodes live; 0 on SQLite
int64_t node_id(const struct city *city);          // 0 on SQLite
extern const struct route node_routes[];
#endif
