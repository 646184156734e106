/* SPDX-License-Identifier: GPL-2.0-only */
#include "cells.h"

#include <stdio.h>

void cell_whole(struct out *out, const char *key, const char *header, double value)
{
	if (value < 0)
		out_number_or(out, key, header, -1, "-");
	else
		out_integer(out, key, header, (int64_t)(value + 0.5));
}

void cell_micro(struct out *out, const char *key, const char *header, double seconds)
{
	cell_whole(out, key, header, seconds < 0 ? NONE : seconds * 1e6);
}

void cell_milli(struct out *out, const char *key, const char *header, double seconds)
{
	char shown[32];

	snprintf(shown, sizeof(shown), "%.1f", seconds * 1e3);
	out_seconds(out, key, header, seconds < 0 ? NONE : seconds * 1e3, seconds < 0 ? "-" : shown);
}

void cell_number(struct out *out, const char *key, const char *header, double value)
{
	char shown[32];

	snprintf(shown, sizeof(shown), "%.2f", value);
	out_seconds(out, key, header, value < 0 ? NONE : value, value < 0 ? "-" : shown);
}

void cell_ratio(struct out *out, const char *key, const char *header, double a, double b)
{
	cell_number(out, key, header, a >= 0 && b > 0 ? a / b : NONE);
}

void cell_share(struct out *out, const char *key, const char *header, double part, double whole)
{
	double share = part >= 0 && whole > 0 ? part / whole : NONE;
	char shown[32];

	snprintf(shown, sizeof(shown), "%.0f%%", 100 * share);
	out_seconds(out, key, header, share, share < 0 ? "-" : shown);
}

void cell_net(struct out *out, const char *key, const char *header, double gross, double empty)
{
	if (gross < 0)
		out_number_or(out, key, header, -1, "-");
	else
		out_integer(out, key, header, (int64_t)(gross - empty));
}
