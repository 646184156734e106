/* SPDX-License-Identifier: GPL-2.0-only */
#include "screen.h"

#include "clock.h"
#include "num.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define LINES_DEFAULT 24

/* ECMA-48, and DECAWM: lines that are too long end at the edge instead of taking up a second one */
#define WRAP_OFF "\033[?7l"
#define WRAP_ON "\033[?7h"
#define CLEAR "\033[H\033[J"

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

/* ---- what it looks like ---- */

void screen_open(struct screen *screen, uint64_t seconds, bool json)
{
	*screen = (struct screen){
		.json = json,
		.terminal = !json && isatty(STDOUT_FILENO),
		.seconds = (double)seconds,
		.moment = clock_seconds(CLOCK_MONOTONIC),
	};
	if (screen->terminal)
		fputs(WRAP_OFF, stdout);
}

void screen_close(const struct screen *screen)
{
	int reason = errno;

	if (screen->terminal)
		fputs(WRAP_ON, stdout);
	errno = reason;
}

void screen_head(const struct screen *screen)
{
	time_t now = time(NULL);
	struct tm local;
	char text[16];

	if (screen->json)
		return;
	if (screen->terminal)
		fputs(CLEAR, stdout);
	else if (screen->begun)
		putchar('\n');
	strftime(text, sizeof(text), "%H:%M:%S", localtime_r(&now, &local));
	fputs(text, stdout);
}

size_t screen_lines(const struct screen *screen, size_t others)
{
	const char *text = getenv("LINES");
	struct winsize size = { 0 };
	struct error error;
	uint64_t lines;

	if (!screen->terminal)
		return SIZE_MAX;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row)
		lines = size.ws_row;
	else if (!text || num_parse(text, 1, UINT16_MAX, &lines, &error))
		lines = LINES_DEFAULT;
	others++;
	return lines > others ? lines - others : 1;
}

/* ---- again and again ---- */

double screen_left(const struct screen *screen)
{
	double left = screen->moment - clock_seconds(CLOCK_MONOTONIC);

	return left > 0 ? left : 0;
}

void screen_next(struct screen *screen)
{
	double now = clock_seconds(CLOCK_MONOTONIC);

	screen->begun = true;
	screen->moment += screen->seconds;
	if (screen->moment < now)
		screen->moment = now;
}

static void signals_set(void)
{
	struct sigaction action = { .sa_handler = stop, .sa_flags = SA_RESTART | (int)SA_RESETHAND };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Waits for the tick; the signals are let in only here, so none comes between the look at `stopped` and the wait. */
static int tick_wait(const struct screen *screen)
{
	struct pollfd reader = { .fd = STDOUT_FILENO };
	double left = screen_left(screen);
	struct timespec time = { .tv_sec = (time_t)left, .tv_nsec = (long)((left - (double)(time_t)left) * 1e9) };
	sigset_t ours, before;
	int result = 0;

	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigprocmask(SIG_BLOCK, &ours, &before);
	if (!stopped)
		result = ppoll(&reader, 1, &time, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return result;
}

static int ticks_run(struct screen *screen, screen_print *print, void *context, struct error *error)
{
	while (!stopped) {
		if (print(context, screen, error))
			return -1;
		if (fflush(stdout) || ferror(stdout))
			return 0;
		screen_next(screen);
		if (tick_wait(screen) > 0)
			return error_state(error, "stdout", "nobody reads it any more");
	}
	return 0;
}

int screen_run(uint64_t seconds, bool json, screen_print *print, void *context, struct error *error)
{
	struct screen screen;
	int result;

	screen_open(&screen, seconds, json);
	signals_set();
	result = ticks_run(&screen, print, context, error);
	screen_close(&screen);
	return result;
}
