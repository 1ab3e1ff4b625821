// SPDX-License-Identifier: MulanPSL-2.0
// Which engine the tests run on: SQLite, or with GUSU_TEST_STORE=postgres://… PostgreSQL, where each data folder has
// a schema of its own, named after it and made by the store at its start. `make test-pg` sets it.
#ifndef STORE_URL_H
#define STORE_URL_H
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool __attribute__((unused)) on_postgres(void) {
    return getenv("GUSU_TEST_STORE") != NULL;
}

// For store_config.url and city.store_url; NULL = SQLite. One at a time is kept per place given.
static const char *__attribute__((unused)) store_url_of(const char *folder, char *out, size_t n) {
    const char *base = getenv("GUSU_TEST_STORE"), *name = strrchr(folder, '/');
    if (!base) return NULL;
    int len = snprintf(out, n, "%s%coptions=-csearch_path%%3D", base, strchr(base, '?') ? '&' : '?');
    // Lower case only: the engine folds names that are not quoted.
    for (const char *p = name ? name + 1 : folder; *p && (size_t)len + 8 < n; p++)
        len += snprintf(out + len, n - (size_t)len,
                        *p >= 'A' && *p <= 'Z' ? "%c_"
                        : *p == '-'            ? "_"
                                               : "%c",
                        *p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
    return out;
}

// What `gusu verify` is pointed at.
#define STORE_OF(f) ((f)->city.store_url ? (f)->city.store_url : (f)->folder)

// Changes rows from outside, as somebody with the disk, or with the database's password, would.
static void __attribute__((unused)) store_from_outside(const char *folder, const char *url, const char *sql) {
    char cmd[4096];
    if (url)
        snprintf(cmd, sizeof cmd, "psql -qX '%s' -v ON_ERROR_STOP=1 -c \"%s\" > /dev/null", url, sql);
    else
        snprintf(cmd, sizeof cmd, "sqlite3 -bail %s/gusu.db \"PRAGMA busy_timeout=5000; %s\" > /dev/null",
                 folder, sql);
    if (system(cmd) != 0) {
        fprintf(stderr, "not done: %s\n", sql);
        abort();
    }
}

// Leaves nothing behind: thousands of schemas would make the server slow.
static void __attribute__((unused)) store_url_drop(const char *url) {
    char cmd[1024];
    const char *name = url ? strstr(url, "search_path%3D") : NULL;
    if (!name) return;
    snprintf(cmd, sizeof cmd,
             "psql -qX '%s' -c 'SET client_min_messages = error' -c 'DROP SCHEMA IF EXISTS %s CASCADE' > "
             "/dev/null",
             getenv("GUSU_TEST_STORE"), name + strlen("search_path%3D"));
    if (system(cmd) != 0) fprintf(stderr, "schema left behind: %s\n", name);
}
#endif
