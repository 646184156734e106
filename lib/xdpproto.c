/* SPDX-License-Identifier: GPL-2.0-only */
#include "xdpproto.h"

#include "abi/xdp.h"

#include <string.h>
#include <strings.h>

#define NONIP "nonip"

int xdp_proto_parse(const char *text, uint16_t *out, struct error *error)
{
	if (strcasecmp(text, NONIP) != 0)
		return proto_parse(text, out, error);
	*out = XDP_PROTO_NONIP;
	return 0;
}

char *xdp_proto_format(uint16_t proto, char buf[PROTO_TEXT_MAX])
{
	if (proto != XDP_PROTO_NONIP)
		return proto_format(proto, buf);
	memcpy(buf, NONIP, sizeof(NONIP));
	return buf;
}
