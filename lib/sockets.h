/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Local sockets that have a peer, of the caller's network namespace: their packets pass by socket lookup. Listening
 * sockets and UDP sockets without a peer are never among them, and so cannot be destroyed by what is here.
 */
#ifndef SPLICER_SOCKETS_H
#define SPLICER_SOCKETS_H

#include "conn.h"
#include "error.h"

#include <linux/inet_diag.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct local_socket {
	struct conn_key key;
	uint32_t next;    /* another socket of the same connection: its place + 1; 0: none. For the caller */
	uint32_t ifindex; /* bound to this device; 0: none */
	uint8_t state;    /* TCP_ESTABLISHED and so on (netinet/tcp.h); UDP: TCP_ESTABLISHED */
	uint8_t opener;   /* end of the key that began it, as guessed from the ports */
	bool outbound;    /* likewise: this host began it */
	uint8_t af;       /* of the socket; an AF_INET6 one may speak IPv4 */
	struct inet_diag_sockid id;
};

struct local_sockets {
	struct local_socket *items; /* released with free() */
	size_t count;
};

/*
 * TCP sockets but listening and closed ones, and connected UDP sockets; not those of which both ends are loopback
 * addresses. Who began one the kernel does not tell: this host did where nobody listens on the local port and that is
 * one of ip_local_port_range (ip-sysctl).
 */
int local_sockets_read(struct local_sockets *out, struct error *error);

/* "established", "time-wait" and so on, as RFC 9293 has them; UDP: "connected". */
const char *local_socket_state(uint8_t proto, uint8_t state);

/* The enum conn_state that comes nearest. */
uint8_t local_socket_conn_state(uint8_t state);

/*
 * SOCK_DESTROY (sock_diag(7)): the owner's next call fails with ECONNABORTED, a TCP peer gets a reset; a UDP socket is
 * disconnected. By the socket's cookie, so never another one of these addresses. 1: destroyed; 0: it has gone, or is
 * in time-wait and this kernel lets that pass; -1 with *error.
 */
int local_socket_destroy(const struct local_socket *socket, struct error *error);

#endif
