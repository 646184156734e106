/* SPDX-License-Identifier: GPL-2.0-only */
/* Probes by TCP and HTTP, through libcurl. */
#include "prefix.h"
#include "probe_internal.h"
#include "version.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* More of a body is not read: the status is what counts. */
#define BODY_MAX (1u << 20)

#define ADDRESS_MAX (PREFIX_TEXT_MAX + 2)

/* As a URL has it: IPv6 in brackets. */
static char *address_text(const struct probe *probe, char text[ADDRESS_MAX])
{
	char address[PREFIX_TEXT_MAX];

	address_format(probe->family, probe->addr, address);
	snprintf(text, ADDRESS_MAX, probe->family == 6 ? "[%s]" : "%s", address);
	return text;
}

/* Not to memory: how much came is all that matters. What is too much ends the transfer. */
static size_t body_take(char *data, size_t size, size_t count, void *context)
{
	struct probe *probe = context;

	(void)data;
	probe->state.curl.body += size * count;
	return probe->state.curl.body > BODY_MAX ? 0 : size * count;
}

/* The name without a port. */
static int name_length(const struct probe *probe)
{
	return probe->how->host ? (int)strcspn(probe->how->host, ":") : 0;
}

/* By name if there is one, so that the certificate is asked for and checked by it; where it leads says connect_set. */
static CURLcode url_set(CURL *easy, const struct probe *probe)
{
	const struct probe_how *how = probe->how;
	char address[ADDRESS_MAX], url[4096];
	int size;

	address_text(probe, address);
	size = snprintf(url, sizeof(url), "http%s://%.*s:%u%s", how->https ? "s" : "",
			how->host ? name_length(probe) : INT_MAX, how->host ? how->host : address, probe->port,
			how->kind == PROBE_HTTP ? how->path : "/");
	return size < (int)sizeof(url) ? curl_easy_setopt(easy, CURLOPT_URL, url) : CURLE_URL_MALFORMAT;
}

/* A list of one. */
static CURLcode list_set(CURL *easy, CURLoption option, void **list, const char *text)
{
	*list = curl_slist_append(NULL, text);
	return *list ? curl_easy_setopt(easy, option, *list) : CURLE_OUT_OF_MEMORY;
}

static CURLcode host_set(CURL *easy, struct probe *probe)
{
	char address[ADDRESS_MAX], text[512];
	CURLcode code;

	if (!probe->how->host)
		return CURLE_OK;
	snprintf(text, sizeof(text), "Host: %s", probe->how->host);
	code = list_set(easy, CURLOPT_HTTPHEADER, &probe->state.curl.headers, text);
	if (code)
		return code;
	snprintf(text, sizeof(text), "::%s:%u", address_text(probe, address), probe->port);
	return list_set(easy, CURLOPT_CONNECT_TO, &probe->state.curl.connect_to, text);
}

#define SET(option, value)                                                      \
	do {                                                                    \
		code = code ? code : curl_easy_setopt(easy, (option), (value)); \
	} while (0)

/* No proxy whatever the environment says, one connection for each probe, and no time-outs but our own. */
static CURLcode common_set(CURL *easy, struct probe *probe)
{
	CURLcode code = url_set(easy, probe);

	SET(CURLOPT_PRIVATE, (void *)probe);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_FORBID_REUSE, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, LONG_MAX);
	return code;
}

static CURLcode http_set(CURL *easy, struct probe *probe)
{
	CURLcode code = common_set(easy, probe);

	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_USERAGENT, "lb_check/" SPLICER_VERSION);
	SET(CURLOPT_SSL_VERIFYPEER, probe->how->insecure ? 0L : 1L);
	SET(CURLOPT_SSL_VERIFYHOST, probe->how->insecure ? 0L : 2L);
	SET(CURLOPT_WRITEFUNCTION, body_take);
	SET(CURLOPT_WRITEDATA, (void *)probe);
	return code ? code : host_set(easy, probe);
}

static CURLcode tcp_set(CURL *easy, struct probe *probe)
{
	CURLcode code = common_set(easy, probe);

	SET(CURLOPT_CONNECT_ONLY, 1L);
	return code;
}

static void curl_stop(struct prober *prober, struct probe *probe)
{
	if (probe->state.curl.easy) {
		curl_multi_remove_handle(prober->multi, probe->state.curl.easy);
		curl_easy_cleanup(probe->state.curl.easy);
	}
	curl_slist_free_all(probe->state.curl.headers);
	curl_slist_free_all(probe->state.curl.connect_to);
	memset(&probe->state.curl, 0, sizeof(probe->state.curl));
}

static int curl_start(struct prober *prober, struct probe *probe, CURLcode (*set)(CURL *easy, struct probe *probe))
{
	CURL *easy = curl_easy_init();

	memset(&probe->state.curl, 0, sizeof(probe->state.curl));
	probe->state.curl.easy = easy;
	if (easy && !set(easy, probe) && !curl_multi_add_handle(prober->multi, easy))
		return 0;
	curl_stop(prober, probe);
	return probe_end(probe, PROBE_NOT_MADE, "libcurl cannot begin");
}

static int tcp_start(struct prober *prober, struct probe *probe)
{
	return curl_start(prober, probe, tcp_set);
}

static int http_start(struct prober *prober, struct probe *probe)
{
	return curl_start(prober, probe, http_set);
}

/* ---- what came ---- */

static void judge_status(struct probe *probe)
{
	const struct probe_how *how = probe->how;
	long status = 0;

	curl_easy_getinfo(probe->state.curl.easy, CURLINFO_RESPONSE_CODE, &status);
	probe_end(probe, status >= how->status_low && status <= how->status_high ? PROBE_SUCCESS : PROBE_FAILURE,
		  "status %ld", status);
}

static void judge(struct probe *probe, CURLcode code)
{
	bool enough = code == CURLE_WRITE_ERROR && probe->state.curl.body > BODY_MAX;
	long number = 0;

	curl_easy_getinfo(probe->state.curl.easy, CURLINFO_OS_ERRNO, &number);
	if (code == CURLE_COULDNT_CONNECT && number)
		probe_end_errno(probe, (int)number);
	else if (code == CURLE_OUT_OF_MEMORY)
		probe_end(probe, PROBE_NOT_MADE, "%s", curl_easy_strerror(code));
	else if (code && !enough)
		probe_end(probe, PROBE_FAILURE, "%s", curl_easy_strerror(code));
	else if (probe->how->kind == PROBE_HTTP)
		judge_status(probe);
	else
		probe_end(probe, PROBE_SUCCESS, "%s", "");
}

void probes_collect_curl(struct prober *prober)
{
	const CURLMsg *message;
	int running, left;

	curl_multi_perform(prober->multi, &running);
	while ((message = curl_multi_info_read(prober->multi, &left))) {
		char *owner = NULL;

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
		judge((struct probe *)owner, message->data.result);
		probe_finish(prober, (struct probe *)owner);
	}
}

const struct probe_ops probe_tcp = {
	.name = "tcp",
	.start = tcp_start,
	.stop = curl_stop,
	.late = "no connection",
};

const struct probe_ops probe_http = {
	.name = "http",
	.start = http_start,
	.stop = curl_stop,
	.late = "no answer",
};
