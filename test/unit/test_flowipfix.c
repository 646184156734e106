/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/ipfix.c, ipfixout.c, collector.c, flowipfix.c: messages add up whatever is put in them; who collects, as text. */
#include "collector.h"
#include "flowipfix.h"
#include "ipfix.h"
#include "ipfixout.h"

#include "tap.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

static char found[256]; /* the first thing that was wrong */

#define EXPECT(what, got, expected)                                                                                \
	do {                                                                                                       \
		if (!*found && (long long)(got) != (long long)(expected))                                          \
			snprintf(found, sizeof(found), "%s: expected %lld, got %lld", what, (long long)(expected), \
				 (long long)(got));                                                                \
	} while (0)

/* ---- a reader by the words of RFC 7011, which knows nothing of the writer ---- */

#define IDS 16

struct reader {
	size_t record[IDS]; /* bytes of a record, by template id - 256; 0: no such template yet */
	uint32_t records, templates, messages;
};

static uint32_t read_number(const uint8_t *at, size_t size)
{
	uint32_t number = 0;

	while (size--)
		number = number << 8 | *at++;
	return number;
}

static void read_templates(struct reader *reader, const uint8_t *at, const uint8_t *end)
{
	while (at < end) {
		uint32_t id = read_number(at, 2), count = read_number(at + 2, 2);

		EXPECT("a template id from 256 on", id >= 256 && id < 256 + IDS, 1);
		reader->record[id % IDS] = 0;
		for (at += 4; count--; at += at[0] & 0x80 ? 8 : 4)
			reader->record[id % IDS] += read_number(at + 2, 2);
		reader->templates++;
	}
	EXPECT("templates end with their set", at - end, 0);
}

static void read_set(struct reader *reader, const uint8_t *at, size_t size)
{
	uint32_t id = read_number(at, 2);

	if (id == 2) {
		read_templates(reader, at + 4, at + size);
		return;
	}
	EXPECT("a known template", id >= 256 && reader->record[id % IDS] > 0, 1);
	if (*found)
		return;
	EXPECT("whole records", (size - 4) % reader->record[id % IDS], 0);
	reader->records += (uint32_t)((size - 4) / reader->record[id % IDS]);
}

static void read_message(struct reader *reader, const uint8_t *at, size_t size, size_t limit)
{
	size_t done = 16;

	EXPECT("no longer than the limit", size <= limit, 1);
	EXPECT("version", read_number(at, 2), 10);
	EXPECT("length", read_number(at + 2, 2), size);
	EXPECT("sequence", read_number(at + 8, 4), reader->records);
	reader->messages++;
	while (done < size && !*found) {
		size_t length = read_number(at + done + 2, 2);

		EXPECT("a set that has something", length > 4 && done + length <= size, 1);
		if (!*found)
			read_set(reader, at + done, length);
		done += length;
	}
	EXPECT("sets end with the message", done, size);
}

/* ---- messages ---- */

#define FIELDS_MAX 40

struct shape {
	struct ipfix_field fields[FIELDS_MAX];
	size_t count, size;
};

static void shape_draw(struct shape *shape)
{
	*shape = (struct shape){ .count = 1 + random_below(FIELDS_MAX) };
	for (size_t i = 0; i < shape->count; i++) {
		shape->fields[i] = (struct ipfix_field){
			.number = (uint16_t)(1 + random_below(0x7fff)),
			.length = (uint16_t)(1 + random_below(16)),
			.enterprise = random_below(2) ? 1 + random_below(99999) : 0,
		};
		shape->size += shape->fields[i].length;
	}
}

static bool template_try(struct ipfix_message *message, const struct shape *shape, uint16_t id)
{
	if (!ipfix_reserve(message, IPFIX_TEMPLATES, ipfix_template_size(shape->fields, shape->count)))
		return false;
	ipfix_put_template(message, id, shape->fields, shape->count);
	return true;
}

static bool record_try(struct ipfix_message *message, const struct shape *shape, uint16_t id)
{
	if (!ipfix_reserve(message, id, shape->size))
		return false;
	for (size_t i = 0; i < shape->count; i++)
		for (size_t left = shape->fields[i].length; left; left -= left > 8 ? 8 : left)
			ipfix_put(message, random_next(), left > 8 ? 8 : left);
	message->records++;
	return true;
}

static void message_end(struct ipfix_message *message, struct reader *reader)
{
	ipfix_seal(message, 1);
	read_message(reader, message->bytes, message->size, message->limit);
	ipfix_begin(message);
}

/* Templates and records of some kinds, in any order and number, some of the kinds anew. */
static void messages_run(struct ipfix_message *message, uint32_t *records)
{
	struct shape shapes[3];
	struct reader reader = { 0 };

	*message = (struct ipfix_message){ .limit = 700 + random_below(random_below(2) ? 1000 : 64000) };
	ipfix_begin(message);
	for (uint16_t id = 0; id < 3; id++)
		shape_draw(&shapes[id]);
	for (uint32_t step = 0; step < 400 && !*found; step++) {
		uint16_t id = (uint16_t)(step < 3 ? step : random_below(3));

		if (step >= 3 && random_below(30))
			for (uint32_t count = random_below(40); count && !*found;
			     count -= record_try(message, &shapes[id], 256 + id))
				if (message->limit - message->size < shapes[id].size + 4)
					message_end(message, &reader);
		if (step < 3 || !random_below(20))
			while (!template_try(message, &shapes[id], 256 + id) && !*found)
				message_end(message, &reader);
	}
	*records = message->records + message->sequence;
	message_end(message, &reader);
	EXPECT("records", reader.records, *records);
	EXPECT("more than a few", *records > 100, 1);
}

static void test_messages(void)
{
	static struct ipfix_message message;
	uint32_t records, sum = 0;

	for (int i = 0; i < 300 && !*found; i++, sum += records)
		messages_run(&message, &records);
	check_property(found, "messages add up, none is longer than its limit");
	check(sum > 100000, 1, "and were many");
}

static void test_bytes(void)
{
	static struct ipfix_message message = { .limit = 60, .domain = 7, .sequence = 0xfffffffe };
	static const struct ipfix_field fields[] = { { 1, 8, 0 }, { 1, 2, IPFIX_REVERSE } };
	static const uint8_t expected[] = {
		0, 10, 0, 50, 0x65, 1, 2, 3, 0xff, 0xff, 0xff, 0xfe, 0,    0,    0, 7,                   /* header */
		0, 2,  0, 20, 1,    0, 0, 2, 0,    1,    0,    8,    0x80, 1,    0, 2, 0, 0, 0x72, 0x79, /* template */
		1, 0,  0, 14, 1,    2, 3, 4, 5,    6,    7,    8,    0xbe, 0xef,                         /* data */
	};

	ipfix_begin(&message);
	check(ipfix_reserve(&message, IPFIX_TEMPLATES, ipfix_template_size(fields, 2)), 1, "room for a template");
	ipfix_put_template(&message, 256, fields, 2);
	check(ipfix_reserve(&message, 256, 10), 1, "room for a record");
	ipfix_put(&message, 0x0102030405060708, 8);
	ipfix_put(&message, 0xdeadbeef, 2);
	message.records = 3;
	check(ipfix_reserve(&message, 256, 11), 0, "no room for one that is a byte too long");
	check(ipfix_reserve(&message, 257, 7), 0, "nor for a set of another id with three bytes too many");
	check(ipfix_reserve(&message, 256, 10), 1, "ten bytes more of the same end with the limit");
	ipfix_seal(&message, 0x65010203);
	check((long long)message.size, sizeof(expected), "size");
	check(memcmp(message.bytes, expected, sizeof(expected)), 0, "bytes as RFC 7011 has them");
	ipfix_begin(&message);
	check(message.sequence, 1, "the sequence goes from 2^32 on to 0");
}

/* ---- sessions ---- */

/* Rows of both families in any order, with any counters; what was written to a file, read as messages. */
static void rows_draw(struct flow *flows, struct flow_row *rows, size_t count, const struct flow_part *part)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t *bytes = (uint8_t *)&flows[i];

		for (size_t at = 0; at < sizeof(flows[i]); at++)
			bytes[at] = (uint8_t)random_next();
		flows[i].key.family = random_below(2) ? 4 : 6;
		flows[i].key.proto =
			(uint8_t)RANDOM_OF(((uint8_t[]){ IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, 58, 47 }));
		rows[i] = (struct flow_row){
			.id = { .key = flows[i].key, .start = flows[i].start },
			.flow = &flows[i],
			.part = part,
		};
	}
}

static size_t file_read(const char *path, uint8_t **bytes)
{
	struct stat stat_file;
	int fd = open(path, O_RDONLY);

	if (fd < 0 || fstat(fd, &stat_file))
		bail_out(path);
	*bytes = malloc((size_t)stat_file.st_size + 1);
	if (!*bytes || read(fd, *bytes, (size_t)stat_file.st_size) != stat_file.st_size)
		bail_out(path);
	close(fd);
	return (size_t)stat_file.st_size;
}

#define SESSIONS 2000

static void test_sessions(void)
{
	static struct flow flows[SESSIONS];
	static struct flow_row rows[SESSIONS];
	char path[] = "/tmp/test_flowipfix.XXXXXX";
	struct flow_part part = { .now = 1 };
	struct flowrows all = { .rows = rows, .count = SESSIONS };
	struct flow_scene scene = { .rows = &all };
	struct reader reader = { 0 };
	struct error error;
	uint8_t *bytes;
	size_t size, at = 0;

	close(mkstemp(path));
	rows_draw(flows, rows, SESSIONS, &part);
	check(flowipfix_export(&scene, SESSIONS, path, &error), 0, "sessions of random bytes");
	size = file_read(path, &bytes);
	while (at + 16 <= size && !*found) {
		size_t length = read_number(bytes + at + 2, 2);

		EXPECT("a message within the file", length >= 16 && at + length <= size, 1);
		if (!*found)
			read_message(&reader, bytes + at, length, IPFIX_MESSAGE_MAX);
		at += length;
	}
	EXPECT("messages end with the file", at, size);
	check_property(found, "the file is of messages");
	check(reader.records, SESSIONS, "a record for each");
	check(reader.templates, 2, "two templates");
	free(bytes);
	check(flowipfix_export(&scene, 0, path, &error), 0, "no sessions");
	size = file_read(path, &bytes);
	reader = (struct reader){ 0 };
	read_message(&reader, bytes, size, IPFIX_MESSAGE_MAX);
	check_property(found, "one message, of templates");
	check(reader.templates, 2, "two");
	free(bytes);
	unlink(path);
}

/* ---- who collects ---- */

static void test_collector(void)
{
	static const struct {
		const char *text, *host, *port;
		bool tcp;
	} good[] = {
		{ "192.0.2.1:4739", "192.0.2.1", "4739", false },
		{ "tcp:192.0.2.1:1", "192.0.2.1", "1", true },
		{ "collector.example.net:65535", "collector.example.net", "65535", false },
		{ "[2001:db8::1]:4739", "2001:db8::1", "4739", false },
		{ "tcp:[::ffff:1.2.3.4]:4739", "::ffff:1.2.3.4", "4739", true },
		{ "[fe80::1%eth0]:4739", "fe80::1%eth0", "4739", false },
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct collector collector;
		struct error error;

		check(collector_parse(good[i].text, &collector, &error), 0, "%s", good[i].text);
		check_text(collector.host, good[i].host, "its host");
		check_text(collector.port, good[i].port, "its port");
		check(collector.tcp, good[i].tcp, "whether by TCP");
	}
}

static void test_collector_errors(void)
{
	static const char *const bad[] = { "",
					   "4739",
					   ":4739",
					   "host:",
					   "host:0",
					   "host:65536",
					   "host:047",
					   "host:47x",
					   "host:-1",
					   "2001:db8::1:4739",
					   "[2001:db8::1]",
					   "[2001:db8::1]4739",
					   "[host]:47",
					   "[192.0.2.1]:47",
					   "[2001:db8::1:47",
					   "[]:47",
					   "10.1:47",
					   "192.0.2.256:47",
					   "tcp:",
					   "tcp:host",
					   "tcp::47",
					   "tcp:[::1]",
					   "[::1]]:47",
					   "[::1%]x]:47",
					   "file",
					   "tcp:4739" };
	char longest[COLLECTOR_HOST_MAX + 8];

	memset(longest, 'a', COLLECTOR_HOST_MAX);
	memcpy(longest + COLLECTOR_HOST_MAX, ":47", 4);
	for (size_t i = 0; i <= sizeof(bad) / sizeof(bad[0]); i++) {
		const char *text = i < sizeof(bad) / sizeof(bad[0]) ? bad[i] : longest;
		struct error error = { 0 };

		check(flowipfix_check(text, &error), -1, "\"%s\"", text);
		check(error.exit, EXIT_USAGE, "is a usage error");
	}
	memcpy(longest + COLLECTOR_HOST_MAX - 1, ":47", 4);
	check(flowipfix_check(longest, &(struct error){ 0 }), 0, "the longest host");
}

static void test_kinds(void)
{
	static const struct {
		const char *to;
		enum ipfixout_kind kind;
	} kinds[] = {
		{ "-", IPFIX_TO_STDOUT },        { "./file", IPFIX_TO_FILE },    { "/a/host:47", IPFIX_TO_FILE },
		{ "tcp:./file", IPFIX_TO_FILE }, { "-:47", IPFIX_TO_COLLECTOR }, { "host:47", IPFIX_TO_COLLECTOR },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct ipfixout out;
		struct error error;

		check(ipfixout_parse(&out, kinds[i].to, &error), 0, "%s", kinds[i].to);
		check(out.kind, kinds[i].kind, "its kind");
	}
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	test_bytes();
	test_messages();
	test_sessions();
	test_collector();
	test_collector_errors();
	test_kinds();
	return tap_done();
}
