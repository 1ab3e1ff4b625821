// SPDX-License-Identifier: MulanPSL-2.0
// Checks habits that a compiler does not: habits SRC FILE…  (any C files of the project)
//   banned calls       copies without a bound, shared static buffers, silent number reading, thread-locals
//   allocation         malloc and its kin only where the line "alloc" of SRC/rooms.txt names the room or file
//   size               functions up to 70 lines, files up to 1000
//   the head           an SPDX line first, and in every .c file a paragraph after it
// Works on the text with comments, strings and preprocessor lines blanked, so that prose may name a banned
// function. One line per finding, file:line first; exit 1 if any.
#include "base/file.h"
#include <stdio.h>

#define FILE_MAX           ((size_t)4 << 20)
#define FUNCTION_LINES_MAX 70
#define FILE_LINES_MAX     1000
#define HEAD_WORDS_MIN     15

static struct arena mem;
static int found;

static void complain(const char *file, int line, const char *what, struct str detail) {
    printf("%s:%d: %s%s%.*s\n", file, line, what, detail.n ? " " : "", STRF(detail));
    found++;
}

// --- blanking ---

// A copy in which comments, literals and preprocessor lines are spaces; line breaks stay where they were.
static char *blanked(struct str text) {
    char *out = str_z(&mem, text);
    enum { CODE, LINE, BLOCK, TEXT, CHARACTER, DIRECTIVE } in = CODE;
    bool is_line_start = true;
    for (size_t i = 0; out && i < text.n; i++) {
        char c = text.p[i], next = i + 1 < text.n ? text.p[i + 1] : 0;
        if (c == '\n') {
            bool goes_on = i > 0 && text.p[i - 1] == '\\';
            if (in == LINE || (in == DIRECTIVE && !goes_on)) in = CODE;
            is_line_start = true;
            continue;
        }
        if (in == CODE && is_line_start && c == '#') in = DIRECTIVE;
        if ((in == CODE || in == DIRECTIVE) && c == '/' && next == '/') in = LINE;
        if ((in == CODE || in == DIRECTIVE) && c == '/' && next == '*') {
            in = BLOCK;
            out[i++] = ' '; // else "/*/" would end what it begins
        } else if (in == BLOCK && c == '*' && next == '/') {
            in = CODE;
            out[i++] = ' ';
        } else if ((in == TEXT || in == CHARACTER) && c == '\\') {
            out[i++] = ' ';
            if (next == '\n') continue;
        } else if (in == CODE && (c == '"' || c == '\'')) {
            in = c == '"' ? TEXT : CHARACTER;
        } else if ((in == TEXT && c == '"') || (in == CHARACTER && c == '\'')) {
            in = CODE;
        } else if (in == CODE) {
            is_line_start = is_line_start && (c == ' ' || c == '\t');
            continue;
        }
        if (i < text.n) out[i] = ' ';
        is_line_start = false;
    }
    return out;
}

static bool is_word_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// --- words ---

static const struct {
    const char *word, *instead;
} banned[] = {
    {"strcpy", "str_copy"},
    {"strcat", "buf_put"},
    {"sprintf", "snprintf, buf_print"},
    {"vsprintf", "str_vprint"},
    {"strtok", "str_cut"},
    {"gets", "file_read"},
    {"atoi", "str_int64"},
    {"atol", "str_int64"},
    {"atoll", "str_int64"},
    {"atof", "json_double"},
    {"gmtime", "clock_civil"},
    {"localtime", "clock_civil"},
    {"ctime", "clock_iso"},
    {"asctime", "clock_iso"},
    {"mktime", "clock_utc"},
    {"strerror", "strerrordesc_np"},
    {"setlocale", "nothing: gusu stays in the C locale"},
    {"__thread", "the request context"},
    {"_Thread_local", "the request context"},
    {"thread_local", "the request context"},
};
static const char *const allocating[] = {"malloc",         "calloc",    "realloc",  "reallocarray",
                                         "strdup",         "strndup",   "asprintf", "aligned_alloc",
                                         "posix_memalign", "vasprintf", "memalign"};

static void check_word(const char *file, int line, struct str word, bool may_allocate) {
    for (size_t i = 0; i < sizeof banned / sizeof banned[0]; i++)
        if (str_eq(word, str_of(banned[i].word)))
            complain(file, line, "banned:", str_print(&mem, "%s; use %s", banned[i].word, banned[i].instead));
    for (size_t i = 0; !may_allocate && i < sizeof allocating / sizeof allocating[0]; i++)
        if (str_eq(word, str_of(allocating[i])))
            complain(file, line, "allocates outside the rooms of the line \"alloc\" in rooms.txt:", word);
}

// --- sizes ---

struct scan {
    int depth;        // of braces
    int round;        // of parentheses
    int opened_line;  // of the function's brace
    bool in_function; // else a struct, an initializer, …
    char before;      // last character of code that was no space
    struct str call;  // the name before the first '(' since the last ';' or '}' outside: the function's
    bool has_call;
};

static void end_of_function(const char *file, int line, const struct scan *s) {
    int lines = line - s->opened_line + 1;
    if (lines > FUNCTION_LINES_MAX)
        complain(
            file, s->opened_line, "too long:",
            str_print(&mem, "%.*s has %d lines, %d are the most", STRF(s->call), lines, FUNCTION_LINES_MAX));
}

static void step(const char *file, int line, struct scan *s, char c, struct str last_word) {
    if (c == '(') {
        if (s->depth == 0 && s->round == 0 && !s->has_call && !str_eq(last_word, S("__attribute__"))) {
            s->call = last_word;
            s->has_call = true;
        }
        s->round++;
    } else if (c == ')') {
        s->round--;
    } else if (c == '{') {
        if (s->depth++ == 0) {
            s->in_function = s->before == ')';
            s->opened_line = line;
        }
    } else if (c == '}') {
        if (--s->depth == 0) {
            if (s->in_function) end_of_function(file, line, s);
            s->has_call = false;
        }
    } else if (c == ';' && s->depth == 0 && s->round == 0) {
        s->has_call = false;
    }
}

static void check_code(const char *file, const char *code, bool may_allocate) {
    struct scan s = {0};
    struct str word = STR_NONE;
    int line = 1;
    for (const char *c = code; *c; c++) {
        if (is_word_char(*c)) {
            const char *from = c;
            while (is_word_char(c[1]))
                c++;
            word = (struct str){from, (size_t)(c + 1 - from)};
            // A field of the same name (e->strtok) is somebody else's.
            bool is_field = s.before == '.' || (s.before == '>' && from - code > 1 && from[-2] == '-');
            if (!is_field) check_word(file, line, word, may_allocate);
        } else {
            step(file, line, &s, *c, word);
        }
        if (*c == '\n') line++;
        if (*c != ' ' && *c != '\t' && *c != '\n') s.before = *c;
    }
    if (line - 1 > FILE_LINES_MAX)
        complain(file, line,
                 "too long:", str_print(&mem, "%d lines, %d are the most", line - 1, FILE_LINES_MAX));
    if (s.depth != 0) complain(file, line, "braces do not balance here, so nothing was measured", STR_NONE);
}

// --- the head ---

static void check_head(const char *file, struct str text) {
    struct str rest;
    struct str first = str_cut(text, '\n', &rest);
    if (!str_has(first, S("SPDX-License-Identifier: MulanPSL-2.0")))
        complain(file, 1, "no SPDX line", STR_NONE);
    if (!str_ends(str_of(file), S(".c"))) return;
    size_t words = 0;
    for (;;) {
        struct str line = str_trim(str_cut(rest, '\n', &rest));
        if (!str_starts(line, S("//"))) break;
        for (size_t i = 2; i < line.n; i++)
            words += line.p[i] != ' ' && line.p[i - 1] == ' ';
    }
    if (words < HEAD_WORDS_MIN) complain(file, 2, "no opening paragraph: what is this file for?", STR_NONE);
}

// --- main ---

// The words of the lines "alloc", as one text with a space before and after each.
static struct str alloc_words(const char *src) {
    struct err e = {0};
    struct str text = STR_NONE;
    struct buf out = buf_new(&mem, 0, FILE_MAX);
    if (file_read(&mem, str_print(&mem, "%s/rooms.txt", src).p, FILE_MAX, &text, &e)) {
        fprintf(stderr, "%s\n", e.arg);
        return STR_NONE;
    }
    while (text.n > 0) {
        struct str rest, line = str_cut(str_cut(text, '\n', &text), ':', &rest);
        if (!str_starts(line, S("alloc "))) continue;
        buf_put(&out, (struct str){line.p + 5, line.n - 5});
        buf_char(&out, ' ');
    }
    return buf_str(&out);
}

static bool may_allocate(struct str allowed, const char *src, const char *file) {
    size_t skip = strlen(src) + 1;
    if (!str_starts(str_of(file), str_of(src))) return true; // tools and tests end with their process
    struct str inside = str_of(file + skip);
    while (allowed.n > 0) {
        struct str word = str_cut(allowed, ' ', &allowed);
        bool is_room = word.n > 0 && inside.n > word.n && str_starts(inside, word) && inside.p[word.n] == '/';
        if (word.n > 0 && (is_room || str_eq(word, inside))) return true;
    }
    return false;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: habits SRC FILE...\n");
        return 2;
    }
    arena_init(&mem, 0);
    struct str allowed = alloc_words(argv[1]);
    for (int i = 2; i < argc; i++) {
        struct err e = {0};
        struct str text;
        if (file_read(&mem, argv[i], FILE_MAX, &text, &e)) {
            complain(argv[i], 0, e.arg, STR_NONE);
            continue;
        }
        check_head(argv[i], text);
        const char *code = blanked(text);
        if (code) check_code(argv[i], code, may_allocate(allowed, argv[1], argv[i]));
    }
    printf("habits: %d files, %d findings\n", argc - 2, found);
    arena_free(&mem);
    return found > 0;
}
