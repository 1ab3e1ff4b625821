// SPDX-License-Identifier: MulanPSL-2.0
// Bytes made smaller for keeping (Zstandard, RFC 8878). For what we wrote ourselves: a reader gives the greatest size
// that can be right, so that a damaged frame cannot ask for more memory than that.
#ifndef BASE_COMPRESS_H
#define BASE_COMPRESS_H
#include "base/err.h"

// STR_NONE when memory is gone. The result lives in mem.
struct str compress_zstd(struct arena *mem, struct str plain);
// False when it is no whole frame, or its content is longer than most_bytes.
bool decompress_zstd(struct arena *mem, struct str packed, size_t most_bytes, struct str *ret) MUST;
#endif
