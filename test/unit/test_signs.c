/* SPDX-License-Identifier: GPL-2.0-only */
/* Each rule at its threshold and just below it, with contacts that are made here; settings, repeats, moments. */
#include "clock.h"
#include "signs.h"
#include "tap.h"
#include "timeline.h"

#include <netinet/in.h>

#define NOW (1000 * CLOCK_SECOND)
#define WINDOW (60 * CLOCK_SECOND)
#define CONTACTS_MAX 2000

/* ---- a stage ---- */

static struct contact contacts[CONTACTS_MAX];
static size_t count;
static struct signs signs;
static struct sign found[64];
static size_t found_count;
static uint64_t evicted;
static uint8_t family;

static void take(void *context, const struct sign *sign)
{
	(void)context;
	if (found_count < sizeof(found) / sizeof(found[0]))
		found[found_count] = *sign;
	found_count++;
}

/* Nothing but this kind is looked for, with the settings as they come. */
static void begin(enum sign_kind kind)
{
	struct error error;

	signs_close(&signs);
	if (signs_open(&signs, &error))
		bail_out(error.text);
	memset(signs.wanted, 0, sizeof(signs.wanted));
	signs.wanted[kind] = true;
	signs.take = take;
	count = 0;
	evicted = 0;
}

static void address_set(uint8_t address[16], uint32_t number)
{
	memset(address, 0, 16);
	address[0] = family == 6 ? 0x20 : 10;
	memcpy(address + 1, &number, 3);
}

/* One TCP session a second ago, that was answered; the caller changes what is to be otherwise. */
static struct contact *add(uint32_t src, uint32_t dst, uint16_t dport)
{
	struct contact *contact = &contacts[count++];

	*contact = (struct contact){
		.proto = IPPROTO_TCP,
		.family = family,
		.sport = (uint16_t)(1024 + count),
		.dport = dport,
		.ifindex = 3,
		.is_opened = true,
		.is_attempt = true,
		.is_proven = true,
		.outcome = CONTACT_ANSWERED,
		.start = NOW - 10 * CLOCK_SECOND + count,
		.last = NOW - 5 * CLOCK_SECOND,
	};
	address_set(contact->src, src);
	address_set(contact->dst, dst);
	return contact;
}

static struct contact *add_failed(uint32_t src, uint32_t dst, uint16_t dport)
{
	struct contact *contact = add(src, dst, dport);

	contact->outcome = CONTACT_FAILED;
	contact->is_proven = false;
	contact->is_opening = contact->is_half_open = true;
	return contact;
}

static size_t look_at(uint64_t now)
{
	struct contacts all = { .items = contacts, .count = count };
	struct moment moment = { .now = now, .window = WINDOW, .evicted = evicted };
	struct timeline timeline;
	struct error error;

	found_count = 0;
	if (timeline_read(&timeline, &all, &error))
		bail_out(error.text);
	timeline_at(&timeline, &moment);
	if (signs_look(&signs, &moment, &error))
		bail_out(error.text);
	timeline_free(&timeline);
	return found_count;
}

static size_t look(void)
{
	return look_at(NOW);
}

/* ---- scans ---- */

static void ports_add(uint32_t src, size_t failed, size_t answered)
{
	for (size_t i = 0; i < failed; i++)
		add_failed(src, 1, (uint16_t)(100 + i))->outcome = i % 2 ? CONTACT_FAILED : CONTACT_REFUSED;
	for (size_t i = 0; i < answered; i++)
		add(src, 1, (uint16_t)(5000 + i));
}

static void test_port_scan(void)
{
	begin(SIGN_PORT_SCAN);
	ports_add(7, 14, 0);
	check((long long)look(), 0, "IPv%d: 14 ports are no scan", family);
	ports_add(8, 15, 0);
	check((long long)look(), 1, "15 are one");
	check((long long)found[0].observed, 15, "so many are observed");
	check((long long)found[0].samples, 15, "of so many");
	check(!memcmp(found[0].src, contacts[14].src, 16) && !memcmp(found[0].dst, contacts[14].dst, 16), 1,
	      "of these two");
	check(found[0].has_dport || !found[0].has_src || !found[0].has_dst, 0, "for no port in particular");
	check(found[0].is_proven, 0, "of a source that may be a forgery");
	check((long long)(found[0].until - found[0].since), (long long)WINDOW, "in the window");
	begin(SIGN_PORT_SCAN);
	ports_add(7, 15, 15);
	check((long long)look(), 1, "half of what was tried is enough");
	check(found[0].is_proven, 1, "and one that was answered proves the source");
	begin(SIGN_PORT_SCAN);
	ports_add(7, 15, 16);
	check((long long)look(), 0, "less than half is not");
}

static void test_port_scan_counts_ports(void)
{
	begin(SIGN_PORT_SCAN);
	ports_add(7, 14, 0);
	ports_add(7, 14, 0);
	check((long long)look(), 0, "IPv%d: a port that is tried twice counts once", family);
	add_failed(7, 1, 999)->outcome = CONTACT_PENDING;
	check((long long)look(), 0, "one that may yet answer does not count");
	add_failed(7, 2, 998);
	add_failed(6, 1, 997);
	add_failed(7, 1, 996)->proto = IPPROTO_UDP;
	add_failed(7, 1, 995)->ifindex = 4;
	add_failed(7, 1, 994)->is_attempt = false;
	add_failed(7, 1, 993)->start = NOW - WINDOW;
	add_failed(7, 1, 0);
	check((long long)look(), 0, "nor what is of others, of another interface, no attempt, too old or no port");
	add(7, 1, 101);
	add_failed(7, 1, 990);
	check((long long)look(), 0, "a port that answered once answers");
	add_failed(7, 1, 991);
	check((long long)look(), 1, "and one more is a scan");
}

static void test_traceroute(void)
{
	begin(SIGN_PORT_SCAN);
	for (uint16_t i = 0; i < 90; i++)
		add_failed(7, 1, (uint16_t)(33434 + i))->proto = IPPROTO_UDP;
	check((long long)look(), 0, "IPv%d: traceroute is no scan", family);
	for (uint16_t i = 0; i < 15; i++)
		add_failed(7, 1, (uint16_t)(33434 + 100 + i))->proto = IPPROTO_UDP;
	check((long long)look(), 1, "other ports of UDP are");
	check(found[0].proto, IPPROTO_UDP, "of UDP");
}

static void addresses_add(uint32_t src, size_t failed, size_t answered)
{
	for (size_t i = 0; i < failed; i++)
		add_failed(src, (uint32_t)(1000 + i), 445);
	for (size_t i = 0; i < answered; i++)
		add(src, (uint32_t)(5000 + i), 445);
}

static void test_address_scan(void)
{
	begin(SIGN_ADDRESS_SCAN);
	addresses_add(7, 14, 0);
	check((long long)look(), 0, "IPv%d: 14 addresses are no scan", family);
	add_failed(7, 3000, 446);
	check((long long)look(), 0, "nor with one of another port");
	add_failed(7, 3000, 445);
	check((long long)look(), 1, "15 are one");
	check(found[0].dport, 445, "of this port");
	check(found[0].has_dst, 0, "and no destination");
	begin(SIGN_ADDRESS_SCAN);
	addresses_add(7, 15, 16);
	check((long long)look(), 0, "less than half of them is not");
}

static void test_echo_scan(void)
{
	begin(SIGN_ADDRESS_SCAN);
	for (uint32_t i = 0; i < 15; i++) {
		struct contact *contact = add_failed(7, 100 + i, 0);

		contact->proto = family == 6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
		contact->sport = 0;
	}
	check((long long)look(), 1, "IPv%d: pings of many addresses are a scan", family);
	check(found[0].has_dport, 0, "without a port");
	begin(SIGN_ADDRESS_SCAN);
	for (uint32_t i = 0; i < 30; i++) {
		struct contact *contact = add_failed(7, 100 + i, 5004);

		contact->proto = IPPROTO_UDP;
		contact->dst[0] = family == 6 ? 0xff : 239;
	}
	check((long long)look(), 0, "what is sent to groups is not");
}

/* ---- floods ---- */

static void test_syn_flood(void)
{
	begin(SIGN_SYN_FLOOD);
	for (uint32_t i = 0; i < 99; i++)
		add_failed(100 + i, 1, 80)->outcome = i % 2 ? CONTACT_ANSWERED : CONTACT_FAILED;
	check((long long)look(), 0, "IPv%d: 99 sessions half open are no flood", family);
	add_failed(100, 1, 81);
	add_failed(100, 2, 80);
	check((long long)look(), 0, "nor with those of another port and another destination");
	add_failed(100, 1, 80);
	check((long long)look(), 1, "100 are one");
	check((long long)found[0].samples, 100, "of so many");
	check((long long)found[0].sources, 99, "from so many sources");
	check(found[0].has_src || !found[0].has_dst || found[0].dport != 80, 0, "to this destination and port");
	check(found[0].is_least, 0, "and it is known how many");
	for (uint32_t i = 0; i < 101; i++)
		add(7, 1, 80);
	check((long long)look(), 0, "less than half of what was opened is not");
}

static void test_crowded_flood(void)
{
	begin(SIGN_SYN_FLOOD);
	for (uint32_t i = 0; i < 100; i++)
		add_failed(100 + i, 1, 80)->is_half_open = false;
	check((long long)look(), 0, "IPv%d: those whose handshake may yet be completed do not count", family);
	evicted = 99;
	check((long long)look(), 0, "nor when few lost their places");
	evicted = 100;
	check((long long)look(), 1, "but where many did");
	check(found[0].is_least, 1, "and there may have been more");
}

/* ---- failures ---- */

static void sessions_add(uint32_t src, size_t failed, size_t answered)
{
	for (size_t i = 0; i < failed; i++)
		add_failed(src, 1, 80);
	for (size_t i = 0; i < answered; i++)
		add(src, 1, 80);
}

static void test_failed(void)
{
	begin(SIGN_FAILED);
	sessions_add(7, 19, 0);
	add_failed(7, 1, 80)->outcome = CONTACT_PENDING;
	check((long long)look(), 0, "IPv%d: 19 connections are too few", family);
	add_failed(7, 1, 80)->outcome = CONTACT_REFUSED;
	check((long long)look(), 1, "20 are enough");
	check((long long)(found[0].observed * 1000), 1000, "all of them failed");
	check((long long)found[0].samples, 20, "of 20");
	begin(SIGN_FAILED);
	sessions_add(7, 12, 8);
	check((long long)look(), 0, "12 of 20: the lower end of the interval is 0.27");
	begin(SIGN_FAILED);
	sessions_add(7, 13, 7);
	check((long long)look(), 1, "13 of 20: it is 0.31");
	begin(SIGN_FAILED);
	sessions_add(7, 50, 950);
	check((long long)look(), 0, "a busy source that fails in 5 of 100 is none");
	begin(SIGN_FAILED);
	for (uint32_t src = 100; src < 1100; src++)
		add_failed(src, 1, 80);
	check((long long)look(), 0, "a thousand sources with one failure each are none");
}

/* ---- logins ---- */

static void logins_add(size_t many, uint32_t first, uint64_t payload, enum service service)
{
	for (size_t i = 0; i < many; i++) {
		struct contact *contact = add(7, first + (uint32_t)i, 2222);

		contact->payload[0] = payload;
		contact->service = service;
	}
}

static void test_logins(void)
{
	begin(SIGN_LOGINS);
	logins_add(9, 100, 16384, SERVICE_SSH);
	logins_add(5, 100, 100, SERVICE_TLS);
	logins_add(5, 100, 16385, SERVICE_SSH);
	check((long long)look(), 0, "IPv%d: 9 short sessions are no sign, whatever else there is", family);
	logins_add(1, 200, 0, SERVICE_SSH);
	check((long long)look(), 1, "10 are one, also of several destinations");
	check((long long)found[0].observed, 10, "so many attempts");
	check((long long)found[0].samples, 15, "in so many sessions");
	check(found[0].has_dst, 0, "of which none is named");
	check(found[0].dport, 2222, "but the port is");
	check(found[0].service, SERVICE_SSH, "and the service");
	begin(SIGN_LOGINS);
	for (int i = 0; i < 10; i++)
		logins_add(1, 100, 100, SERVICE_SSH);
	check((long long)look(), 1, "10 to one destination");
	check(found[0].has_dst, 1, "which is named");
}

/* ---- what is common to all ---- */

static void test_repeats(void)
{
	begin(SIGN_PORT_SCAN);
	signs.again = 5 * CLOCK_SECOND;
	ports_add(7, 20, 0);
	check((long long)look_at(NOW), 1, "a sign is said");
	check((long long)look_at(NOW + 4 * CLOCK_SECOND), 0, "but not again soon");
	ports_add(8, 20, 0);
	check((long long)look_at(NOW + 4 * CLOCK_SECOND), 1, "that of another source is");
	check((long long)look_at(NOW + 5 * CLOCK_SECOND), 1, "and the first one after a while");
	check((long long)look_at(NOW + 70 * CLOCK_SECOND), 0, "what is past is not said");
	begin(SIGN_FAILED);
	ports_add(7, 20, 0);
	check((long long)look(), 1, "another kind is another sign");
}

static const char *set_fails(const char *text)
{
	static struct error error;

	return signs_set(&signs, text, &error) ? error.text : "";
}

static const char *choose_fails(const char *text)
{
	static struct error error;

	return signs_choose(&signs, text, &error) ? error.text : "";
}

static void test_settings(void)
{
	begin(SIGN_PORT_SCAN);
	check_text(set_fails("port-scan.least=3"), "", "a setting");
	check_text(set_fails("port-scan.share=0.25"), "", "a share");
	check((long long)sign_setting(&signs, SIGN_PORT_SCAN, "least"), 3, "is in force");
	check((long long)(sign_setting(&signs, SIGN_PORT_SCAN, "share") * 100), 25, "likewise");
	check((long long)sign_setting(&signs, SIGN_ADDRESS_SCAN, "least"), 15, "of other kinds none is");
	ports_add(7, 3, 9);
	check((long long)look(), 1, "and it is what is looked for");
	check_text(set_fails("port-scan"), "port-scan: expected KIND.NAME=VALUE", "no setting");
	check_text(set_fails("port-scan=1.5"), "port-scan=1.5: expected KIND.NAME=VALUE", "no name");
	check_text(set_fails("port-scan.most=1"), "port-scan.most=1: what can be set of port-scan is least or share",
		   "a name it has not");
	check_text(set_fails("port-scan.least=0"), "0: least is a number from 1 to 1000000000", "too small");
	check_text(set_fails("port-scan.share=1.1"), "1.1: share is a number from 0 to 1", "too large");
	check_text(set_fails("port-scan.share=.5"), ".5: share is a number from 0 to 1", "no digit before the point");
	check_text(set_fails("port-scan.share=1e-1"), "1e-1: share is a number from 0 to 1", "an exponent");
	check_text(set_fails("port-scan.share="), "'': share is a number from 0 to 1", "nothing");
	check(strstr(set_fails("scan.least=1"), "scan.least=1: a kind of sign is port-scan, ") != NULL, 1,
	      "no such kind");
}

static void test_choice(void)
{
	begin(SIGN_PORT_SCAN);
	check_text(choose_fails("syn-flood,logins"), "", "two kinds");
	check(signs.wanted[SIGN_SYN_FLOOD] && signs.wanted[SIGN_LOGINS], 1, "are looked for");
	check(signs.wanted[SIGN_PORT_SCAN], 0, "no other is");
	check(*choose_fails("syn-flood,") != '\0', 1, "none after a comma");
	check(*choose_fails("") != '\0', 1, "none at all");
	check(*choose_fails("syn-floods") != '\0', 1, "an unknown one");
}

/* ---- moments of the past ---- */

static bool steps_are(uint64_t first, uint64_t end, uint64_t step, size_t *windows)
{
	struct moment moment = { .now = 0 };
	struct contacts all = { .items = contacts, .count = count };
	struct timeline timeline;
	struct steps steps;
	struct error error;
	uint64_t until = 0;
	bool good = true;

	contacts[0].start = first;
	if (timeline_read(&timeline, &all, &error))
		bail_out(error.text);
	steps = timeline_steps(&timeline, end, step, WINDOW);
	for (*windows = 0; timeline_next(&timeline, &steps, &moment); *windows += moment.is_last_of_window) {
		good = good && moment.before >= until && moment.now > moment.before && moment.now <= end &&
		       moment.now - moment.before <= step;
		until = moment.now;
	}
	timeline_free(&timeline);
	return good && until == end && steps.begin < first && (end - first) / WINDOW + 1 >= *windows;
}

static void test_steps(void)
{
	const uint64_t end = 1000000 * CLOCK_SECOND;
	size_t windows;

	begin(SIGN_PORT_SCAN);
	add(7, 1, 80);
	check(steps_are(end - 1, end, 10 * CLOCK_SECOND, &windows), 1, "moments of one session just now");
	check((long long)windows, 1, "are of one window");
	check(steps_are(end - 130 * CLOCK_SECOND, end, 10 * CLOCK_SECOND, &windows), 1, "of the last two minutes");
	check((long long)windows, 3, "are of three");
	check(steps_are(end - 130 * CLOCK_SECOND, end, 7 * CLOCK_SECOND, &windows), 1, "with odd steps");
	check((long long)windows, 3, "of three, too");
	check(steps_are(end - 120 * CLOCK_SECOND, end, 60 * CLOCK_SECOND, &windows), 1, "with long steps");
	check((long long)windows, 3, "likewise");
	check(steps_are(CLOCK_SECOND, 2 * CLOCK_SECOND, 10 * CLOCK_SECOND, &windows), 1,
	      "soon after the machine started");
	check(window_ends(100, 60, 100, 159), 0, "a window is not over before its end");
	check(window_ends(100, 60, 150, 160), 1, "but then it is");
	check(window_ends(100, 60, 160, 219), 0, "once");
	check(window_ends(100, 60, 0, 100), 0, "and none is when it begins");
}

static void test_past(void)
{
	struct contacts all = { .items = contacts };
	struct moment moment = { .now = 0 };
	struct timeline timeline;
	struct steps steps;
	struct error error;

	begin(SIGN_PORT_SCAN);
	ports_add(7, 30, 0);
	for (size_t i = 0; i < count; i++)
		contacts[i].start = i < 15 ? NOW - 500 * CLOCK_SECOND + i : NOW - i;
	all.count = count;
	found_count = 0;
	signs.again = 100 * CLOCK_SECOND;
	if (timeline_read(&timeline, &all, &error))
		bail_out(error.text);
	steps = timeline_steps(&timeline, NOW, 10 * CLOCK_SECOND, WINDOW);
	while (timeline_next(&timeline, &steps, &moment))
		if (signs_look(&signs, &moment, &error))
			bail_out(error.text);
	timeline_free(&timeline);
	check((long long)found_count, 2, "two scans at two times are two signs, each of its window");
	check((long long)found[0].observed, 15, "the first one");
	check(found[0].until < NOW - 480 * CLOCK_SECOND && found[0].until >= NOW - 500 * CLOCK_SECOND, 1,
	      "is told of when it was");
	check((long long)found[1].observed, 15, "the second one");
}

int main(void)
{
	static const uint8_t families[] = { 4, 6 };

	for (size_t i = 0; i < sizeof(families); i++) {
		family = families[i];
		test_port_scan();
		test_port_scan_counts_ports();
		test_traceroute();
		test_address_scan();
		test_echo_scan();
		test_syn_flood();
		test_crowded_flood();
		test_failed();
		test_logins();
	}
	test_repeats();
	test_settings();
	test_choice();
	test_steps();
	test_past();
	signs_close(&signs);
	return tap_done();
}
