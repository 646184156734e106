/* SPDX-License-Identifier: GPL-2.0-only */
#include "netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

/* A port that is given to a bond, or a VLAN that is made, is a change of a link. */
#define CHANGE_GROUPS (RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR)

int netlink_changes_open(struct error *error)
{
	struct sockaddr_nl groups = { .nl_family = AF_NETLINK, .nl_groups = CHANGE_GROUPS };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd >= 0 && !bind(fd, (struct sockaddr *)&groups, sizeof(groups)))
		return fd;
	error_errno(error, "address changes");
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Messages are not looked at, so it is no loss when they are cut or when the kernel had no room for them (ENOBUFS). */
void netlink_changes_drain(int fd)
{
	char message;

	while (recv(fd, &message, sizeof(message), MSG_TRUNC) >= 0 || errno == EINTR || errno == ENOBUFS)
		;
}
