// SPDX-License-Identifier: MulanPSL-2.0
// Which addresses a server may call on a user's word. Private to net and its tests.
#ifndef NET_FETCH_JUDGE_H
#define NET_FETCH_JUDGE_H
#include <stdbool.h>
#include <sys/socket.h>
// True only for addresses of the public internet that are not this host's, nor in a network it stands in.
bool fetch_address_ok(const struct sockaddr *a);
// The tables alone, without a look at this host's interfaces.
bool fetch_address_public(const struct sockaddr *a);
#endif
