// SPDX-License-Identifier: MulanPSL-2.0
// Checks that every #include in src/ goes only where src/rooms.txt allows: rooms SRC FILE…  (files from SRC).
//
// A line of rooms.txt is   room-or-file-pattern  rooms it may enter : outside headers it may open
//   core           base store :                 files under core/ include "core/…", "base/…" and "store/…"
//   mod/*/store.c  store      :                 a pattern adds to what its room may enter; it may name one private header
//   store          base       : sqlite3.h       nobody else may open <sqlite3.h>; a '/' at the end opens a folder
//   app            *          :                 may enter every room
//   system                    : stdio.h …       headers of the C library and the kernel, open to all
//   alloc          …          :                 read by tools/habits.c
// It finds: a file in no room, an include that is not written from src/, a room entered without leave, a
// module's private header opened from outside (only mod/x/x.h is public), an outside header that is nobody's
// or somebody else's door, and rooms that form a cycle. One line per finding, file:line first; exit 1 if any.
#include "base/file.h"
#include <fnmatch.h>
#include <stdio.h>

#define ROOMS_MAX 64
#define WORDS_MAX 64
#define FILE_MAX  ((size_t)4 << 20)

struct words {
    struct str at[WORDS_MAX];
    size_t n;
};

struct room {
    struct str name;
    struct words may, doors;
    bool is_pattern; // adds to rooms, is none itself
    int mark;        // of the search for cycles: 0 new, 1 on the path, 2 done
};

struct plan {
    struct arena mem;
    const char *src;
    struct room rooms[ROOMS_MAX];
    size_t rooms_n;
    struct words system;
    int found;
};

static void complain(struct plan *p, const char *file, int line, const char *what, struct str a,
                     struct str b) {
    printf("%s:%d: %.*s %s%s%.*s\n", file, line, STRF(a), what, b.n ? " " : "", STRF(b));
    p->found++;
}

// --- the plan ---

static bool add_words(struct str text, struct words *w) {
    while (text.n > 0) {
        struct str rest;
        struct str word = str_cut(text, ' ', &rest);
        text = str_trim(rest);
        if (word.n == 0) continue;
        if (w->n == WORDS_MAX) return false;
        w->at[w->n++] = word;
    }
    return true;
}

static bool has_word(const struct words *w, struct str word) {
    for (size_t i = 0; i < w->n; i++)
        if (str_eq(w->at[i], word)) return true;
    return false;
}

static bool read_line(struct plan *p, struct str line) {
    struct str doors, rest, comment;
    struct str left = str_cut(str_cut(line, '#', &comment), ':', &doors);
    struct str name = str_cut(str_trim(left), ' ', &rest);
    if (name.n == 0 || str_eq(name, S("alloc"))) return true;
    if (str_eq(name, S("system"))) return add_words(str_trim(doors), &p->system);
    if (p->rooms_n == ROOMS_MAX) return false;
    struct room *r = &p->rooms[p->rooms_n++];
    *r = (struct room){.name = name};
    r->is_pattern = str_has(name, S("*")) || str_ends(name, S(".c"));
    return add_words(str_trim(rest), &r->may) && add_words(str_trim(doors), &r->doors);
}

static bool read_plan(struct plan *p) {
    struct err e = {0};
    struct str text, line;
    const char *path = str_print(&p->mem, "%s/rooms.txt", p->src).p;
    if (file_read(&p->mem, path, FILE_MAX, &text, &e)) {
        fprintf(stderr, "%s\n", e.arg);
        return false;
    }
    for (int n = 1; text.n > 0; n++) {
        line = str_cut(text, '\n', &text);
        if (read_line(p, line)) continue;
        fprintf(stderr, "%s:%d: more rooms or words than this checker holds\n", path, n);
        return false;
    }
    return true;
}

static struct room *room_of(struct plan *p, struct str file) {
    struct room *best = NULL;
    for (size_t i = 0; i < p->rooms_n; i++) {
        struct room *r = &p->rooms[i];
        bool is_inside = file.n > r->name.n && str_starts(file, r->name) && file.p[r->name.n] == '/';
        if (!r->is_pattern && is_inside && (!best || r->name.n > best->name.n)) best = r;
    }
    return best;
}

// Does a pattern row name this for the file?
static bool pattern_lets(struct plan *p, struct str file, struct str what) {
    const char *file_z = str_z(&p->mem, file);
    for (size_t i = 0; i < p->rooms_n; i++) {
        struct room *r = &p->rooms[i];
        if (!r->is_pattern || !has_word(&r->may, what)) continue;
        if (fnmatch(str_z(&p->mem, r->name), file_z, 0) == 0) return true;
    }
    return false;
}

static bool may_enter(struct plan *p, const struct room *here, struct str file, struct str there) {
    if (has_word(&here->may, there) || has_word(&here->may, S("*"))) return true;
    return pattern_lets(p, file, there);
}

// --- includes ---

static bool opens(const struct words *doors, struct str header) {
    for (size_t i = 0; i < doors->n; i++)
        if (str_eq(doors->at[i], header) ||
            (str_ends(doors->at[i], S("/")) && str_starts(header, doors->at[i])))
            return true;
    return false;
}

static void check_outside(struct plan *p, const char *path, int line, const struct room *here,
                          struct str header) {
    if (opens(&here->doors, header) || opens(&p->system, header)) return;
    for (size_t i = 0; i < p->rooms_n; i++)
        if (opens(&p->rooms[i].doors, header)) {
            complain(p, path, line, "is a door of", header, p->rooms[i].name);
            return;
        }
    complain(p, path, line, "is nobody's door: name it in rooms.txt", header, STR_NONE);
}

static void check_inside(struct plan *p, const char *path, int line, const struct room *here, struct str file,
                         struct str header) {
    if (str_eq(header, S("queries.h"))) return; // made by tools/sqlgen.c for all
    const struct room *there = room_of(p, header);
    if (!there) {
        complain(p, path, line, "should be written from src/, as room/file.h", header, STR_NONE);
        return;
    }
    if (there == here) return;
    if (!may_enter(p, here, file, there->name)) {
        complain(p, path, line, "may not enter", here->name, there->name);
        return;
    }
    if (!str_starts(there->name, S("mod/"))) return;
    struct str module = {there->name.p + 4, there->name.n - 4};
    struct str face = str_print(&p->mem, "mod/%.*s/%.*s.h", STRF(module), STRF(module));
    if (!str_eq(header, face) && !pattern_lets(p, file, header))
        complain(p, path, line, "is private; the face is", header, face);
}

// The header between the marks of an include line, STR_NONE on any other line.
static struct str included(struct str line, char *ret_mark) {
    line = str_trim(line);
    if (!str_starts(line, S("#"))) return STR_NONE;
    line = str_trim((struct str){line.p + 1, line.n - 1});
    if (!str_starts(line, S("include"))) return STR_NONE;
    line = str_trim((struct str){line.p + 7, line.n - 7});
    if (line.n < 2 || (line.p[0] != '"' && line.p[0] != '<')) return STR_NONE;
    *ret_mark = line.p[0];
    struct str rest;
    return str_cut((struct str){line.p + 1, line.n - 1}, line.p[0] == '<' ? '>' : '"', &rest);
}

static void check_file(struct plan *p, const char *path) {
    struct err e = {0};
    struct str text, whole = str_of(path);
    size_t skip = strlen(p->src) + 1;
    if (whole.n <= skip || !str_starts(whole, str_of(p->src))) {
        complain(p, path, 0, "does not stand in", whole, str_of(p->src));
        return;
    }
    struct str file = {path + skip, whole.n - skip};
    struct room *here = room_of(p, file);
    if (!here) {
        complain(p, path, 0, "stands in no room", file, STR_NONE);
        return;
    }
    if (file_read(&p->mem, path, FILE_MAX, &text, &e)) {
        complain(p, path, 0, e.arg, STR_NONE, STR_NONE);
        return;
    }
    for (int n = 1; text.n > 0; n++) {
        char mark = 0;
        struct str header = included(str_cut(text, '\n', &text), &mark);
        if (header.n == 0) continue;
        if (mark == '<')
            check_outside(p, path, n, here, header);
        else
            check_inside(p, path, n, here, file, header);
    }
}

// --- cycles ---

static void walk(struct plan *p, struct room *r) {
    r->mark = 1;
    for (size_t i = 0; i < p->rooms_n; i++) {
        struct room *next = &p->rooms[i];
        if (next->is_pattern || !has_word(&r->may, next->name)) continue;
        if (next->mark == 1) complain(p, "rooms.txt", 0, "and back: a cycle through", r->name, next->name);
        if (next->mark == 0) walk(p, next);
    }
    r->mark = 2;
}

int main(int argc, char **argv) {
    static struct plan p;
    if (argc < 3) {
        fprintf(stderr, "usage: rooms SRC FILE...\n");
        return 2;
    }
    arena_init(&p.mem, 0);
    p.src = argv[1];
    if (!read_plan(&p)) return 2;
    for (int i = 2; i < argc; i++)
        check_file(&p, argv[i]);
    for (size_t i = 0; i < p.rooms_n; i++)
        if (!p.rooms[i].is_pattern && p.rooms[i].mark == 0) walk(&p, &p.rooms[i]);
    printf("rooms: %zu rooms, %d files, %d trespasses\n", p.rooms_n, argc - 2, p.found);
    arena_free(&p.mem);
    return p.found > 0;
}
