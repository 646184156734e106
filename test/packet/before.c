/* SPDX-License-Identifier: GPL-2.0-only */
/* What is done before a row of a table is run. */
#include "harness.h"

#include <bpf/bpf.h>
#include <err.h>

void before_detect(struct fixture *fixture, int family)
{
	(void)family;
	fixture_set(fixture, fixture->veth, SETTING_MODE, MODE_DETECT);
}

void before_prevent(struct fixture *fixture, int family)
{
	(void)family;
	fixture_set(fixture, fixture->veth, SETTING_MODE, MODE_PREVENT);
}

void before_out_drop(struct fixture *fixture, int family)
{
	(void)family;
	fixture_set(fixture, fixture->veth, SETTING_OUT, GATE_DROP);
}

void before_echo_pass(struct fixture *fixture, int family)
{
	(void)family;
	fixture_set(fixture, fixture->veth, SETTING_ICMP_ECHO, GATE_PASS);
}

void before_linked(struct fixture *fixture, int family)
{
	struct splicer_config config = fixture_config(fixture);

	(void)family;
	config.lookup_linked = 1;
	fixture_configure(fixture, &config);
}

static void table_pass_deadlines(int table)
{
	struct conn_key key, *from = NULL;
	struct conn conn;

	for (; !bpf_map_get_next_key(table, from, &key); from = &key) {
		if (bpf_map_lookup_elem(table, &key, &conn))
			err(2, SPLICER_CONNS);
		conn.deadline = conn.deadline ? 1 : 0;
		if (bpf_map_update_elem(table, &key, &conn, BPF_EXIST))
			err(2, SPLICER_CONNS);
	}
}

void before_overdue(struct fixture *fixture, int family)
{
	(void)family;
	for (int i = 0; i < CONN_TABLES; i++)
		table_pass_deadlines(fixture->table[i]);
}
