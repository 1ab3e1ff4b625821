// SPDX-License-Identifier: MulanPSL-2.0
// The passphrase of sealed key files (crypto/provider.h), as commands and the server get it.
#ifndef APP_PASSPHRASE_H
#define APP_PASSPHRASE_H
#include "crypto/provider.h"

#define PASSPHRASE_ROOM (PASSPHRASE_MAX + 8)

// The secrets of a data folder that can be sealed; ends with NULL.
extern const char *const passphrase_files[];
// GUSU_PASSPHRASE_FILE, else the terminal when something in the folder is sealed (or `must`); STR_NONE: none given.
int passphrase_get(const char *folder, bool must, char out[PASSPHRASE_ROOM], struct str *ret,
                   struct err *e) MUST;
int passphrase_new(char out[PASSPHRASE_ROOM], struct str *ret, struct err *e) MUST; // asked twice
#endif
