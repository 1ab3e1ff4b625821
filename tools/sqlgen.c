// SPDX-License-Identifier: MulanPSL-2.0
// Turns the named SQL of all modules into C: sqlgen OUTDIR FILE.sql …  writes OUTDIR/queries.h and queries.c.
//
// queries.sql    blocks "-- name: people_account_by_login [scan]" followed by one statement each. The name is
//                also the enum constant Q_<name>; "scan" says that a full table scan is planned (checked at start).
// schema.sql     blocks "-- schema: <module> <version>" followed by statements; applied once, in file order.
//                The order of files on the command line is alphabetical; "-- after: <module>" is not needed since
//                no table has a foreign key into another module.
// both           lines between "-- only: sqlite" or "-- only: pg" and "-- only: both" (or the block's end) stand in
//                that engine's text alone; they are the rare differences. All else is written once, in SQLite's
//                words, and translated for PostgreSQL by store/dialect.c.
// Keeps true: every name is unique; no statement is empty in either dialect; SQLite's text is never edited.
#include "store/dialect.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 2000
#define BLOCK_MAX ((size_t)1 << 17) // bytes of one block

static char *names[NAMES_MAX];
static int names_n;

enum { SQLITE, PG, DIALECTS };

static struct block {
    bool is_open;
    int line; // where it began
    int only; // the dialect that the lines are for; DIALECTS = both
    char text[DIALECTS][BLOCK_MAX];
    size_t n[DIALECTS];
} block;

static void die(const char *file, int line, const char *what) {
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    exit(1);
}

static void put_c_text(FILE *out, const char *text) {
    fputs("    \"", out);
    for (const char *p = text; *p; p++) {
        if (*p == '\n') {
            fputs(p[1] ? "\\n\"\n    \"" : "\\n", out);
            continue;
        }
        if (*p == '"' || *p == '\\') fputc('\\', out);
        fputc(*p, out);
    }
    fputs("\"", out);
}

static bool is_block(const char *line, const char *key, char *word, size_t word_n, char *rest,
                     size_t rest_n) {
    size_t k = strlen(key);
    if (strncmp(line, key, k) != 0) return false;
    char fmt[32];
    snprintf(fmt, sizeof fmt, "%%%zus %%%zus", word_n - 1, rest_n - 1);
    word[0] = rest[0] = 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    sscanf(line + k, fmt, word, rest);
#pragma GCC diagnostic pop
    return word[0] != 0;
}

static void add_line(const char *file, int n, const char *line) {
    size_t len = strlen(line);
    for (int d = 0; d < DIALECTS; d++) {
        if (block.only != DIALECTS && block.only != d) continue;
        if (block.n[d] + len + 2 > BLOCK_MAX) die(file, n, "block too long");
        memcpy(block.text[d] + block.n[d], line, len);
        block.n[d] += len;
        if (line[len - 1] != '\n') block.text[d][block.n[d]++] = '\n'; // the file's last line
        block.text[d][block.n[d]] = 0;
    }
}

static void end_block(const char *file, FILE *out) {
    static char pg[BLOCK_MAX * 2];
    const char *why = NULL;
    int params;
    if (!block.is_open) return;
    for (int d = 0; d < DIALECTS; d++)
        if (block.n[d] == 0) die(file, block.line, "empty block");
    if (!dialect_postgres(block.text[PG], block.n[PG], pg, sizeof pg, &params, &why))
        die(file, block.line, why);
    put_c_text(out, block.text[SQLITE]);
    fputs(",\n", out);
    put_c_text(out, pg);
    fputs("},\n", out);
    block.is_open = false;
}

static void begin_block(const char *file, int n, FILE *out, FILE *header, int kind, const char *word,
                        const char *rest) {
    if (kind == 0) {
        for (int i = 0; i < names_n; i++)
            if (strcmp(names[i], word) == 0) die(file, n, "name used twice");
        if (names_n == NAMES_MAX) die(file, n, "too many names");
        names[names_n++] = strdup(word);
        fprintf(header, "    Q_%s,\n", word);
        fprintf(out, "    {\"%s\", %s,\n", word, strcmp(rest, "scan") == 0 ? "true" : "false");
    } else {
        fprintf(out, "    {\"%s\", %d,\n", word, (int)strtol(rest, NULL, 10));
    }
    block.is_open = true;
    block.line = n;
    block.only = DIALECTS;
    block.n[SQLITE] = block.n[PG] = 0;
}

// One pass over a file; kind 0 = queries, 1 = schema. Emits table rows to out.
static void emit(const char *file, FILE *out, int kind, FILE *header) {
    FILE *in = fopen(file, "r");
    if (!in) die(file, 0, "cannot open");
    char line[4096], word[128], rest[128];
    int n = 0;
    const char *key = kind == 0 ? "-- name:" : "-- schema:";
    const char *other = kind == 0 ? "-- schema:" : "-- name:";
    while (fgets(line, sizeof line, in)) {
        n++;
        if (strlen(line) + 1 >= sizeof line) die(file, n, "line too long");
        bool starts = is_block(line, key, word, sizeof word, rest, sizeof rest);
        if (starts || strncmp(line, other, strlen(other)) == 0) end_block(file, out);
        if (starts) {
            begin_block(file, n, out, header, kind, word, rest);
        } else if (block.is_open && is_block(line, "-- only:", word, sizeof word, rest, sizeof rest)) {
            block.only = strcmp(word, "sqlite") == 0 ? SQLITE : strcmp(word, "pg") == 0 ? PG : DIALECTS;
            if (block.only == DIALECTS && strcmp(word, "both") != 0) die(file, n, "only: sqlite, pg or both");
        } else if (block.is_open && strspn(line, " \t\n") != strlen(line) && strncmp(line, "--", 2) != 0) {
            add_line(file, n, line);
        }
    }
    end_block(file, out);
    fclose(in);
}

int main(int argc, char **argv) {
    char path[1024];
    if (argc < 2) die("sqlgen", 0, "usage: sqlgen OUTDIR FILE.sql ...");
    snprintf(path, sizeof path, "%s/queries.h.new", argv[1]);
    FILE *h = fopen(path, "w");
    snprintf(path, sizeof path, "%s/queries.c", argv[1]);
    FILE *c = fopen(path, "w");
    if (!h || !c) die(argv[1], 0, "cannot write here");
    fputs("// Generated by tools/sqlgen from the *.sql files of src/. Do not edit.\n#ifndef "
          "QUERIES_H\n#define QUERIES_H\n"
          "#include <stdbool.h>\nenum query {\n",
          h);
    fputs("// Generated by tools/sqlgen. Do not edit.\n#include \"queries.h\"\nconst struct query_text "
          "query_texts[] = {\n",
          c);
    for (int i = 2; i < argc; i++)
        emit(argv[i], c, 0, h);
    fputs("    {0, false, 0, 0}};\nconst struct schema_text schema_texts[] = {\n", c);
    for (int i = 2; i < argc; i++)
        emit(argv[i], c, 1, h);
    fputs("    {0, 0, 0, 0}};\n", c);
    fputs(
        "    QUERY_COUNT\n};\nstruct query_text { const char *name; bool may_scan; const char *sql, *pg; };\n"
        "struct schema_text { const char *module; int version; const char *sql, *pg; };\n"
        "extern const struct query_text query_texts[];\nextern const struct schema_text "
        "schema_texts[];\n#endif\n",
        h);
    if (fclose(h) || fclose(c)) die(argv[1], 0, "write failed");
    char from[1024];
    snprintf(from, sizeof from, "%s/queries.h.new", argv[1]);
    snprintf(path, sizeof path, "%s/queries.h", argv[1]);
    return rename(from, path) ? 1 : 0;
}
