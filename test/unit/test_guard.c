/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/guard.c and lib/session.c: whose session it is, and which changes of rules would cut it. */
#include "guard.h"

#include "clock.h"
#include "rulewhy.h"

#include "tap.h"

#include <limits.h>
#include <sys/stat.h>

/* ---- whose session it is ---- */

static char proc[] = "/tmp/guard.XXXXXX";

static void file_write(int process, const char *name, const char *text, size_t size)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%d", proc, process);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%d/%s", proc, process, name);
	file = fopen(path, "w");
	if (!file || fwrite(text, 1, size, file) != size || fclose(file))
		bail_out(path);
}

/* A process as /proc has it; the records of its environment end with a zero byte each, so does the text. */
static void process_make(int process, int parent, const char *environment)
{
	char status[64];
	size_t size = 0;

	snprintf(status, sizeof(status), "Name:\tsh\nPid:\t%d\nPPid:\t%d\n", process, parent);
	while (environment[size])
		size += strlen(environment + size) + 1;
	file_write(process, "status", status, strlen(status));
	file_write(process, "environ", environment, size);
}

static const char *client_text(const struct session *session)
{
	static char text[PREFIX_TEXT_MAX + 16];
	char address[PREFIX_TEXT_MAX];

	snprintf(text, sizeof(text), "%s %u", address_format(session->family, session->client.addr, address),
		 session->client.port);
	return text;
}

static void test_ancestors(void)
{
	struct session found[SESSIONS_MAX];

	if (!mkdtemp(proc))
		bail_out(proc);
	process_make(9, 8, "A=1\0SSH_CONNECTION=192.0.2.9 900 198.51.100.1 22\0");
	process_make(8, 7, "SSH_CONNECTIONS=192.0.2.8 800 198.51.100.1 22\0");
	process_make(7, 6, "SSH_CONNECTION=192.0.2.9 900 198.51.100.1 22\0");
	process_make(6, 5, "SSH_CONNECTION=not a session at all\0");
	process_make(5, 0, "HOME=/\0SSH_CONNECTION=::ffff:192.0.2.5 500 ::ffff:198.51.100.1 22\0");
	check(sessions_find_in(proc, 9, found), 2, "two sessions among five processes, one of them told twice");
	check_text(client_text(&found[0]), "192.0.2.9 900", "the nearest comes first");
	check_text(client_text(&found[1]), "192.0.2.5 500", "an IPv4 address as a socket for both families has it");
	check(found[1].family, 4, "... of family 4");
	check(sessions_find_in(proc, 6, found), 1, "what is malformed is passed over");
	process_make(5, 6, "");
	check(sessions_find_in(proc, 6, found), 0, "parents in a circle end");
	check(sessions_find_in(proc, 4, found), 0, "a process that is gone has none");
	for (int i = 100; i < 100 + 2 * SESSIONS_MAX; i++) {
		char environment[128] = { 0 };

		snprintf(environment, sizeof(environment) - 1, "SSH_CONNECTION=192.0.2.1 %d 198.51.100.1 22", i);
		process_make(i, i + 1, environment);
	}
	check(sessions_find_in(proc, 100, found), SESSIONS_MAX, "of more sessions than fit the nearest are told");
	check_text(client_text(&found[SESSIONS_MAX - 1]), "192.0.2.1 107", "... and no other");
}

static void proc_remove(void)
{
	char command[PATH_MAX];

	snprintf(command, sizeof(command), "rm -r %s", proc);
	if (system(command))
		bail_out(command);
}

/* ---- which changes cut it ---- */

#define IFINDEX 7
#define OTHER 8

static struct session session;
static struct own_address own_items[2];
static struct own_addresses own = { own_items, 2 };

static void session_make(const char *text)
{
	if (session_parse(text, &session))
		bail_out(text);
	own_items[0] = (struct own_address){ .ifindex = IFINDEX, .family = session.family };
	memcpy(own_items[0].addr, session.server.addr, sizeof(own_items[0].addr));
	own_items[1] = (struct own_address){ .ifindex = OTHER, .family = 4, .addr = { 203, 0, 113, 1 } };
}

enum { PASS = RULES_PASS, DROP = RULES_DROP, MONITOR = 4 };

static struct rules_record rule_of(const char *source, int action)
{
	struct rules_record rule = { .proto = RULES_PROTO_ANY, .head.high = 65535, .direction = RULES_IN };
	struct prefix prefix;
	struct error error;

	if (prefix_parse(source, &prefix, &error))
		bail_out(error.text);
	rule.family = prefix.family == 6 ? RULES_IPV6 : RULES_IPV4;
	rule.src_len = prefix.len;
	memcpy(rule.src, prefix.addr, sizeof(rule.src));
	rule.head.decision = rules_decision(0, action == PASS ? RULES_PASS : RULES_DROP, 0, 0) |
			     rules_decision_of_mode(action == MONITOR ? RULES_DETECT : RULES_MODE_UNSET);
	return rule;
}

static struct rules_record rule_on(struct rules_record rule, uint32_t ifindex)
{
	rule.head.ifindex = ifindex;
	rule.head.decision |= 1ull << 63;
	return rule;
}

static struct rules_record rule_at(struct rules_record rule, int32_t priority)
{
	rule.priority = priority;
	return rule;
}

static struct rules_record rule_limited(struct rules_record rule, uint32_t rate)
{
	rule.rate = rule.burst = rate;
	rule.head.decision |= RULES_LIMITED;
	return rule;
}

static struct rules_record rule_to_port(struct rules_record rule, uint16_t port)
{
	rule.proto = 6;
	rule.head.low = rule.head.high = port;
	return rule;
}

static void set_put(struct ruleset *set, struct rules_record rule)
{
	struct changes changes = { 0 };
	struct error error;

	if (changes_add(&changes, CHANGE_PUT, &rule, &error) || ruleset_apply(set, &changes, false, &error))
		bail_out(error.text);
	free(changes.items);
}

/* Whether the guard refuses what a line says, of a set where the session is let in. */
static void check_change(struct ruleset *set, enum change_kind kind, struct rules_record rule, bool refused,
			 const char *what)
{
	struct changes changes = { 0 };
	struct error error;

	if (changes_add(&changes, kind, &rule, &error))
		bail_out(error.text);
	check(guard_check_session(&session, &own, &changes, set, &error), refused ? -1 : 0, "%s: %s", what,
	      refused ? "refused" : "allowed");
	if (refused)
		check(error.exit, EXIT_STATE, "... by the state");
	free(changes.items);
}

static void check_put(struct ruleset *set, struct rules_record rule, bool refused, const char *what)
{
	check_change(set, CHANGE_PUT, rule, refused, what);
}

static void set_new(struct ruleset *set)
{
	struct error error;

	if (ruleset_new(set, &error))
		bail_out(error.text);
}

static void test_empty(void)
{
	struct ruleset set;

	set_new(&set);
	check_put(&set, rule_of("192.0.2.0/24", DROP), true, "the prefix of the client is dropped");
	check_put(&set, rule_of("192.0.3.0/24", DROP), false, "that of others");
	check_put(&set, rule_of("192.0.2.0/24", MONITOR), false, "it is monitored");
	check_put(&set, rule_limited(rule_of("192.0.2.0/24", DROP), 10), false, "what is beyond a rate");
	check_put(&set, rule_to_port(rule_of("0.0.0.0/0", DROP), 22), true, "the port of the session");
	check_put(&set, rule_to_port(rule_of("0.0.0.0/0", DROP), 23), false, "another port");
	check_put(&set, rule_on(rule_of("0.0.0.0/0", DROP), IFINDEX), true, "the interface of the session");
	check_put(&set, rule_on(rule_of("0.0.0.0/0", DROP), OTHER), false, "another interface");
	check_put(&set, rule_of("::/0", DROP), false, "all of the other family");
	own.count = 0;
	check_put(&set, rule_of("0.0.0.0/0", DROP), true, "all, and no interface has the address");
	check_put(&set, rule_on(rule_of("0.0.0.0/0", DROP), IFINDEX), false, "one interface, and none has the address");
	own.count = 2;
	ruleset_close(&set);
}

static void test_precedence(void)
{
	struct ruleset set;

	set_new(&set);
	set_put(&set, rule_of("192.0.2.0/24", PASS));
	check_put(&set, rule_at(rule_of("0.0.0.0/0", DROP), INT32_MIN), false, "a default, below a rule to pass");
	check_put(&set, rule_of("192.0.0.0/16", DROP), false, "a shorter prefix");
	check_put(&set, rule_of("192.0.2.9/32", DROP), true, "a longer prefix");
	check_put(&set, rule_at(rule_of("0.0.0.0/0", DROP), 1), true, "a higher priority");
	check_put(&set, rule_of("192.0.2.0/24", DROP), true, "the same rule, now to drop");
	set_put(&set, rule_at(rule_of("0.0.0.0/0", DROP), INT32_MIN));
	check_put(&set, rule_limited(rule_of("192.0.2.0/24", DROP), 10), true,
		  "the same rule, now for what is beyond a rate, above a default to drop");
	check_put(&set, rule_limited(rule_of("192.0.2.0/24", PASS), 10), false, "the same rule, now within a rate");
	check_change(&set, CHANGE_DELETE, rule_of("192.0.2.0/24", PASS), true, "it is deleted");
	set_put(&set, rule_at(rule_of("192.0.2.9/32", PASS), INT32_MAX));
	check_put(&set, rule_at(rule_of("0.0.0.0/0", DROP), INT32_MAX - 1), false, "the highest, with a never-drop");
	check_change(&set, CHANGE_DELETE, rule_of("192.0.2.0/24", PASS), false, "a deletion, with a never-drop");
	ruleset_close(&set);
}

/* Which is cut already is none of the change's doing; and an expired rule decides nothing. */
static void test_before(void)
{
	struct rules_record expired = rule_of("192.0.2.0/24", DROP);
	struct ruleset set;

	set_new(&set);
	expired.head.expires = 1;
	check_put(&set, expired, false, "a rule whose time is up");
	set_put(&set, rule_of("0.0.0.0/0", DROP));
	check_put(&set, rule_of("192.0.2.0/24", DROP), false, "of a session that is cut already");
	ruleset_close(&set);
}

static void test_replacement(void)
{
	struct changes changes = { .replace = true };
	struct rules_record drop = rule_at(rule_of("0.0.0.0/0", DROP), INT32_MIN);
	struct rules_record pass = rule_of("192.0.2.9/32", PASS);
	struct ruleset set;
	struct error error;

	set_new(&set);
	set_put(&set, drop);
	set_put(&set, pass);
	if (changes_add(&changes, CHANGE_PUT, &drop, &error))
		bail_out(error.text);
	check(guard_check_session(&session, &own, &changes, &set, &error), -1,
	      "replaced by its default alone: refused");
	if (changes_add(&changes, CHANGE_PUT, &pass, &error))
		bail_out(error.text);
	check(guard_check_session(&session, &own, &changes, &set, &error), 0, "replaced by the same: allowed");
	free(changes.items);
	ruleset_close(&set);
}

static void test_ipv6(void)
{
	struct ruleset set;

	session_make("fe80::9%eth0 900 fe80::1%eth0 22");
	set_new(&set);
	check_put(&set, rule_of("fe80::/64", DROP), true, "a link-local client");
	check_put(&set, rule_of("0.0.0.0/0", DROP), false, "all of the other family");
	ruleset_close(&set);
	session_make("::ffff:192.0.2.9 900 ::ffff:198.51.100.1 22");
	set_new(&set);
	check_put(&set, rule_of("192.0.2.9/32", DROP), true, "a client by an address of both families");
	ruleset_close(&set);
}

/* ---- at random, against what the rules say once the changes are made ---- */

#define SETS 1000
#define RULES 40
#define CHANGES 6

static struct rules_record random_rule(void)
{
	static const char *const sources[] = { "0.0.0.0/0",    "192.0.0.0/16", "192.0.2.0/24",
					       "192.0.2.9/32", "192.0.2.8/32", "::/0" };
	static const int actions[] = { PASS, DROP, MONITOR };
	static const uint32_t interfaces[] = { IFINDEX, OTHER };
	struct rules_record rule = rule_of(RANDOM_OF(sources), RANDOM_OF(actions));

	if (random_below(2))
		rule = rule_on(rule, RANDOM_OF(interfaces));
	if (random_below(3) == 0)
		rule = rule_to_port(rule, (uint16_t)(21 + random_below(3)));
	return rule_at(rule, (int32_t)random_below(3) - 1);
}

static bool is_let_in(struct ruleset *set)
{
	struct question question = { .family = 4, .proto = 6, .port = 22, .ifindex = IFINDEX };
	const struct rules_record *best;
	struct rivals rivals;
	struct error error;
	bool result;

	memcpy(question.src, session.client.addr, sizeof(question.src));
	memcpy(question.dst, session.server.addr, sizeof(question.dst));
	if (rivals_find(set, &question, &rivals, &error))
		bail_out(error.text);
	best = rivals.items;
	result = !rivals.count || rules_decision_action(best->head.decision) == RULES_PASS ||
		 rules_decision_mode(best->head.decision) == RULES_DETECT;
	free(rivals.items);
	return result;
}

static struct rules_record random_there(struct ruleset *set)
{
	struct rules_record rule = random_rule();
	uint32_t cursor = 0;

	for (uint32_t i = random_below(RULES / 2); i && ruleset_next(set, &cursor, &rule); i--)
		;
	return rule;
}

static void changes_draw(struct changes *changes, struct ruleset *set)
{
	struct error error;

	changes->replace = random_below(4) == 0;
	for (uint32_t i = 1 + random_below(CHANGES); i; i--) {
		bool deletes = !changes->replace && random_below(2);
		struct rules_record rule = deletes ? random_there(set) : random_rule();

		if (changes_add(changes, deletes ? CHANGE_DELETE : CHANGE_PUT, &rule, &error))
			bail_out(error.text);
	}
}

/* Returns whether the session was cut; *wrong says where the guard did not say so. */
static bool compare(char *wrong, size_t size)
{
	struct changes changes = { 0 };
	struct ruleset set;
	struct error error;
	bool before, after;
	int refused;

	set_new(&set);
	for (int i = 0; i < RULES; i++)
		set_put(&set, random_rule());
	before = is_let_in(&set);
	changes_draw(&changes, &set);
	refused = guard_check_session(&session, &own, &changes, &set, &error);
	if (ruleset_apply(&set, &changes, false, &error))
		bail_out(error.text);
	after = is_let_in(&set);
	if ((refused == -1) != (before && !after))
		snprintf(wrong, size, "let in before: %d, after: %d; refused: %d", before, after, refused == -1);
	free(changes.items);
	ruleset_close(&set);
	return before && !after;
}

static void test_random(void)
{
	char wrong[128] = "";
	int cut = 0;

	session_make("192.0.2.9 900 198.51.100.1 22");
	for (int i = 0; i < SETS && !*wrong; i++)
		cut += compare(wrong, sizeof(wrong));
	check_property(wrong, "%d random changes: refused is what cuts the session", SETS);
	check(cut > SETS / 50, true, "%d of them cut it", cut);
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	test_ancestors();
	proc_remove();
	session_make("192.0.2.9 900 198.51.100.1 22");
	test_empty();
	test_precedence();
	test_before();
	test_replacement();
	test_ipv6();
	test_random();
	return tap_done();
}
