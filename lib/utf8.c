/* SPDX-License-Identifier: GPL-2.0-only */
#include "utf8.h"

unsigned int utf8_length(const unsigned char *text)
{
	unsigned int length = text[0] < 0x80 ? 1 : text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;

	if (text[0] > 0xf4)
		return 0;
	for (unsigned int i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
	    (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return length;
}

bool utf8_is_text(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	while (*at && utf8_length(at))
		at += utf8_length(at);
	return !*at;
}
