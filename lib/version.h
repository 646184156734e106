/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SPLICER_VERSION_H
#define SPLICER_VERSION_H

#define SPLICER_VERSION "0.1.0"

#endif
