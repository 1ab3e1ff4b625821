// SPDX-License-Identifier: MulanPSL-2.0
// Unix sockets by folder. Keeps true: (1) only the owner's own processes and root are heard, by SO_PEERCRED, which
// the other side cannot forge; (2) the socket's file has mode 0600; (3) a long path works too:
// the address holds only 108 bytes, so the folder is opened and named by its descriptor.
#include "net/local.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define LOCAL_BACKLOG 16
#define LOCAL_WAIT_S  30 // without a byte, either way

static int fail(struct err *e, const char *folder, const char *name, int number) {
    enum err_code code = number == ENOENT || number == ECONNREFUSED ? ERR_not_found : ERR_net;
    return err_set(e, code, "", "%s/%s: %s", folder, name, strerrordesc_np(number));
}

static bool address_of(struct sockaddr_un *a, int dir, const char *name) {
    *a = (struct sockaddr_un){.sun_family = AF_UNIX};
    int n = snprintf(a->sun_path, sizeof a->sun_path, "/proc/self/fd/%d/%s", dir, name);
    return n > 0 && (size_t)n < sizeof a->sun_path;
}

static bool is_ours(int fd) {
    struct ucred who;
    socklen_t n = sizeof who;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0 && (who.uid == geteuid() || who.uid == 0);
}

// The mode is for people who look: whoever slips in before it is set is still turned away by (1).
static bool bind_private(int fd, int dir, const char *name, const struct sockaddr_un *a) {
    return bind(fd, (const struct sockaddr *)a, sizeof *a) == 0 && fchmodat(dir, name, 0600, 0) == 0;
}

// A caller that says nothing, or stops reading, must not hold a thread of the server for ever.
static void set_patience(int fd) {
    const struct timeval wait = {.tv_sec = LOCAL_WAIT_S};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
}

int local_listen(const char *folder, const char *name, int *ret_fd, struct err *e) {
    struct sockaddr_un a;
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) return fail(e, folder, name, errno);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && address_of(&a, dir, name);
    if (ok) (void)unlinkat(dir, name, 0); // left by a server that was killed
    ok = ok && bind_private(fd, dir, name, &a) && listen(fd, LOCAL_BACKLOG) == 0;
    int number = errno;
    close(dir);
    if (!ok && fd >= 0) close(fd);
    if (!ok) return fail(e, folder, name, number);
    *ret_fd = fd;
    return OK;
}

int local_accept(int listen_fd, int *ret_fd) {
    for (;;) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
        // A caller that went away while it waited, or descriptors that are short just now: the next one.
        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
            return ERR_busy;
        if (fd < 0) return ERR_net;
        if (is_ours(fd)) {
            set_patience(fd);
            *ret_fd = fd;
            return OK;
        }
        close(fd);
        return ERR_not_allowed;
    }
}

void local_wake(int listen_fd) {
    (void)shutdown(listen_fd, SHUT_RDWR);
}

int local_connect(const char *folder, const char *name, int *ret_fd, struct err *e) {
    struct sockaddr_un a;
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) return fail(e, folder, name, errno);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && address_of(&a, dir, name) && connect(fd, (const struct sockaddr *)&a, sizeof a) == 0;
    int number = errno;
    close(dir);
    // What is written to the socket may be secret: it goes to the same person's server, or to nobody.
    if (ok && !is_ours(fd)) {
        ok = false;
        number = EACCES;
    }
    if (!ok && fd >= 0) close(fd);
    if (!ok) return fail(e, folder, name, number);
    *ret_fd = fd;
    return OK;
}

bool local_send(int fd, struct str bytes) {
    while (bytes.n > 0) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes = (struct str){bytes.p + n, bytes.n - (size_t)n};
    }
    return true;
}

struct str local_read(struct local_line *l) {
    size_t searched = 0;
    if (l->at > 0) { // what the last line left moves to the front
        memmove(l->p, l->p + l->at, l->n - l->at);
        l->n -= l->at;
        l->at = 0;
    }
    for (;;) {
        const char *end = l->n > searched ? memchr(l->p + searched, '\n', l->n - searched) : NULL;
        if (end) {
            l->at = (size_t)(end - l->p) + 1;
            return (struct str){l->p, l->at};
        }
        searched = l->n;
        if (l->n == l->cap) return STR_NONE;
        ssize_t n = recv(l->fd, l->p + l->n, l->cap - l->n, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return STR_NONE;
        l->n += (size_t)n;
    }
}

void local_close(int fd) {
    if (fd >= 0) close(fd);
}

void local_end(const char *folder, const char *name, int listen_fd) {
    if (listen_fd < 0) return;
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0) {
        (void)unlinkat(dir, name, 0);
        close(dir);
    }
    close(listen_fd);
}
