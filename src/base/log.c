// SPDX-License-Identifier: MulanPSL-2.0
// One line, one write(2): lines of several threads never mix, and a line break inside a value cannot forge a
// second event. The level is set once at start and only read afterwards.
#include "base/log.h"
#include "base/clock.h"
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define LOG_LINE_MAX 2048

static atomic_int least_level = LOG_INFO;

void log_set_level(enum log_level least) {
    atomic_store_explicit(&least_level, (int)least, memory_order_relaxed);
}

void log_line(enum log_level level, const char *room, const char *fmt, ...) {
    static const char *const names[] = {"debug", "info", "warn", "error"};
    if ((int)level < atomic_load_explicit(&least_level, memory_order_relaxed)) return;
    char line[LOG_LINE_MAX];
    struct civil c = clock_civil(clock_now_ms(), 0);
    int head = snprintf(line, sizeof line, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ %s %s: ", c.year, c.month,
                        c.day, c.hour, c.minute, c.second, c.ms, names[level], room);
    size_t n = head < 0 ? 0 : (size_t)head;
    if (n > sizeof line - 2) n = sizeof line - 2;
    size_t from = n;
    va_list ap;
    va_start(ap, fmt);
    int body = vsnprintf(line + n, sizeof line - 1 - n, fmt, ap);
    va_end(ap);
    // A longer text is cut; vsnprintf tells the length it would have had.
    if (body > 0) n += (size_t)body < sizeof line - 1 - n ? (size_t)body : sizeof line - 2 - n;
    // Controls become spaces: a name with a line break in it must not look like a second event.
    for (size_t i = from; i < n; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7F) line[i] = ' ';
    line[n++] = '\n';
    // Nothing sensible is left to do when stderr itself is gone.
    ssize_t written = write(STDERR_FILENO, line, n);
    (void)written;
}
