// SPDX-License-Identifier: MulanPSL-2.0
// CSV as offices send it: RFC 4180, any of four separators, LF, CRLF or CR, and line breaks inside quotes.
// Keeps true: cells point into the text unless a doubled quote had to be undone; a record has at most
// CSV_COLUMNS_MAX cells and a cell at most CSV_CELL_MAX bytes; what csv_put writes without `defuse`, csv_next
// reads back. Lenient in one thing only, as spreadsheets are: what follows a closing quote before the next
// separator is kept as text, and a quote inside an unquoted cell is an ordinary character.
//
//     record = cell *( sep cell ) ( LF / CRLF / CR / end )
//     cell   = *plain  /  '"' *( any but '"' / '""' ) '"' *plain        plain: neither sep, CR nor LF
#include "base/csv.h"
#include <assert.h>

#define GUESS_RECORDS 10 // records looked at when the separator is guessed

static const char separators[] = {',', ';', '\t', '|'};

// --- reading ---

static bool is_end(char c) {
    return c == '\n' || c == '\r';
}

// Moves past one line end at r->at: LF, CRLF or CR.
static void pass_line_end(struct csv_reader *r) {
    if (r->text.p[r->at] == '\r' && r->at + 1 < r->text.n && r->text.p[r->at + 1] == '\n') r->at++;
    r->at++;
    r->next_line++;
}

// Counts the line ends of a quoted cell, so that errors after it still name the right line.
static int64_t lines_in(struct str s) {
    int64_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '\n' || (s.p[i] == '\r' && !(i + 1 < s.n && s.p[i + 1] == '\n'));
    return n;
}

// A cell that opened with a quote; r->at stands behind it. Two passes: find the end, then undo doubled quotes.
static bool read_quoted(struct csv_reader *r, struct arena *mem, struct str *ret, struct err *e) {
    const char *p = r->text.p;
    size_t from = r->at, at = from, doubled = 0;
    for (;;) {
        const char *quote = at < r->text.n ? memchr(p + at, '"', r->text.n - at) : NULL;
        if (!quote) {
            err_set_row(e, ERR_csv_quote, "", r->line, NULL);
            return false;
        }
        at = (size_t)(quote - p) + 1;
        if (at == r->text.n || p[at] != '"') break;
        at++;
        doubled++;
    }
    size_t close = at - 1, end = at;
    while (end < r->text.n && p[end] != r->sep && !is_end(p[end])) // text behind the closing quote
        end++;
    r->at = end;
    r->next_line += lines_in((struct str){p + from, close - from});
    if (doubled == 0 && end == at) {
        *ret = (struct str){p + from, close - from};
        return true;
    }
    char *out = arena_take(mem, end - from + 1);
    if (!out) {
        err_set(e, ERR_no_memory, "", NULL);
        return false;
    }
    size_t n = 0;
    for (size_t i = from; i < close; i++) {
        out[n++] = p[i];
        if (p[i] == '"') i++; // the second of a pair
    }
    memcpy(out + n, p + at, end - at);
    *ret = (struct str){out, n + (end - at)};
    return true;
}

// The limit is checked after the cell was found: its bytes are in memory anyway, what it bounds is everything later.
static bool read_cell(struct csv_reader *r, struct arena *mem, struct str *ret, struct err *e) {
    const char *p = r->text.p;
    size_t from = r->at, at = from, n = r->text.n;
    if (at < n && p[at] == '"') {
        r->at++;
        if (!read_quoted(r, mem, ret, e)) return false;
    } else {
        while (at < n && p[at] != r->sep && !is_end(p[at]))
            at++;
        *ret = (struct str){p + from, at - from};
        r->at = at;
    }
    if (ret->n <= CSV_CELL_MAX) return true;
    err_set_row(e, ERR_too_large, "", r->line, "%zu B", CSV_CELL_MAX);
    return false;
}

struct csv_reader csv_open(struct str utf8, char sep) {
    return (struct csv_reader){.text = utf8, .sep = sep, .next_line = 1};
}

// Ragged records are the caller's to judge: real files leave out empty cells at the end (the bicycle counts of
// Montréal do), and whether that is an error depends on the columns.
bool csv_next(struct csv_reader *r, struct arena *mem, struct str **ret_cells, size_t *ret_n, struct err *e) {
    if (e) e->code = OK;
    while (r->at < r->text.n && is_end(r->text.p[r->at]))
        pass_line_end(r);
    if (r->at >= r->text.n) return false;
    r->line = r->next_line;
    struct str *cells = NULL;
    size_t n = 0, cap = 0;
    for (;;) {
        if (n == CSV_COLUMNS_MAX) {
            err_set_row(e, ERR_csv_columns, "", r->line, "> %d", CSV_COLUMNS_MAX);
            return false;
        }
        if (n == cap) {
            size_t more = cap ? cap * 2 : 16;
            cells = arena_grow(mem, cells, cap * sizeof *cells, more * sizeof *cells);
            if (!cells) {
                err_set(e, ERR_no_memory, "", NULL);
                return false;
            }
            cap = more;
        }
        if (!read_cell(r, mem, &cells[n], e)) return false;
        n++;
        if (r->at >= r->text.n || r->text.p[r->at] != r->sep) break;
        r->at++;
    }
    if (r->at < r->text.n) pass_line_end(r);
    r->record++;
    *ret_cells = cells;
    *ret_n = n;
    return true;
}

// --- guessing the separator ---

// Cells per record with this separator over the first records: the count when they all agree, else 0.
// *ret_first is the count of the first record alone.
static size_t even_columns(struct str utf8, char sep, size_t *ret_first) {
    size_t columns = 1, first = 0, records = 0;
    bool is_even = true, in_quotes = false, is_blank = true;
    for (size_t i = 0; i <= utf8.n && records < GUESS_RECORDS; i++) {
        char c = i < utf8.n ? utf8.p[i] : '\n';
        if (c == '"') in_quotes = !in_quotes;
        if (i < utf8.n && (in_quotes || !is_end(c))) {
            columns += !in_quotes && c == sep;
            is_blank = false;
            continue;
        }
        if (!is_blank) {
            if (records == 0) first = columns;
            is_even = is_even && columns == first;
            records++;
        }
        columns = 1;
        is_blank = true;
    }
    *ret_first = first;
    return is_even ? first : 0;
}

char csv_sep_guess(struct str utf8) {
    // An even grid wins over a richer first record: "Name, given;Born" has a comma in a header of two columns.
    char best = ',';
    size_t best_even = 1, best_first = 1;
    for (size_t i = 0; i < sizeof separators; i++) {
        size_t first, even = even_columns(utf8, separators[i], &first);
        if (even <= 1) even = 1; // one column throughout says nothing
        if (even > best_even || (best_even == 1 && even == 1 && first > best_first)) {
            best = separators[i];
            best_even = even;
            best_first = first;
        }
    }
    return best;
}

// --- writing ---

// Plain numbers may begin with a sign and stay numbers: -5, +3.5, 1e6, -1,234.50 is none of them.
static bool is_plain_number(struct str s) {
    size_t i = s.n > 0 && (s.p[0] == '+' || s.p[0] == '-'), digits = 0;
    bool has_point = false;
    for (; i < s.n; i++) {
        if (s.p[i] >= '0' && s.p[i] <= '9')
            digits++;
        else if (s.p[i] == '.' && !has_point)
            has_point = true;
        else
            break;
    }
    if (digits == 0) return false;
    if (i == s.n) return true;
    if (s.p[i] != 'e' && s.p[i] != 'E') return false;
    int64_t exponent;
    return str_int64((struct str){s.p + i + 1, s.n - i - 1}, &exponent);
}

// OWASP "CSV Injection": the starts that a spreadsheet takes for a formula, full-width twins included.
static bool is_formula(struct str s) {
    static const struct str starts[] = {S_INIT("="),  S_INIT("+"),  S_INIT("-"),  S_INIT("@"),
                                        S_INIT("\t"), S_INIT("\r"), S_INIT("\n"), S_INIT("＝"),
                                        S_INIT("＋"), S_INIT("－"), S_INIT("＠")};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        if (str_starts(s, starts[i])) return !is_plain_number(s);
    return false;
}

// A record of one empty cell would be a blank line, which readers skip; whoever writes such a table puts "" itself.
void csv_put(struct buf *out, struct str cell, char sep, bool defuse) {
    bool is_defused = defuse && is_formula(cell);
    bool wants_quotes = false;
    for (size_t i = 0; i < cell.n && !wants_quotes; i++)
        wants_quotes = cell.p[i] == sep || cell.p[i] == '"' || is_end(cell.p[i]);
    // A space at an end survives only in quotes in some readers.
    if (cell.n > 0 && (cell.p[0] == ' ' || cell.p[cell.n - 1] == ' ')) wants_quotes = true;
    if (wants_quotes) buf_char(out, '"');
    if (is_defused) buf_char(out, '\'');
    for (size_t from = 0; from < cell.n;) {
        const char *quote = memchr(cell.p + from, '"', cell.n - from);
        size_t until = quote ? (size_t)(quote - cell.p) + 1 : cell.n;
        buf_put(out, (struct str){cell.p + from, until - from});
        if (quote) buf_char(out, '"');
        from = until;
    }
    if (wants_quotes) buf_char(out, '"');
}
