/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/flowsample.c and what it prints, of generations made here; lib/newfile.c */
#include "flowsample.h"
#include "newfile.h"

#include "clock.h"
#include "tap.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROOM = 16 };

struct generation {
	struct flow_head head;
	struct flow_packets_head packets_head;
	struct flow_packet packets[ROOM];
};

static struct generation newest, older;
static struct flowgens gens;
static struct error error;
static char scratch[] = "/tmp/flowsample.XXXXXX";

static void generations_begin(void)
{
	struct generation *each[] = { &newest, &older };

	memset(&newest, 0, sizeof(newest));
	memset(&older, 0, sizeof(older));
	newest.head.generation = 1;
	gens = (struct flowgens){ .count = 2 };
	for (unsigned int i = 0; i < 2; i++) {
		each[i]->head.settings.clock = FLOW_CLOCK_PACKET;
		gens.item[i] = (struct flowgen){
			.head = &each[i]->head,
			.packets_head = &each[i]->packets_head,
			.packets = each[i]->packets,
			.packet_count = ROOM,
		};
	}
}

static void addresses_set(struct flow_packet *packet, const char *src, const char *dst)
{
	packet->family = strchr(src, ':') ? 6 : 4;
	if (inet_pton(packet->family == 6 ? AF_INET6 : AF_INET, src, packet->src) != 1 ||
	    inet_pton(packet->family == 6 ? AF_INET6 : AF_INET, dst, packet->dst) != 1)
		bail_out(src);
}

/* The next record of a generation, as the program would leave it. */
static struct flow_packet *packet_add(struct generation *generation, uint64_t time, const char *src, const char *dst,
				      uint8_t proto)
{
	struct flow_packet *packet = &generation->packets[generation->packets_head.next++];

	*packet = (struct flow_packet){ .time = time, .proto = proto, .length = 40, .segments = 1, .hops = 64 };
	addresses_set(packet, src, dst);
	packet->round = generation->packets_head.round + 1;
	return packet;
}

static void ports_set(struct flow_packet *packet, uint16_t sport, uint16_t dport)
{
	packet->sport = htons(sport);
	packet->dport = htons(dport);
}

/* A TCP session both ways, one of UDP over IPv6 and an echo. */
static void generations_fill(void)
{
	struct flow_packet *packet;

	generations_begin();
	packet = packet_add(&newest, 1700000000000000007, "192.0.2.2", "192.0.2.1", IPPROTO_TCP);
	ports_set(packet, 80, 40000);
	packet->ack = 4294967295;
	packet->seq = 7;
	packet->tcp_flags = 0x12;
	packet->window = 65535;
	packet->flags_frag = 0x4000;
	packet->from = 1;
	packet->egress = 1;
	packet = packet_add(&older, 1700000000000000005, "192.0.2.1", "192.0.2.2", IPPROTO_TCP);
	ports_set(packet, 40000, 80);
	packet->tcp_flags = 0x02;
	packet->window = 1024;
	packet->length = 60;
	packet = packet_add(&newest, 1700000001999999999, "192.0.2.1", "192.0.2.2", IPPROTO_TCP);
	ports_set(packet, 40000, 80);
	packet->tcp_flags = 0x18;
	packet->payload = 1448;
	packet->length = 1500;
	packet = packet_add(&older, 1700000000000000006, "2001:db8::1", "2001:db8::2", IPPROTO_UDP);
	ports_set(packet, 5000, 53);
	packet->payload = 1000;
	packet->udp_length = 1008;
	packet->length = 1048;
	packet = packet_add(&older, 1699999999000000000, "192.0.2.1", "192.0.2.9", IPPROTO_ICMP);
	ports_set(packet, 77, 77); /* of a later fragment: its echo's identifier */
	packet->payload = 56;
	packet->icmp_type = 8;
	packet->length = 84;
	packet->flags_frag = 0x20b9;
	packet->vlan = 5;
}

static struct flowsamples samples_read(uint32_t first, flowsample_wanted *wanted, const void *context)
{
	struct flowsamples samples = { 0 };

	if (flowsamples_read(&samples, &gens, first, wanted, context, &error))
		bail_out(error.text);
	return samples;
}

/* ---- reading ---- */

static bool is_of(const void *context, const struct flow_packet *packet)
{
	return packet->proto == *(const uint8_t *)context && packet->time > 1000000000000000000;
}

static void reading_is_right(void)
{
	struct flowsamples samples;
	uint8_t proto = IPPROTO_TCP;

	generations_fill();
	newest.head.refused = 1;
	older.head.refused = 2;
	newest.packets_head.lost = 10;
	older.packets_head.lost = 20;
	older.packets_head.overwritten = 100;
	samples = samples_read(0, NULL, NULL);
	check((long long)samples.count, 5, "all generations are read");
	check((long long)samples.lost, 30, "what found no room is counted of all");
	check((long long)samples.overwritten, 100, "so is what was written over");
	check((long long)samples.refused, 3, "and what was not taken up");
	check(samples.items[0].packet.proto, IPPROTO_ICMP, "the first in time is the first");
	check((long long)samples.items[0].generation, 0, "with its generation");
	check(samples.items[0].packet.sport, 0, "ICMP has no ports");
	check((long long)samples.items[4].generation, 1, "the last is of the other generation");
	flowsamples_free(&samples);
	samples = samples_read(1, NULL, NULL);
	check((long long)samples.count, 3, "only those before the one in force");
	check((long long)samples.lost, 20, "with their losses");
	flowsamples_free(&samples);
	samples = samples_read(0, is_of, &proto);
	check((long long)samples.count, 3, "only what is wanted");
	flowsamples_free(&samples);
}

static void rounds_are_respected(void)
{
	struct flowsamples samples;

	generations_begin();
	newest.packets_head.round = 3;
	for (uint64_t i = 0; i < 4; i++)
		packet_add(&newest, 10 + i, "192.0.2.1", "192.0.2.2", IPPROTO_TCP);
	newest.packets[1].round = 0; /* being written */
	newest.packets[2].round = 3; /* of the round before */
	newest.packets[4] = newest.packets[3];
	samples = samples_read(0, NULL, NULL);
	check((long long)samples.count, 2, "records of this round that are whole, below the next one");
	check((long long)samples.items[1].packet.time, 13, "are those");
	flowsamples_free(&samples);
	newest.packets_head.next = ROOM + 5;
	samples = samples_read(0, NULL, NULL);
	check((long long)samples.count, 3, "a head that says more than there is room for is not believed");
	flowsamples_free(&samples);
}

static void ties_keep_their_order(void)
{
	struct flowsamples samples;
	bool right = true;

	generations_begin();
	for (int i = 0; i < ROOM; i++)
		ports_set(packet_add(i < ROOM / 2 ? &older : &newest, 5, "192.0.2.1", "192.0.2.2", IPPROTO_TCP),
			  (uint16_t)i, 1);
	samples = samples_read(0, NULL, NULL);
	for (int i = 0; i < ROOM; i++)
		right &= samples.items[i].packet.sport == htons((uint16_t)i);
	check(right, true, "of one time, what was recorded first comes first");
	flowsamples_free(&samples);
}

static void clocks_are_told_apart(void)
{
	struct flowsamples samples;
	uint64_t now = clock_now(), epoch = clock_to_epoch(now), got;

	generations_begin();
	newest.head.settings.clock = FLOW_CLOCK_KERNEL;
	packet_add(&newest, now, "192.0.2.1", "192.0.2.2", IPPROTO_TCP);
	packet_add(&older, 5, "192.0.2.1", "192.0.2.2", IPPROTO_TCP);
	samples = samples_read(0, NULL, NULL);
	check((long long)samples.items[0].packet.time, 5, "time of a capture is as it was");
	got = samples.items[1].packet.time;
	check(got + 60 * CLOCK_SECOND > epoch && epoch + 60 * CLOCK_SECOND > got, true, "the kernel's since 1970");
	flowsamples_free(&samples);
}

/* ---- while they are written ---- */

#define WRITER_LIMIT 1 /* the smaller, the more often a record is written while it is read */

static bool writer_stops;

/* What sample_claim and sample_write do. All words of a record are alike. */
static void *writer(void *unused)
{
	struct flow_packets_head *head = &newest.packets_head;

	for (uint64_t number = 1; !__atomic_load_n(&writer_stops, __ATOMIC_RELAXED); number++) {
		struct flow_packet *packet;

		if (head->next == WRITER_LIMIT) {
			head->next = 0;
			__atomic_fetch_add(&head->round, 1, __ATOMIC_SEQ_CST);
		}
		packet = &newest.packets[head->next];
		__atomic_fetch_add(&head->next, 1, __ATOMIC_SEQ_CST);
		__atomic_store_n(&packet->round, 0, __ATOMIC_RELAXED);
		for (int i = 0; i < 2; i++) {
			__atomic_store_n(&packet->src[i], number, __ATOMIC_RELAXED);
			__atomic_store_n(&packet->dst[i], number, __ATOMIC_RELAXED);
		}
		__atomic_store_n(&packet->time, number, __ATOMIC_RELAXED);
		__atomic_store_n(&packet->seq, (uint32_t)number, __ATOMIC_RELAXED);
		__atomic_store_n(&packet->round, head->round + 1, __ATOMIC_SEQ_CST);
	}
	return unused;
}

static bool is_whole(const struct flow_packet *packet)
{
	return packet->src[0] == packet->time && packet->src[1] == packet->time && packet->dst[0] == packet->time &&
	       packet->dst[1] == packet->time && packet->seq == (uint32_t)packet->time;
}

static void records_are_whole(void)
{
	long long torn = 0, many = 0, seen = 0;
	uint64_t last = 0;
	pthread_t thread;

	generations_begin();
	if (pthread_create(&thread, NULL, writer, NULL))
		bail_out("a thread");
	while (seen < 10000) {
		struct flowsamples samples = samples_read(0, NULL, NULL);

		for (size_t j = 0; j < samples.count; j++)
			torn += !is_whole(&samples.items[j].packet);
		if (samples.count && samples.items[0].packet.time != last) {
			last = samples.items[0].packet.time;
			seen++;
		}
		many += samples.count > WRITER_LIMIT;
		flowsamples_free(&samples);
	}
	__atomic_store_n(&writer_stops, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	check(torn, 0, "no record is read in pieces");
	check(many, 0, "and none of two rounds");
}

/* ---- result.json ---- */

static char *result_text(const struct flowsamples *samples)
{
	char *text;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream || flowsamples_result(stream, samples, &error))
		bail_out("result.json");
	fclose(stream);
	return text;
}

static const char result_expected[] =
	"{\"flows\":[{\"id\":[\"192.0.2.1\",0,\"192.0.2.9\",0,1],\"packets\":["
	"[1699999999000000000,84,8377,0,0,0,0,0,8]]},\n"
	"{\"id\":[\"192.0.2.1\",40000,\"192.0.2.2\",80,6],\"packets\":["
	"[1700000000000000005,60,0,0,0,2,1024,0,0],\n [1700000001999999999,1500,0,1448,0,24,0,0,0]]},\n"
	"{\"id\":[\"2001:db8::1\",5000,\"2001:db8::2\",53,17],\"packets\":["
	"[1700000000000000006,1048,0,0,0,0,0,1000,0]]},\n"
	"{\"id\":[\"192.0.2.2\",80,\"192.0.2.1\",40000,6],\"packets\":["
	"[1700000000000000007,40,16384,0,4294967295,18,65535,0,0]]}]}\n";

static void result_is_the_original(void)
{
	struct flowsamples samples = { 0 };
	char *text = result_text(&samples);

	check_text(text, "{\"flows\":[]}\n", "no packet, no flow");
	free(text);
	generations_fill();
	samples = samples_read(0, NULL, NULL);
	text = result_text(&samples);
	check_text(text, result_expected, "flows by direction, packets by time");
	free(text);
	flowsamples_free(&samples);
}

static void flows_are_told_apart(void)
{
	struct flowsamples samples;
	unsigned int flows = 0;
	char *text;

	generations_begin();
	for (uint64_t i = 0; i < 12; i++) {
		struct flow_packet *packet = packet_add(&newest, i, "192.0.2.1", "192.0.2.2", IPPROTO_TCP);

		packet->ifindex = 1 + (uint32_t)(i & 1);
		packet->vlan = i & 2;
		packet->proto = i & 4 ? IPPROTO_UDP : IPPROTO_TCP;
	}
	samples = samples_read(0, NULL, NULL);
	text = result_text(&samples);
	for (const char *at = text; (at = strstr(at, "\"id\"")); at++)
		flows++;
	check(flows, 8, "interface, VLAN and protocol make another flow");
	free(text);
	flowsamples_free(&samples);
}

/* ---- files ---- */

static char *file_text(const char *path)
{
	static char text[4096];
	FILE *file = fopen(path, "r");
	size_t size = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	if (file)
		fclose(file);
	text[size] = '\0';
	return text;
}

static int directory_count(const char *path, bool remove_all)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	int count = 0;

	while (directory && (entry = readdir(directory)))
		if (entry->d_name[0] != '.') {
			count++;
			if (remove_all && unlinkat(dirfd(directory), entry->d_name, 0))
				bail_out(entry->d_name);
		}
	if (directory)
		closedir(directory);
	return count;
}

static void debug_is_the_original(void)
{
	struct flowsamples samples;
	struct flow_packet *packet;
	char path[300];

	generations_fill();
	packet = packet_add(&newest, 1700000001999999999, "192.0.2.1", "192.0.2.2", IPPROTO_UDP);
	ports_set(packet, 40000, 80);
	packet->udp_length = 9;
	samples = samples_read(0, NULL, NULL);
	snprintf(path, sizeof(path), "%s/made", scratch);
	check(flowsamples_debug(path, &samples, &error), 0, "files in a directory that is made");
	check(flowsamples_debug(path, &samples, &error), 0, "and once more where they are");
	check(directory_count(path, false), 6, "one for each packet, nothing else");
	snprintf(path, sizeof(path), "%s/made/192.0.2.1-40000___192.0.2.2-80__1700000001999999999.csv", scratch);
	check_text(file_text(path),
		   "Seconds     ,\t1700000001\nNs          ,\t999999999\nLength      ,\t1500\nIPv4 flags  ,\t0\n"
		   "TCP len     ,\t1448\nTCP ACK     ,\t0\nTCP flags   ,\t24\nTCP Win     ,\t0\nUDP len     ,\t0\n"
		   "ICMP type   ,\t0\n",
		   "its lines");
	snprintf(path, sizeof(path), "%s/made/192.0.2.1-40000___192.0.2.2-80__1700000001999999999-2.csv", scratch);
	check(strstr(file_text(path), "UDP len     ,\t1\n") != NULL, true, "another one of the same name has a number");
	snprintf(path, sizeof(path), "%s/made/2001:db8::1-5000___2001:db8::2-53__1700000000000000006.csv", scratch);
	check(strstr(file_text(path), "UDP len     ,\t1000\n") != NULL, true, "IPv6, and more than a byte");
	check(strstr(file_text(path), "Ns          ,\t6\n") != NULL, true, "nanoseconds are below the second");
	snprintf(path, sizeof(path), "%s/made", scratch);
	directory_count(path, true);
	rmdir(path);
	flowsamples_free(&samples);
}

static void debug_is_refused(void)
{
	struct flowsamples samples;
	char path[300];

	generations_fill();
	samples = samples_read(0, NULL, NULL);
	snprintf(path, sizeof(path), "%s/none/such", scratch);
	check(flowsamples_debug(path, &samples, &error), -1, "no directory can be made below none");
	check(error.exit, EXIT_STATE, "which is of the state");
	snprintf(path, sizeof(path), "%s/file", scratch);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	check(flowsamples_debug(path, &samples, &error), -1, "a file is no directory");
	unlink(path);
	flowsamples_free(&samples);
}

static mode_t mode_of(const char *path)
{
	struct stat status;

	return stat(path, &status) ? 0 : status.st_mode & 07777;
}

static void files_appear_whole(void)
{
	struct flowsamples samples = { 0 };
	char path[300], link[300];
	struct newfile file;

	snprintf(path, sizeof(path), "%s/result.json", scratch);
	snprintf(link, sizeof(link), "%s/link", scratch);
	umask(027);
	check(flowsamples_result_file(path, &samples, &error), 0, "a file that is new");
	check(mode_of(path), 0640, "has the mode that umask leaves");
	if (chmod(path, 0604) || symlink("result.json", link))
		bail_out(path);
	check(newfile_open(&file, link, &error), 0, "by a symbolic link");
	fputs("half", file.stream);
	fflush(file.stream);
	check_text(file_text(path), "{\"flows\":[]}\n", "until it is whole the one before is there");
	check(newfile_close(&file, &error), 0, "it is whole");
	check_text(file_text(path), "half", "and in its place");
	check(mode_of(path), 0604, "with the mode of the one before");
	check(newfile_open(&file, path, &error), 0, "another");
	newfile_abandon(&file);
	check_text(file_text(path), "half", "that is given up leaves the one before");
	check(directory_count(scratch, true), 2, "and nothing else");
}

/* As root, who may give files away; what is another's is what `other` made. */
static void nobody_else_says_where(void)
{
	char path[320], trap[300], kept[300];
	struct newfile file;

	snprintf(trap, sizeof(trap), "%s/public", scratch);
	snprintf(kept, sizeof(kept), "%s/kept", scratch);
	snprintf(path, sizeof(path), "%s/trap", trap);
	if (mkdir(trap, 0777) || chmod(trap, 01777) || close(creat(kept, 0600)) || symlink(kept, path))
		bail_out(trap);
	check(newfile_open(&file, path, &error), 0, "a link of one's own is followed, also where all may write");
	newfile_abandon(&file);
	if (lchown(path, 65534, 65534))
		bail_out(path);
	check(newfile_open(&file, path, &error), -1, "a link of somebody else is not");
	check(strstr(error.text, "is of user 65534") != NULL, 1, "which is said");
	if (chmod(trap, 0755))
		bail_out(trap);
	check(newfile_open(&file, path, &error), 0, "where only root writes, root put it there");
	newfile_abandon(&file);
	if (chmod(trap, 01777) || unlink(path) || mkfifo(path, 0666) || lchown(path, 65534, 65534))
		bail_out(path);
	check(newfile_open(&file, path, &error), -1, "nor is a pipe waited for");
	if (unlink(path) || close(creat(path, 0600)) || chown(path, 65534, 65534) || chmod(path, 0666))
		bail_out(path);
	umask(077);
	check(newfile_open(&file, path, &error) || newfile_close(&file, &error), 0,
	      "a file of somebody else is replaced");
	check(mode_of(path), 0600, "and what its mode is, is not for that one to say");
	if (unlink(path) || rmdir(trap) || unlink(kept))
		bail_out(trap);
}

static void full_disk_is_told(void)
{
	struct flowsamples samples = { 0 };
	struct newfile file;
	char path[300];

	check(flowsamples_result_file("/dev/full", &samples, &error), -1, "a full disk");
	check_text(error.text, "/dev/full: No space left on device", "is told of");
	check(newfile_open(&file, "/dev/full", &error), 0, "as it is");
	for (int i = 0; i < 100000; i++)
		fputs("more than a buffer holds", file.stream);
	check(newfile_close(&file, &error), -1, "of what was noticed before the end");
	snprintf(path, sizeof(path), "%s/none/such", scratch);
	check(flowsamples_result_file(path, &samples, &error), -1, "no directory");
}

/* ---- records ---- */

static char *printed(enum out_form form)
{
	struct flowsamples samples = samples_read(0, NULL, NULL);

	output_begin();
	if (flowsamples_print(&samples, form, &error))
		bail_out(error.text);
	flowsamples_free(&samples);
	return output_end();
}

static void records_are_printed(void)
{
	char *text;

	setenv("TZ", "UTC", 1);
	generations_begin();
	text = printed(OUT_TABLE);
	check_text(text, "", "no packet, no table");
	free(text);
	text = printed(OUT_JSON);
	check_text(text, "[]\n", "no packet, an empty array");
	free(text);
	generations_fill();
	newest.packets_head.next = 1;
	older.packets_head.next = 0;
	text = printed(OUT_TABLE);
	check_text(text,
		   "TIME                           IFACE  HOOK    FROM       PROTO  SOURCE        DESTINATION      "
		   "LENGTH  PAYLOAD  HOPS  FLAGS  SEQ         ACK  WINDOW\n"
		   "2023-11-14 22:13:20.000000007  -      egress  responder  tcp    192.0.2.2:80  192.0.2.1:40000      "
		   "40        0    64  S.       7  4294967295   65535\n",
		   "a table");
	free(text);
	text = printed(OUT_JSON_LINES);
	check_text(text,
		   "{\"time_ns\":1700000000000000007,\"generation\":1,\"iface\":null,\"hook\":\"egress\",\"vlan\":null,"
		   "\"from\":\"responder\",\"proto\":\"tcp\",\"src\":\"192.0.2.2\",\"sport\":80,\"dst\":\"192.0.2.1\","
		   "\"dport\":40000,\"length\":40,\"payload\":0,\"segments\":1,\"hops\":64,\"flags_frag\":16384,"
		   "\"tcp_flags\":18,\"seq\":7,\"ack\":4294967295,\"window\":65535,\"udp_length\":null,"
		   "\"icmp_type\":null,\"icmp_code\":null}\n",
		   "a line of JSON");
	free(text);
}

int main(void)
{
	if (!mkdtemp(scratch))
		bail_out(scratch);
	reading_is_right();
	rounds_are_respected();
	ties_keep_their_order();
	clocks_are_told_apart();
	records_are_whole();
	result_is_the_original();
	flows_are_told_apart();
	debug_is_the_original();
	debug_is_refused();
	files_appear_whole();
	nobody_else_says_where();
	full_disk_is_told();
	records_are_printed();
	rmdir(scratch);
	return tap_done();
}
