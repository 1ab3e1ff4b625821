// SPDX-License-Identifier: MulanPSL-2.0
// Where the passphrase of sealed key files comes from: a file that GUSU_PASSPHRASE_FILE names (a service manager's
// credential, a mounted secret), else the terminal, and only when something in the folder is sealed. Keeps true: it is
// never an argument (other users see those), never echoed, and a server without terminal and file does not wait for
// one: sealed keys come up unattended only where the operator chose to lay the passphrase down.
#include "app/passphrase.h"
#include "base/file.h"
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

const char *const passphrase_files[] = {"key.bin", "ledger-ed25519.pem", "ledger-sm2.pem", "witness.pem",
                                        NULL};

static bool any_sealed(const char *folder) {
    bool found = false;
    struct arena mem;
    arena_init(&mem, (size_t)1 << 20);
    for (int i = 0; passphrase_files[i]; i++) {
        char path[600];
        struct str text;
        snprintf(path, sizeof path, "%s/%s", folder, passphrase_files[i]);
        if (file_exists(path) && file_read(&mem, path, SECRET_FILE_MAX, &text, NULL) == OK &&
            secret_is_sealed(text))
            found = true;
    }
    arena_free(&mem);
    return found;
}

static int from_file(const char *path, char out[PASSPHRASE_ROOM], struct str *ret, struct err *e) {
    struct arena mem;
    struct str text;
    arena_init(&mem, (size_t)1 << 16);
    int code = file_read(&mem, path, PASSPHRASE_MAX + 2, &text, e);
    if (code == OK) {
        while (text.n && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
            text.n--;
        if (text.n == 0 || text.n > PASSPHRASE_MAX)
            code = err_set(e, ERR_field_range, "GUSU_PASSPHRASE_FILE", "1..%d", PASSPHRASE_MAX);
        else
            memcpy(out, text.p, text.n);
        *ret = (struct str){out, text.n};
        crypto_wipe((char *)(uintptr_t)text.p, text.n);
    }
    arena_free(&mem);
    return code;
}

// One line from the terminal without echo.
static int from_terminal(const char *prompt, char out[PASSPHRASE_ROOM], struct str *ret, struct err *e) {
    struct termios before, silent;
    fprintf(stderr, "%s: ", prompt);
    fflush(stderr);
    if (tcgetattr(0, &before) != 0) return err_set(e, ERR_file, "passphrase", "tcgetattr");
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(0, TCSAFLUSH, &silent);
    ssize_t n = read(0, out, PASSPHRASE_ROOM - 1);
    tcsetattr(0, TCSAFLUSH, &before);
    fputc('\n', stderr);
    while (n > 0 && (out[n - 1] == '\n' || out[n - 1] == '\r'))
        n--;
    if (n <= 0 || n > PASSPHRASE_MAX)
        return err_set(e, ERR_field_range, "passphrase", "1..%d", PASSPHRASE_MAX);
    *ret = (struct str){out, (size_t)n};
    return OK;
}

int passphrase_get(const char *folder, bool must, char out[PASSPHRASE_ROOM], struct str *ret, struct err *e) {
    const char *file = getenv("GUSU_PASSPHRASE_FILE");
    *ret = STR_NONE;
    if (file && *file) return from_file(file, out, ret, e);
    if (!must && !any_sealed(folder)) return OK;
    if (!isatty(0))
        return must ? err_set(e, ERR_passphrase, "GUSU_PASSPHRASE_FILE", "GUSU_PASSPHRASE_FILE") : OK;
    return from_terminal("口令 / passphrase", out, ret, e);
}

int passphrase_new(char out[PASSPHRASE_ROOM], struct str *ret, struct err *e) {
    char again[PASSPHRASE_ROOM];
    struct str second;
    const char *file = getenv("GUSU_PASSPHRASE_FILE");
    if (file && *file) return from_file(file, out, ret, e);
    if (!isatty(0)) return err_set(e, ERR_passphrase, "GUSU_PASSPHRASE_FILE", "GUSU_PASSPHRASE_FILE");
    int code = from_terminal("新口令 / new passphrase", out, ret, e);
    if (code == OK) code = from_terminal("再输入一次 / once more", again, &second, e);
    if (code == OK && !str_eq(*ret, second)) code = err_set(e, ERR_field_value, "passphrase", "twice");
    crypto_wipe(again, sizeof again);
    return code;
}
