/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/text.c: numbers, addresses and names put together as text */
#include "text.h"

#include "out.h"
#include "prefix.h"
#include "tap.h"

static char memory[2048];

static struct text text_begin(void)
{
	return TEXT_OF(memory);
}

/* Terminated, for comparison. */
static const char *text_end(struct text *text)
{
	memory[text->length] = '\0';
	return memory;
}

static void test_numbers(void)
{
	struct text text = text_begin();

	text_number(&text, 0);
	text_char(&text, ' ');
	text_number(&text, 907);
	text_char(&text, ' ');
	text_number(&text, UINT64_MAX);
	text_char(&text, ' ');
	text_digits(&text, 42, 6);
	text_char(&text, ' ');
	text_digits(&text, 1234567, 6);
	text_char(&text, ' ');
	text_hex(&text, 0x88cc, 4);
	text_hex(&text, 0, 2);
	text_blanks(&text, 3);
	text_mac(&text, (const uint8_t[]){ 2, 0, 0xab, 0xc, 0, 0xff });
	check_text(text_end(&text), "0 907 18446744073709551615 000042 1234567 88cc00   02:00:ab:0c:00:ff", "numbers");
}

static void test_cut(void)
{
	char four[5] = "____";
	struct text text = { .data = four, .size = 4 };

	text_put(&text, "abc");
	text_number(&text, 1234);
	text_blanks(&text, 2);
	text_char(&text, 'x');
	check_text(four, "abc1", "what does not fit is cut off");
	check((long long)text_room(&text), 0, "and no room is left");
}

/* Addresses of many zeros, where the forms differ. */
static void address_draw(uint8_t addr[16])
{
	for (int i = 0; i < 16; i += 2) {
		uint16_t group = random_below(2) ? 0 : (uint16_t)(random_next() >> random_below(17));

		addr[i] = (uint8_t)(group >> 8);
		addr[i + 1] = (uint8_t)group;
	}
}

static void test_addresses(void)
{
	char wrong[256] = "", expected[PREFIX_TEXT_MAX];
	uint8_t addr[16];

	for (int i = 0; i < 200000 && !*wrong; i++) {
		uint8_t family = i % 4 ? 6 : 4;
		struct text text = text_begin();

		address_draw(addr);
		text_address(&text, family, addr);
		address_format(family, addr, expected);
		if (strcmp(text_end(&text), expected))
			snprintf(wrong, sizeof(wrong), "expected %s, got %.60s, seed %" PRIu64, expected, memory,
				 random_seed);
	}
	check_property(wrong, "addresses as inet_ntop has them");
}

static void check_name(const char *name, const char *expected)
{
	struct text text = text_begin();

	text_name(&text, name);
	check_text(text_end(&text), expected, "the name %s", expected);
}

static void test_names(void)
{
	check_name("sip-trunk", "sip-trunk");
	check_name("a b", "\"a b\"");
	check_name("", "\"\"");
	check_name("say \"x\"", "\"say \\\"x\\\"\"");
	check_name("q\"", "\"q\\\"\"");
	check_name("back\\slash", "back\\x5cslash");
	check_name("\\\" len 9", "\"\\x5c\\\" len 9\"");
	check_name("\033[31mred", "\\x1b[31mred");
	check_name("one\ntwo\tthree\177", "one\\x0atwo\\x09three\\x7f");
	check_name("caf\xc3\xa9", "caf\xc3\xa9");
	check_name("\xf0\x9f\x9a\xa6", "\xf0\x9f\x9a\xa6");
	check_name("\xc3\x28\xff", "\\xc3(\\xff");
	check_name("c1\xc2\x9b", "c1\\xc2\\x9b");
	check_name("no-break\xc2\xa0space", "no-break\\xc2\\xa0space");
	check_name("wide\xe3\x80\x80space", "wide\\xe3\\x80\\x80space");
	check_name("bidi\xe2\x80\xaereversed", "bidi\\xe2\\x80\\xaereversed");
}

/* The name that a word stands for; what is not a well-formed word is "(malformed)". */
static void name_read(const char *word, char name[1024])
{
	bool quoted = *word == '"';
	size_t used = 0;

	for (word += quoted; *word && *word != '"'; word++) {
		unsigned int byte;

		if (*word != '\\') {
			name[used++] = *word;
		} else if (word[1] == '"') {
			name[used++] = '"';
			word++;
		} else if (sscanf(word, "\\x%2x", &byte) == 1) {
			name[used++] = (char)byte;
			word += 3;
		} else {
			break;
		}
	}
	name[used] = '\0';
	if (strcmp(word, quoted ? "\"" : ""))
		strcpy(name, "(malformed)");
}

/* Bytes by which a name may try to end its word. */
static void name_draw(char name[64])
{
	static const char hard[] = "\" \\\n\r\t\033x5\x9b\xc2\xe2\x80\xae\xa0\xff";
	unsigned int length = random_below(63);

	for (unsigned int i = 0; i < length; i++)
		name[i] = random_below(2) ? RANDOM_OF(hard) : (char)random_next();
	name[length] = '\0';
}

static bool is_safe(const char *word)
{
	for (; *word; word++)
		if ((unsigned char)*word < ' ' || *word == 0x7f)
			return false;
	return true;
}

static void test_any_name(void)
{
	char name[64], back[1024], wrong[2500] = "";

	for (int i = 0; i < 100000 && !*wrong; i++) {
		struct text text = text_begin();

		name_draw(name);
		text_name(&text, name);
		name_read(text_end(&text), back);
		if (strcmp(back, name) || !is_safe(memory))
			snprintf(wrong, sizeof(wrong),
				 "expected a word that reads back, got %s, case %d, seed %" PRIu64, memory, i,
				 random_seed);
	}
	check_property(wrong, "any name is one word without control characters, and reads back");
}

static void test_json(void)
{
	char name[64], wrong[2500] = "", *printed;
	struct text text;

	for (int i = 0; i < 20000 && !*wrong; i++) {
		text = text_begin();
		name_draw(name);
		text_json(&text, name);
		output_begin();
		json_string(name);
		printed = output_end();
		if (strcmp(text_end(&text), printed))
			snprintf(wrong, sizeof(wrong), "expected %s, got %s, seed %" PRIu64, printed, memory,
				 random_seed);
		free(printed);
	}
	check_property(wrong, "text_json is json_string");
	text = text_begin();
	text_json(&text, "a \"b\" \\c\n\xff\xc3\xa9");
	check_text(text_end(&text), "\"a \\\"b\\\" \\\\c\\u000a\\ufffd\xc3\xa9\"", "a JSON string");
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	test_numbers();
	test_cut();
	test_addresses();
	test_names();
	test_any_name();
	test_json();
	return tap_done();
}
