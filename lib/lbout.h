/* SPDX-License-Identifier: GPL-2.0-only */
/* Services and backends as records of an output. */
#ifndef SPLICER_LBOUT_H
#define SPLICER_LBOUT_H

#include "lbchange.h"
#include "lbstat.h"
#include "option.h"
#include "out.h"

/* The fields that name a service, and a backend of it (NULL: there is none). */
void lb_service_out(struct out *out, const struct lb_name *name);
void lb_target_out(struct out *out, const struct lb_target *target);

/* The fields of one row, between out_begin and out_end. */
void lb_row_out(struct out *out, const struct lb_row *row);

/* Lines of lb_backend apply -f. */
void lb_ops_print(const struct lb_ops *ops);

/* What was done, as -v, -n and -j ask for it: a letter and the command of each, or JSON. */
void lb_done_print(const struct common_options *common, const struct lb_ops *done);

#endif
