// SPDX-License-Identifier: MulanPSL-2.0
// Holds SIGPIPE back on the calling thread while it writes to sockets that only a library can reach (OpenSSL
// and libcurl write without MSG_NOSIGNAL), and gives the thread back as it was found: no process-wide
// setting.
#include "net/http_inner.h"
#include <signal.h>
#include <time.h>

static sigset_t only_sigpipe(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    return set;
}

struct net_sigpipe net_sigpipe_hold(void) {
    sigset_t mine = only_sigpipe(), before, pending;
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &mine, &before);
    return (struct net_sigpipe){sigismember(&before, SIGPIPE) == 1, sigismember(&pending, SIGPIPE) == 1};
}

void net_sigpipe_release(struct net_sigpipe held) {
    if (held.was_blocked) return;
    sigset_t mine = only_sigpipe();
    const struct timespec now = {0, 0};
    // One that we caused must be taken before the mask falls, or it would strike then.
    if (!held.was_pending) (void)sigtimedwait(&mine, NULL, &now);
    pthread_sigmask(SIG_UNBLOCK, &mine, NULL);
}
