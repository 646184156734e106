/* SPDX-License-Identifier: GPL-2.0-only */
/* Services in memory: names as text and back, which lie in which, how many there may be. */
#include "lbset.h"
#include "lbtext.h"
#include "tap.h"

#include <netinet/in.h>

#define CASES 20000

static uint32_t draw(uint32_t below)
{
	return (uint32_t)(random_next() % below);
}

static void address_draw(uint8_t family, uint8_t addr[16])
{
	memset(addr, 0, 16);
	for (size_t i = 0; i < (family == 4 ? 4u : 16u); i++)
		addr[i] = (uint8_t)random_next();
	addr[0] = family == 4 ? 10 : 0x20;
}

static struct lb_name name_draw(void)
{
	struct lb_name name = { .family = draw(2) ? 4 : 6, .proto = draw(2) ? IPPROTO_TCP : IPPROTO_UDP };

	address_draw(name.family, name.addr);
	name.low = (uint16_t)(1 + draw(65535));
	name.high = draw(2) ? name.low : (uint16_t)(name.low + draw(65536u - name.low));
	if (!draw(5)) {
		name.low = 0;
		name.high = 65535;
	}
	return name;
}

static void test_round_trip(void)
{
	char wrong[256] = "", text[LB_TEXT_MAX];
	struct lb_target target, target_again;
	struct lb_name name, again;
	struct error error;

	for (uint32_t i = 0; i < CASES && !*wrong; i++) {
		name = name_draw();
		lb_name_format(&name, text);
		if (lb_name_parse(text, &again, &error) || lb_name_order(&name, &again))
			snprintf(wrong, sizeof(wrong), "service %s", text);
		target = (struct lb_target){ .family = name.family, .port = (uint16_t)(draw(3) ? draw(65536) : 0) };
		address_draw(target.family, target.addr);
		lb_target_format(&target, text);
		if (lb_target_parse(text, &target_again, &error) || lb_target_order(&target, &target_again))
			snprintf(wrong, sizeof(wrong), "backend %s", text);
	}
	check_property(wrong, "what is printed is read back");
}

/* By every port. */
static enum lb_overlap overlap_plain(const struct lb_name *a, const struct lb_name *b, uint32_t ports)
{
	uint32_t both = 0, only_a = 0, only_b = 0;

	for (uint32_t port = 0; port < ports; port++) {
		bool in_a = a->low <= port && port <= a->high, in_b = b->low <= port && port <= b->high;

		both += in_a && in_b;
		only_a += in_a && !in_b;
		only_b += in_b && !in_a;
	}
	if (!both)
		return LB_APART;
	if (!only_a && !only_b)
		return LB_SAME;
	if (only_a && only_b)
		return LB_ACROSS;
	return only_b ? LB_INSIDE : LB_AROUND;
}

static void test_overlap(void)
{
	struct lb_name a = name_draw(), b = a, other;
	char wrong[128] = "";

	for (uint32_t i = 0; i < CASES && !*wrong; i++) {
		a.low = (uint16_t)draw(16);
		a.high = (uint16_t)(a.low + draw(16u - a.low));
		b.low = (uint16_t)draw(16);
		b.high = (uint16_t)(b.low + draw(16u - b.low));
		if (lb_name_overlap(&a, &b) != overlap_plain(&a, &b, 16))
			snprintf(wrong, sizeof(wrong), "%u-%u and %u-%u: expected %d, got %d", a.low, a.high, b.low,
				 b.high, overlap_plain(&a, &b, 16), lb_name_overlap(&a, &b));
	}
	check_property(wrong, "which ranges lie in which");
	b = other = a;
	b.proto ^= IPPROTO_TCP ^ IPPROTO_UDP;
	other.addr[3] ^= 1;
	check(lb_name_overlap(&a, &b), LB_APART, "another protocol is apart");
	check(lb_name_overlap(&a, &other), LB_APART, "and so is another address");
}

static void test_limits(void)
{
	struct lb_name name = { .family = 4, .proto = IPPROTO_TCP, .addr = { 192, 0, 2, 1 } };
	struct lbset set = { 0 };
	struct error error = { 0 };
	uint32_t added = 0, found = 0;

	for (uint32_t port = 5000; port > 5000 - LB_SERVICES_MAX; port--) {
		name.low = name.high = (uint16_t)port;
		added += lbset_add(&set, &name, &error) != NULL;
	}
	check(added, LB_SERVICES_MAX, "there may be so many services");
	for (uint32_t port = 5000; port > 5000 - LB_SERVICES_MAX; port--) {
		name.low = name.high = (uint16_t)port;
		found += lbset_find(&set, &name) != NULL;
	}
	check(found, LB_SERVICES_MAX, "and all are found");
	name.low = name.high = 9999;
	check(lbset_add(&set, &name, &error) == NULL, 1, "but not one more");
	check_text(error.text, "192.0.2.1:9999/tcp: there are 4096 services, and no room for more", "and that is said");
	set.items[0].gone = true;
	check(lbset_add(&set, &name, &error) != NULL, 1, "unless one goes");
	lbset_close(&set);
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	test_round_trip();
	test_overlap();
	test_limits();
	return tap_done();
}
