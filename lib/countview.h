/* SPDX-License-Identifier: GPL-2.0-only */
/* One reading of the counters: those selected, summed as asked for, with the names that belong to them. */
#ifndef SPLICER_COUNTVIEW_H
#define SPLICER_COUNTVIEW_H

#include "counts.h"
#include "countselect.h"
#include "error.h"
#include "ifnames.h"
#include "out.h"
#include "pin.h"

#define COUNT_WORD_MAX INTERFACE_TEXT_MAX

struct countview {
	struct counts counts; /* in the order of counts_order */
	struct ifnames names;
	unsigned int fields; /* that rows have; bit n: enum count_field n */
};

/* Whatever it returns, countview_close releases what *view holds. */
int countview_open(struct countview *view, const struct pins *pins, const struct count_selector *selector,
		   struct error *error);
void countview_close(struct countview *view);

/* What a row has in a field, as a word; "?" for numbers of a later version, NULL where there is nothing: the packets
 * found no place in the table. */
const char *countview_word(const struct countview *view, const struct count_row *row, enum count_field field);

/* The fields of a row, of a record that has begun. */
void countview_row_out(const struct countview *view, const struct count_row *row, struct out *out);

/* Prints all of it. */
int countview_print(const struct pins *pins, const struct count_selector *selector, enum out_form form,
		    struct error *error);

#endif
