// SPDX-License-Identifier: MulanPSL-2.0
// Cuts text into search words that a plain whitespace full-text index can hold (FTS5 with tokenize='ascii',
// PostgreSQL 'simple'), because the stock tokenizers miss Chinese words of two characters.
//
//   苏州市2021年 GDP   ->   苏州 州市 市 2021 年 gdp
//
// A run of Han characters gives its overlapping pairs and then its last character alone; a run of letters and
// digits gives one lower-case word; full-width forms count as their ASCII twins. So a query of two or more
// characters is a phrase of pairs, and a query of one character is a prefix: nothing is missed, nothing is guessed.
#ifndef CORE_SEARCH_H
#define CORE_SEARCH_H
#include "base/text.h"

#define SEARCH_TERMS_MAX 16 // words of one query; further ones are passed over

// Appends the words of `text`, each followed by one space.
void search_cut(struct buf *out, struct str text);
// Appends an expression that holds for texts with every word of q, as FTS5's MATCH reads it or PostgreSQL's tsquery;
// false when q has no word in it.
bool search_match(struct buf *out, struct str q, bool is_postgres) MUST;

#endif
