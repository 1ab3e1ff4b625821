// SPDX-License-Identifier: MulanPSL-2.0
// The door for the same machine and the same person: a unix socket in a folder, for commands that a running server
// carries out. Whoever is neither the server's own user nor root is turned away by the kernel's word for who he is,
// whatever the file's mode says.
#ifndef NET_LOCAL_H
#define NET_LOCAL_H
#include "base/err.h"

// Takes the place of a socket left behind: the caller holds the folder's lock, so nobody else listens there.
int local_listen(const char *folder, const char *name, int *ret_fd, struct err *e) MUST;
// Waits for the next caller; ERR_not_allowed for a stranger (already turned away), ERR_net when local_wake ended it.
int local_accept(int listen_fd, int *ret_fd) MUST;
void local_wake(int listen_fd); // from any thread
int local_connect(const char *folder, const char *name, int *ret_fd,
                  struct err *e) MUST;          // ERR_not_found: nobody
bool local_send(int fd, struct str bytes) MUST; // all of it; false when the other side has gone
// Reads up to and with the next newline; STR_NONE at the end, on failure, and for a longer line. `line` keeps what
// came after it.
struct local_line {
    int fd;
    char *p;
    size_t at, n, cap;
};
struct str local_read(struct local_line *l);
void local_close(int fd);                                            // -1 does nothing
void local_end(const char *folder, const char *name, int listen_fd); // stops listening; the name goes too
#endif
