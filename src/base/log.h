// SPDX-License-Identifier: MulanPSL-2.0
// The process's own log on stderr: one line per event, "2026-11-22T23:22:17.123Z level room: text". It never
// holds personal data or secrets; what users did is in the audit log, not here.
#ifndef BASE_LOG_H
#define BASE_LOG_H
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
void log_set_level(enum log_level least);
void log_line(enum log_level level, const char *room, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
#endif
