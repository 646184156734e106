/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/audit.c and lib/auditfile.c: on a file system of 64 KiB of its own */
#include "audit.h"

#include "clock.h"
#include "tap.h"

#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define DISK "/run/splicer_test_audit"
#define LOG DISK "/log"

enum { DISK_SIZE = 65536, LINE = 100 };

static struct error error;

/* ---- a disk, and what is on it ---- */

static void disk_make(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		bail_out("a mount namespace");
	if (mount("tmpfs", "/run", "tmpfs", 0, "mode=755") || mkdir(DISK, 0700))
		bail_out("/run");
}

static void disk_fresh(void)
{
	umount(DISK);
	if (mount("tmpfs", DISK, "tmpfs", 0, "size=65536,mode=700"))
		bail_out(DISK);
}

/* Takes all room that is left. */
static void disk_fill(void)
{
	int file = open(DISK "/fill", O_CREAT | O_WRONLY, 0600);
	char block[4096] = { 0 };

	while (write(file, block, sizeof(block)) > 0)
		;
	close(file);
}

static void disk_free(void)
{
	if (unlink(DISK "/fill"))
		bail_out("fill");
}

static char *file_text(const char *path)
{
	char *text = calloc(1, 1u << 20);
	int file = open(path, O_RDONLY);

	if (!text || file < 0 || read(file, text, (1u << 20) - 1) < 0)
		bail_out(path);
	close(file);
	return text;
}

static void file_put(const char *path, const char *text)
{
	int file = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);

	if (file < 0 || write(file, text, strlen(text)) < 0)
		bail_out(path);
	close(file);
}

static void check_file(const char *path, const char *expected, const char *what)
{
	char *text = file_text(path);

	check_text(text, expected, "%s", what);
	free(text);
}

/* ---- what goes to stderr ---- */

static FILE *errors_saved;
static char *errors_text;
static size_t errors_size;

static void errors_begin(void)
{
	errors_saved = stderr;
	stderr = open_memstream(&errors_text, &errors_size);
}

/* It is what was printed since, but for the program's name. */
static void check_errors(const char *expected, const char *what)
{
	char got[1024] = "", *line, *rest;

	fclose(stderr);
	stderr = errors_saved;
	rest = errors_text;
	while ((line = strsep(&rest, "\n")) && *line) {
		char *at = strstr(line, ": ");

		strncat(got, at ? at + 2 : line, sizeof(got) - strlen(got) - 2);
		strcat(got, "\n");
	}
	check_text(got, expected, "%s: what is said", what);
	free(errors_text);
}

/* ---- lines ---- */

static struct audit audit;
static uint64_t lines_added;

static void log_open(uint64_t sync, bool json)
{
	if (audit_open(&audit, LOG, sync, json, &error))
		bail_out(error.text);
	lines_added = 0;
}

/* Numbered ones of LINE bytes. */
static void lines_add(unsigned int count)
{
	char line[LINE + 2];

	while (count--) {
		snprintf(line, sizeof(line), "%06" PRIu64 " %-*s\n", lines_added++, LINE - 8, "x");
		audit_line(&audit, line, LINE);
	}
}

/* How the log reads: the numbers that stand there, as ranges, and what was lost, without times. */
static char *log_read(const char *path, char told[512])
{
	char *text = file_text(path), *rest = text, *line;
	long first = -1, next = -1;

	*told = '\0';
	for (;;) {
		long number = -1;
		char *at = NULL;

		line = strsep(&rest, "\n");
		if (line && rest && strlen(line) == LINE - 1 && line[6] == ' ')
			number = strtol(line, NULL, 10);
		if (first >= 0 && number != next)
			sprintf(told + strlen(told), "%ld-%ld ", first, next - 1);
		if (number >= 0 && (first < 0 || number != next))
			first = number;
		if (number < 0)
			first = -1;
		next = number + 1;
		if (!line || !*line)
			break;
		if (number >= 0)
			continue;
		at = strstr(line, "LOST ");
		if (at && strstr(at, " from ") && strstr(at, "00: ") && line[4] == '-') {
			char *from = strstr(at, " from "), *why = strstr(at, "00: ") + 2;

			*from = '\0';
			sprintf(told + strlen(told), "[%s%s] ", at, why);
		} else {
			sprintf(told + strlen(told), "{%s} ", line);
		}
	}
	free(text);
	return told;
}

static void check_log(const char *path, const char *expected, const char *what)
{
	char told[512];

	check_text(log_read(path, told), expected, "%s: what the log has", what);
}

static void check_close(const char *expected, const char *what)
{
	*error.text = '\0';
	check(audit_close(&audit, &error), *expected ? -1 : 0, "%s: how it ends", what);
	check_text(error.text, expected, "%s: and why", what);
}

/* ---- the tests ---- */

static void test_sync_words(void)
{
	uint64_t sync = 7;

	check(audit_sync_parse("never", &sync, &error), 0, "never");
	check((long long)sync, (long long)AUDIT_SYNC_NEVER, "never: value");
	check(audit_sync_parse("always", &sync, &error), 0, "always");
	check((long long)sync, AUDIT_SYNC_ALWAYS, "always: value");
	check(audit_sync_parse("86400", &sync, &error), 0, "a day");
	check((long long)sync, 86400, "a day: value");
	for (const char **text = (const char *[]){ "0", "86401", "-1", "1s", "", "Never", NULL }; *text; text++) {
		check(audit_sync_parse(*text, &sync, &error), -1, "'%s'", *text);
		check(error.exit, EXIT_USAGE, "'%s': is usage", *text);
	}
}

static void test_new_file(void)
{
	struct stat stat_;
	mode_t masks[] = { 0, 022, 0777 };

	for (int i = 0; i < 3; i++) {
		disk_fresh();
		umask(masks[i]);
		log_open(AUDIT_SYNC_DEFAULT, false);
		umask(022);
		check(stat(LOG, &stat_), 0, "made with umask %03o", masks[i]);
		check(stat_.st_mode, S_IFREG | 0600, "its mode");
		lines_add(3);
		audit_round(&audit);
		check_log(LOG, "0-2 ", "three lines");
		lines_add(1);
		check_close("", "a line that was not written yet");
		check_log(LOG, "0-3 ", "four lines");
	}
	log_open(AUDIT_SYNC_NEVER, false);
	check_close("", "nothing to write");
	check_log(LOG, "0-3 ", "opened again");
	log_open(AUDIT_SYNC_ALWAYS, false);
	audit_line(&audit, "more\n", 5);
	check_close("", "appended");
	check_log(LOG, "0-3 {more} ", "appended");
}

/* How a file that must be refused comes about, and why it is. */
static const struct refusal {
	const char *what;
	mode_t mode;
	uid_t uid;
	const char *reason; /* NULL: taken */
} refusals[] = {
	{ "root's own", 0600, 0, NULL },
	{ "read by a group, as logrotate makes it", 0640, 0, NULL },
	{ "not writable by anybody", 0400, 0, NULL },
	{ "written by a group", 0620, 0, "may be written by others than root (mode 0620)" },
	{ "written by all", 0602, 0, "may be written by others than root (mode 0602)" },
	{ "read by all", 0604, 0, "may be read by all (mode 0604)" },
	{ "of another user", 0600, 65534, "belongs to user 65534, not to root" },
};

static void check_refused(const char *path, const char *reason, const char *what)
{
	char expected[256] = "";

	*error.text = '\0';
	if (reason)
		snprintf(expected, sizeof(expected), "%s: %s", path, reason);
	check(audit_open(&audit, path, AUDIT_SYNC_DEFAULT, false, &error), reason ? -1 : 0, "%s", what);
	check_text(error.text, expected, "%s: why", what);
	if (reason)
		check(error.exit, EXIT_STATE, "%s: is state", what);
	else
		check_close("", what);
}

static void test_refusals(void)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		disk_fresh();
		file_put(LOG, "before\n");
		if (chown(LOG, refusals[i].uid, 4) || chmod(LOG, refusals[i].mode))
			bail_out(LOG);
		check_refused(LOG, refusals[i].reason, refusals[i].what);
		check_file(LOG, "before\n", refusals[i].what);
	}
}

static void test_refused_kinds(void)
{
	disk_fresh();
	file_put(DISK "/real", "before\n");
	if (symlink(DISK "/real", LOG))
		bail_out(LOG);
	check_refused(LOG, "is a symbolic link", "a symbolic link");
	unlink(LOG);
	if (link(DISK "/real", LOG))
		bail_out(LOG);
	check_refused(LOG, "has 2 links", "a second link");
	check_file(DISK "/real", "before\n", "nothing written");
	unlink(LOG);
	if (mkfifo(LOG, 0600))
		bail_out(LOG);
	check_refused(LOG, "is not a regular file", "a pipe");
	unlink(LOG);
	if (mkdir(LOG, 0700))
		bail_out(LOG);
	check_refused(LOG, "Is a directory", "a directory");
	check_refused("/dev/null", "is not a regular file", "a device");
	check_refused(DISK "/none/log", "No such file or directory", "no directory");
	check(audit_open(&audit, DISK "/", 1, false, &error), -1, "no name");
	check(error.exit, EXIT_USAGE, "no name: is usage");
}

static void check_directory(const char *directory, mode_t mode, uid_t uid, gid_t gid, const char *reason,
			    const char *what)
{
	char expected[256] = "";

	if (chown(directory, uid, gid) || chmod(directory, mode))
		bail_out(directory);
	*error.text = '\0';
	if (reason)
		snprintf(expected, sizeof(expected), "%s: %s", directory, reason);
	check(audit_open(&audit, DISK "/a/b/log", 1, false, &error), reason ? -1 : 0, "directory %s", what);
	check_text(error.text, expected, "directory %s: why", what);
	check(access(DISK "/a/b/log", F_OK), reason ? -1 : 0, "directory %s: whether a file is made", what);
	if (!reason)
		check_close("", what);
	unlink(DISK "/a/b/log");
	if (chown(directory, 0, 0) || chmod(directory, 0700))
		bail_out(directory);
}

/* Also one further up: who may rename it decides what is in it. */
static void test_directories(void)
{
	disk_fresh();
	if (mkdir(DISK "/a", 0700) || mkdir(DISK "/a/b", 0700) || symlink("a/b", DISK "/link"))
		bail_out("a/b");
	for (size_t i = 0; i < 2; i++) {
		const char *directory = i ? DISK "/a" : DISK "/a/b";

		check_directory(directory, 0700, 0, 0, NULL, "of root");
		check_directory(directory, 0770, 0, 0, NULL, "written by root's group");
		check_directory(directory, 01777, 0, 0, NULL, "written by all, with the sticky bit");
		check_directory(directory, 0777, 0, 0, "may be written by others than root (mode 0777)",
				"written by all");
		check_directory(directory, 0755, 65534, 0, "belongs to user 65534, not to root", "of another user");
	}
	check_directory(DISK "/a/b", 0775, 0, 4, "may be written by others than root (mode 0775)",
			"written by a group");
	/* as /var/log on Ubuntu */
	check_directory(DISK "/a", 0775, 0, 4, NULL, "further up, written by a group");
	check(audit_open(&audit, DISK "/link/log", 1, false, &error), 0, "through a symbolic link");
	check_text(audit.path.directory, DISK "/a/b", "where it really is");
	check_close("", "through a symbolic link");
}

static void test_not_root(void)
{
	disk_fresh();
	if (seteuid(65534))
		bail_out("seteuid");
	check(audit_file_open(&(struct audit_path){ .text = LOG, .directory = (char *)(uintptr_t)DISK, .name = "log" },
			      -1, &error),
	      -1, "not root");
	if (seteuid(0))
		bail_out("seteuid");
	check_text(error.text, LOG ": only root can own an audit log", "not root: why");
	check(access(LOG, F_OK), -1, "not root: no file is made");
}

static void test_second_writer(void)
{
	struct audit second;

	disk_fresh();
	log_open(1, false);
	check(audit_open(&second, LOG, 1, false, &error), -1, "a second writer");
	check_text(error.text, LOG ": another process writes to it", "a second writer: why");
	lines_add(1);
	check_close("", "the first");
	check_log(LOG, "0-0 ", "the first");
	log_open(1, false);
	check_close("", "the lock goes with the file");
}

static void test_torn(void)
{
	disk_fresh();
	file_put(LOG, "whole\nto");
	log_open(1, false);
	audit_round(&audit);
	check_file(LOG, "whole\nto\n", "a torn line is ended");
	audit_line(&audit, "next\n", 5);
	check_close("", "torn");
	check_file(LOG, "whole\nto\nnext\n", "the next line stands alone");
}

/* Some lines fit, the rest is lost; then the disk has room again. */
static void test_full_disk(void)
{
	disk_fresh();
	log_open(1, false);
	lines_add(10);
	audit_round(&audit);
	disk_fill();
	errors_begin();
	lines_add(50);
	audit_round(&audit);
	check_errors(LOG ": No space left on device: lines are being lost\n", "the first that are lost");
	check_log(LOG, "0-39 ", "as many as the last page holds");
	errors_begin();
	for (int i = 0; i < 7; i++) {
		lines_add(1);
		audit_round(&audit);
	}
	check_errors("", "more of them");
	check_log(LOG, "0-39 ", "whole lines only");
	check((long long)audit.lines.count, 27, "counted");
	disk_free();
	errors_begin();
	audit_round(&audit);
	check_errors(LOG ": 27 lines were lost: No space left on device\n", "when there is room");
	lines_add(2);
	check_close("", "in the end");
	check_log(LOG, "0-39 [LOST 27 lines: No space left on device] 67-68 ", "all");
}

/* The last page has room for what is to be told, but not for a line: it is not told until lines go in again. */
static void test_room_for_notice(void)
{
	char line[1000];

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	disk_fresh();
	log_open(AUDIT_SYNC_NEVER, false);
	lines_add(13);
	audit_round(&audit);
	disk_fill();
	errors_begin();
	for (int i = 0; i < 6; i++) {
		audit_line(&audit, line, sizeof(line));
		audit_round(&audit);
	}
	check_errors(LOG ": No space left on device: lines are being lost\n", "room for a notice");
	check((long long)audit.lines.count, 4, "two of six lines had room");
	disk_free();
	errors_begin();
	check_close("", "room for a notice");
	check_errors(LOG ": 4 lines were lost: No space left on device\n", "in the end");
}

/* A limit on the size of files is as good as a full disk. Nothing is printed under it: stdout may be a file, too. */
static void test_file_limit(void)
{
	struct rlimit before, limit;
	int result;

	disk_fresh();
	getrlimit(RLIMIT_FSIZE, &before);
	limit = (struct rlimit){ .rlim_cur = 5 * LINE + 1, .rlim_max = before.rlim_max };
	log_open(1, false);
	errors_begin();
	lines_add(7);
	*error.text = '\0';
	setrlimit(RLIMIT_FSIZE, &limit);
	audit_round(&audit);
	result = audit_close(&audit, &error);
	setrlimit(RLIMIT_FSIZE, &before);
	check_errors(LOG ": File too large: lines are being lost\n", "a limit");
	check_log(LOG, "0-4 ", "below the limit");
	check(result, -1, "still lost in the end");
	check_text(error.text, LOG ": 2 lines are lost: File too large", "still lost in the end: why");
	check(error.exit, EXIT_STATE, "still lost in the end: state");
}

#define JITTER 0.001 /* seconds */

/* The keys, and what they are, without the times. */
static void check_json(const char *path, const char *expected, const char *what)
{
	double time, from, to;
	char *text = file_text(path), rest[256] = "", lost[64] = "", got[336];
	int fields = sscanf(text, "{\"time\":%lf,%63[^,],\"what\":\"%*[a-z]\",\"from\":%lf,\"to\":%lf,%255[^\n]", &time,
			    lost, &from, &to, rest);

	check(fields, 5, "%s: keys of the line", what);
	snprintf(got, sizeof(got), "%s %s", lost, rest);
	check_text(got, expected, "%s: what is lost, and why", what);
	/* each is told by a clock that is set, as it was when it was asked */
	check(from <= to + JITTER && to <= time + JITTER && time - from < 600 && from > 1600000000, true,
	      "%s: times %f %f %f", what, from, to, time);
	free(text);
}

static void test_events_lost(void)
{
	disk_fresh();
	log_open(1, false);
	audit_events_lost(&audit, 0);
	audit_round(&audit);
	check_log(LOG, "", "no event was lost");
	audit_events_lost(&audit, 3);
	audit_events_lost(&audit, 7);
	lines_add(1);
	audit_round(&audit);
	lines_add(1);
	check_close("", "lost events");
	check_log(LOG, "[LOST 7 events: the ring was full] 0-1 ", "lost events");
	disk_fresh();
	log_open(1, true);
	audit_events_lost(&audit, 12);
	check_close("", "lost events, in JSON");
	check_json(LOG, "\"lost\":12 \"why\":\"the ring was full\"}", "lost events, in JSON");
	disk_fresh();
	log_open(1, false);
	lines_add(1);
	audit_gap(&audit, clock_now(), clock_now());
	check_close("", "maps made anew");
	check_log(LOG, "0-0 [LOST events: not subscribed] ", "maps made anew");
	disk_fresh();
	log_open(1, true);
	audit_gap(&audit, clock_now(), clock_now());
	check_close("", "maps made anew, in JSON");
	check_json(LOG, "\"lost\":null \"why\":\"not subscribed\"}", "maps made anew, in JSON");
}

/* With the disk full the log cannot tell of lost events either; it does when it can. */
static void test_events_lost_on_full_disk(void)
{
	disk_fresh();
	log_open(1, true);
	disk_fill();
	audit_events_lost(&audit, 5);
	audit_round(&audit);
	check_file(LOG, "", "a full disk");
	check((long long)audit.events.count, 5, "not told yet");
	check_close(LOG ": does not tell of 5 lost events", "it cannot be told");
	log_open(1, true);
	errors_begin();
	lines_add(1);
	audit_events_lost(&audit, 6);
	audit_round(&audit);
	disk_free();
	audit_round(&audit);
	check_errors(LOG ": No space left on device: lines are being lost\n" LOG
			 ": 1 lines were lost: No space left on device\n",
		     "both are lost");
	check_close("", "both are told");
	check_json(LOG, "\"lost\":1 \"why\":\"No space left on device\"}", "first the lines");
}

static void test_reopen(void)
{
	disk_fresh();
	log_open(1, false);
	lines_add(2);
	audit_round(&audit);
	audit_reopen(&audit);
	lines_add(1);
	if (rename(LOG, DISK "/old"))
		bail_out("rename");
	audit_round(&audit);
	check_log(DISK "/old", "0-2 ", "renamed, not reopened: the old file");
	lines_add(1);
	audit_reopen(&audit);
	lines_add(1);
	audit_round(&audit);
	check_log(DISK "/old", "0-3 ", "reopened: what came before is in the old file");
	check_log(LOG, "4-4 ", "what comes after in the new");
	if (unlink(LOG))
		bail_out("unlink");
	lines_add(1);
	audit_reopen(&audit);
	lines_add(1);
	check_close("", "reopened");
	check_log(LOG, "6-6 ", "removed and reopened");
}

static void test_reopen_refused(void)
{
	disk_fresh();
	log_open(1, false);
	if (rename(LOG, DISK "/old") || symlink("old", LOG))
		bail_out("rename");
	errors_begin();
	lines_add(1);
	audit_reopen(&audit);
	check_errors(LOG ": is a symbolic link\n" LOG ": not opened anew, the old file is written on\n",
		     "a link in its place");
	lines_add(1);
	audit_round(&audit);
	check_log(DISK "/old", "0-1 ", "refused: the old file goes on");
	unlink(LOG);
	audit_reopen(&audit);
	lines_add(1);
	check_close("", "the next time");
	check_log(DISK "/old", "0-1 ", "the next time: the old file");
	check_log(LOG, "2-2 ", "the next time: the new file");
}

/* What was lost in the old file is told in the new. */
static void test_reopen_lost(void)
{
	disk_fresh();
	log_open(1, false);
	disk_fill();
	errors_begin();
	lines_add(5);
	audit_round(&audit);
	rename(LOG, DISK "/old");
	disk_free();
	if (truncate(DISK "/old", 0))
		err(2, DISK "/old");
	audit_reopen(&audit);
	lines_add(1);
	check_close("", "lost, then rotated");
	check_errors(LOG ": No space left on device: lines are being lost\n" LOG
			 ": 5 lines were lost: No space left on device\n",
		     "lost, then rotated");
	check_log(DISK "/old", "[LOST 5 lines: No space left on device] ", "the old file had room at last");
	check_log(LOG, "5-5 ", "the new file");
}

/* A pipe in place of the file: nothing can be synchronized there. */
static void test_sync_fails(void)
{
	int ends[2];

	disk_fresh();
	log_open(AUDIT_SYNC_ALWAYS, false);
	if (pipe(ends) || dup2(ends[1], audit.file) < 0)
		bail_out("pipe");
	errors_begin();
	for (int i = 0; i < 3; i++) {
		lines_add(1);
		audit_round(&audit);
	}
	check_errors(LOG ": Invalid argument: the disk did not take all lines\n", "told once");
	errors_begin();
	check_close(LOG ": the disk did not take all lines", "and counts in the end");
	check_errors("", "not told again");
	close(ends[0]);
	close(ends[1]);
}

static void test_sync_policy(void)
{
	disk_fresh();
	log_open(AUDIT_SYNC_NEVER, false);
	lines_add(1);
	audit_round(&audit);
	check(audit.unsynced, true, "never");
	check_close("", "never");
	log_open(AUDIT_SYNC_ALWAYS, false);
	lines_add(1);
	audit_round(&audit);
	check(audit.unsynced, false, "always");
	check_close("", "always");
	log_open(86400, false);
	lines_add(1);
	audit_round(&audit);
	check(audit.unsynced, true, "seconds: not yet");
	audit.synced = clock_now() - 86400 * CLOCK_SECOND; /* as if it were that long ago */
	audit_round(&audit);
	check(audit.unsynced, false, "seconds: when they are over");
	lines_add(1);
	audit_round(&audit);
	check(audit.unsynced, true, "seconds: again not yet");
	check_close("", "seconds");
}

/* ---- a disk that is full at times ---- */

/* Adds up lines and what is told of losses; lines that are neither are counted as torn. */
static void log_count(const char *path, uint64_t *there, uint64_t *lost, uint64_t *torn)
{
	char *text = file_text(path), *rest = text, *line;

	while ((line = strsep(&rest, "\n")) && rest) {
		char *at = strstr(line, " LOST ");
		uint64_t number;

		if (at && sscanf(at, " LOST %" SCNu64 " lines from ", &number) == 1 &&
		    strstr(at, ": No space left on device"))
			*lost += number;
		else if (strlen(line) == LINE - 1 && line[6] == ' ' && line[7] == 'x')
			++*there;
		else
			++*torn;
	}
	*torn += line && *line;
	free(text);
}

static void test_full_at_times(void)
{
	uint64_t there = 0, lost = 0, torn = 0;

	disk_fresh();
	log_open(AUDIT_SYNC_NEVER, false);
	errors_begin();
	for (int round = 0; round < 3000; round++) {
		bool full = !access(DISK "/fill", F_OK);

		lines_add(random_below(40));
		if (random_below(3))
			audit_round(&audit);
		if (random_below(8) == 0 && !full)
			disk_fill();
		else if (random_below(4) == 0 && full)
			disk_free();
		else if (random_below(4) == 0 && !full) {
			rename(LOG, DISK "/old");
			audit_reopen(&audit);
			log_count(DISK "/old", &there, &lost, &torn);
			unlink(DISK "/old");
		}
	}
	unlink(DISK "/fill");
	audit_round(&audit);
	lost += audit.lines.count;
	audit_close(&audit, &error);
	fclose(stderr);
	stderr = errors_saved;
	free(errors_text);
	log_count(LOG, &there, &lost, &torn);
	check((long long)torn, 0, "torn lines");
	check((long long)(there + lost), (long long)lines_added, "%" PRIu64 " lines there and %" PRIu64 " told as lost",
	      there, lost);
	check(there > 1000 && lost > 1000, true, "some of both");
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	setenv("TZ", "UTC", 1);
	disk_make();
	test_sync_words();
	test_new_file();
	test_refusals();
	test_refused_kinds();
	test_directories();
	test_not_root();
	test_second_writer();
	test_torn();
	test_full_disk();
	test_room_for_notice();
	test_file_limit();
	test_events_lost();
	test_events_lost_on_full_disk();
	test_reopen();
	test_reopen_refused();
	test_reopen_lost();
	test_sync_fails();
	test_sync_policy();
	test_full_at_times();
	return tap_done();
}
