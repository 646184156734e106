/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which service a session is of: told by the first bytes that each end sent, not by its port.
 */
#ifndef SPLICER_SERVICE_H
#define SPLICER_SERVICE_H

#include "abi/flow.h"

#include <stdbool.h>

enum service {
	SERVICE_NONE, /* its content is not known, or not that of any of these */
	SERVICE_SSH,
	SERVICE_TLS,
	SERVICE_HTTP,
	SERVICE_DNS,
	SERVICE_FTP,
	SERVICE_SMTP,
	SERVICE_POP3,
	SERVICE_IMAP,
	SERVICE_TELNET,
	SERVICE_RDP,
	SERVICE_VNC,
	SERVICE_MYSQL,
	SERVICE_POSTGRESQL,
	SERVICE_SMB,
	SERVICE_LDAP,
	SERVICE_SIP,
	SERVICE_NTP,
	SERVICE_DHCP,
	SERVICE_SNMP,
	SERVICE_QUIC,
	SERVICE_COUNT
};

/* By flow.content alone. */
enum service service_of(const struct flow *flow);

/* "ssh", "tls"...; NULL of SERVICE_NONE. */
const char *service_name(enum service service);

/* Whether who uses it says first who it is, so that a new session is an attempt to log in: SSH, FTP, RDP... */
bool service_is_login(enum service service);

#endif
