/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/metrics.c: OpenMetrics 1.0 text. lib/ifnames.c: no two alike */
#include "metrics.h"

#include "ifnames.h"
#include "tap.h"

#include <net/if.h>

static void sample_check(const char *value, const char *expected, const char *what)
{
	struct metric metric = { .name = "m", .type = METRIC_COUNTER };
	char *text;

	output_begin();
	sample_begin(&metric);
	sample_label(&metric, "a", value);
	sample_label(&metric, "b", "");
	sample_end(&metric, UINT64_MAX);
	text = output_end();
	check_text(text, expected, "%s", what);
	free(text);
}

static void test_labels(void)
{
	sample_check("eth0", "m_total{a=\"eth0\",b=\"\"} 18446744073709551615\n", "plain, and empty");
	sample_check("a\"b", "m_total{a=\"a\\\"b\",b=\"\"} 18446744073709551615\n", "a quote");
	sample_check("a\\n", "m_total{a=\"a\\\\n\",b=\"\"} 18446744073709551615\n", "a backslash");
	sample_check("a\nb", "m_total{a=\"a\\nb\",b=\"\"} 18446744073709551615\n", "an end of line");
	sample_check("\xc3\xa4{},=#", "m_total{a=\"\xc3\xa4{},=#\",b=\"\"} 18446744073709551615\n",
		     "UTF-8, and what is plain within quotes");
	sample_check("a\xff\xc3", "m_total{a=\"a\xef\xbf\xbd\xef\xbf\xbd\",b=\"\"} 18446744073709551615\n",
		     "what is not UTF-8 is replaced");
}

static void test_families(void)
{
	struct metric gauge = { .name = "g", .help = "What it is.", .type = METRIC_GAUGE };
	struct metric counter = { .name = "c_bytes", .unit = "bytes", .help = "Bytes.", .type = METRIC_COUNTER };
	char *text;

	output_begin();
	metric_open(&gauge);
	sample_begin(&gauge);
	sample_end(&gauge, 0);
	metric_open(&counter);
	sample_created(&counter, UINT64_C(1795348800007999999));
	metrics_end();
	text = output_end();
	check_text(text,
		   "# TYPE g gauge\n# HELP g What it is.\ng 0\n"
		   "# TYPE c_bytes counter\n# UNIT c_bytes bytes\n# HELP c_bytes Bytes.\n"
		   "c_bytes_created 1795348800.007\n# EOF\n",
		   "families");
	free(text);
}

static void names_add(struct ifnames *names, uint32_t ifindex)
{
	struct error error;

	if (ifnames_add(names, ifindex, &error))
		bail_out(error.text);
}

static void test_names(void)
{
	uint32_t lo = if_nametoindex("lo");
	struct ifnames names = { 0 };

	ifnames_read(&names);
	check_text(ifnames_find(&names, 5) ? "a name" : "none", "none", "nothing was added");
	names_add(&names, 1000007);
	names_add(&names, lo);
	names_add(&names, 0);
	names_add(&names, 1000006);
	names_add(&names, 1000007);
	ifnames_read(&names);
	check((long long)names.count, 3, "each once, and 0 is none");
	check_text(ifnames_find(&names, lo), "lo", "one that is there");
	check_text(ifnames_find(&names, 1000007), "#1000007", "one that is gone");
	check_text(ifnames_find(&names, 0) ? "a name" : "none", "none", "index 0");
	check_text(ifnames_find(&names, 1000008) ? "a name" : "none", "none", "one that was not added");
	ifnames_free(&names);
}

int main(void)
{
	test_labels();
	test_families();
	test_names();
	return tap_done();
}
