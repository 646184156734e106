/* SPDX-License-Identifier: GPL-2.0-only */
/* Values by their BTF: each kind of type, what cannot be shown, and random types over random bytes. */
#include "btffield.h"
#include "btfvalue.h"
#include "map_lines.h"
#include "mapsums.h"
#include "tap.h"

/* Types that most cases need. */
static struct btf *btf;
static int u8, u16, u32, u64, u128, s8, s32, s64, s128, character, boolean;

static void types_begin(void)
{
	btf = btf__new_empty();
	btf__set_pointer_size(btf, 8);
	u8 = btf__add_int(btf, "unsigned char", 1, 0);
	u16 = btf__add_int(btf, "unsigned short", 2, 0);
	u32 = btf__add_int(btf, "unsigned int", 4, 0);
	u64 = btf__add_int(btf, "unsigned long long", 8, 0);
	u128 = btf__add_int(btf, "unsigned __int128", 16, 0);
	s8 = btf__add_int(btf, "signed char", 1, BTF_INT_SIGNED);
	s32 = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	s64 = btf__add_int(btf, "long long", 8, BTF_INT_SIGNED);
	s128 = btf__add_int(btf, "__int128", 16, BTF_INT_SIGNED);
	character = btf__add_int(btf, "char", 1, BTF_INT_SIGNED);
	boolean = btf__add_int(btf, "_Bool", 1, BTF_INT_BOOL);
}

/* As JSON; what cannot be shown is the message. Bytes are copied to where a read beyond them is noticed. */
static char *json(int type, const void *bytes, size_t size)
{
	struct error error;
	void *exact;

	if (btf_value_check(btf, (uint32_t)type, size, "map", &error))
		return strdup(error.text);
	exact = malloc(size ? size : 1);
	memcpy(exact, bytes, size);
	output_begin();
	btf_value_json(btf, (uint32_t)type, exact);
	free(exact);
	return output_end();
}

static void check_json(int type, const void *bytes, size_t size, const char *expected, const char *what)
{
	char *got = json(type, bytes, size);

	check_text(got, expected, "%s", what);
	free(got);
}

/* "name=text|name=text" of all fields */
static char *flat(int type, const void *bytes)
{
	struct btf_fields fields = { 0 };
	struct error error;
	char *line = NULL, *cell;
	size_t size;
	FILE *stream = open_memstream(&line, &size);

	if (btf_fields_add(&fields, btf, (uint32_t)type, "value", false, &error))
		fprintf(stream, "%s", error.text);
	cell = malloc(btf_fields_room(&fields));
	for (size_t i = 0; i < fields.count; i++) {
		struct text text = { .data = cell, .size = btf_fields_room(&fields) };

		btf_field_text(&fields.items[i], bytes, ESCAPE_CONTROLS, &text);
		fprintf(stream, "%s%s=%.*s", i ? "|" : "", fields.items[i].name, (int)text.length, cell);
	}
	free(cell);
	btf_fields_free(&fields);
	fclose(stream);
	return line;
}

static void check_flat(int type, const void *bytes, const char *expected, const char *what)
{
	char *got = flat(type, bytes);

	check_text(got, expected, "%s", what);
	free(got);
}

/* ---- scalars ---- */

static void test_integers(void)
{
	uint8_t ones[16];
	unsigned __int128 large = ((unsigned __int128)1 << 127) + 5;

	memset(ones, 0xff, sizeof(ones));
	check_json(u8, ones, 1, "255", "u8");
	check_json(u16, ones, 2, "65535", "u16");
	check_json(u32, ones, 4, "4294967295", "u32");
	check_json(u64, ones, 8, "18446744073709551615", "u64");
	check_json(u128, ones, 16, "340282366920938463463374607431768211455", "u128");
	check_json(s8, ones, 1, "-1", "s8");
	check_json(s32, &(int32_t){ INT32_MIN }, 4, "-2147483648", "s32, the least");
	check_json(s64, &(int64_t){ INT64_MIN }, 8, "-9223372036854775808", "s64, the least");
	check_json(s128, ones, 16, "-1", "s128");
	check_json(s128, &large, 16, "-170141183460469231731687303715884105723", "s128, about the least");
	check_json(boolean, "\1", 1, "true", "bool, true");
	check_json(boolean, "\0", 1, "false", "bool, false");
	check_json(boolean, "\2", 1, "true", "bool of another bit");
	check_json(character, "A", 1, "65", "one char is a number");
}

static void test_enums(void)
{
	int plain = btf__add_enum(btf, "plain", 4), small, wide;

	btf__add_enum_value(btf, "ZERO", 0);
	btf__add_enum_value(btf, "MINUS", -3);
	btf__add_enum_value(btf, "BELL\a", 7);
	small = btf__add_enum(btf, "small", 1);
	btf__add_enum_value(btf, "HIGH", 200);
	wide = btf__add_enum64(btf, "wide", 8, false);
	btf__add_enum64_value(btf, "FAR", 1ull << 40);
	check_json(plain, &(int32_t){ 0 }, 4, "\"ZERO\"", "enum by name");
	check_json(plain, &(int32_t){ -3 }, 4, "\"MINUS\"", "enum, a negative one");
	check_json(plain, &(int32_t){ -7 }, 4, "-7", "enum without a name, signed");
	check_json(plain, &(int32_t){ 7 }, 4, "7", "enum with a name that a terminal obeys");
	check_json(small, "\310", 1, "\"HIGH\"", "enum of a byte");
	check_json(small, "\311", 1, "201", "enum of a byte without a name");
	check_json(wide, &(uint64_t){ 1ull << 40 }, 8, "\"FAR\"", "enum of 64 bits");
	check_json(wide, &(uint64_t){ 5 }, 8, "5", "enum of 64 bits without a name");
}

static void test_floats(void)
{
	int single = btf__add_float(btf, "float", 4), real = btf__add_float(btf, "double", 8);
	int longer = btf__add_float(btf, "long double", 16);
	uint8_t bytes[16] = { 0xab, 1 };

	check_json(single, &(float){ 0.1f }, 4, "0.1", "float");
	check_json(real, &(double){ 0.1 }, 8, "0.1", "double");
	check_json(real, &(double){ 1500 }, 8, "1500", "double, a whole number");
	check_json(real, &(double){ 1e300 }, 8, "1e+300", "double, a large one");
	check_json(real, &(double){ 1.0 / 3 }, 8, "0.3333333333333333", "double, as many digits as it takes");
	check_json(real, &(double){ __builtin_nan("") }, 8, "null", "double, not a number");
	check_json(real, &(double){ __builtin_inf() }, 8, "null", "double, infinite");
	check_json(longer, bytes, 16, "\"0xab010000000000000000000000000000\"", "long double as bytes");
}

static void test_texts(void)
{
	int text = btf__add_array(btf, u32, character, 6), bytes = btf__add_array(btf, u32, u8, 3);

	check_json(text, "abc\0x", 6, "\"abc\"", "char array up to its NUL");
	check_json(text, "abcdef", 6, "\"abcdef\"", "char array without a NUL");
	check_json(text, "\0\0\0\0\0", 6, "\"\"", "char array, empty");
	check_json(text, "a\"\n\\\0", 6, "\"a\\\"\\u000a\\\\\"", "char array, escaped");
	check_json(text, "a\xff\xfe\\z\0", 6, "\"a\\\\xff\\\\xfe\\\\x5cz\"", "char array that is no UTF-8");
	check_json(text, "\xc3\xa9\x1b[\0\0", 6, "\"\xc3\xa9\\u001b[\"", "char array with what terminals obey");
	check_flat(text, "a\x1b\xff\0\0\0", "value=a\\x1b\\xff", "the same as a field");
	check_json(bytes, "\1\2\377", 3, "[1,2,255]", "u8 array is numbers");
	check_flat(bytes, "\1\2\377", "value=1 2 255", "u8 array as a field");
}

static void test_orders(void)
{
	int be16 = btf__add_typedef(btf, "__be16", u16), be32 = btf__add_typedef(btf, "__be32", u32);
	int be64 = btf__add_typedef(btf, "__be64", u64), le32 = btf__add_typedef(btf, "__le32", u32);
	int port = btf__add_typedef(btf, "port_t", btf__add_const(btf, be16));

	check_json(be16, "\x12\x34", 2, "4660", "__be16");
	check_json(be32, "\x12\x34\x56\x78", 4, "305419896", "__be32");
	check_json(be64, "\0\0\0\0\0\0\1\0", 8, "256", "__be64");
	check_json(le32, "\x78\x56\x34\x12", 4, "305419896", "__le32");
	check_json(port, "\x1b\x63", 2, "7011", "a typedef of a const __be16");
	check_json(btf__add_array(btf, u32, be16, 2), "\0\1\0\2", 4, "[1,2]", "an array of __be16");
}

static void test_addresses(void)
{
	int in = btf__add_struct(btf, "in_addr", 4), in6, other;
	uint8_t address[16] = { 0x20, 1, 0xd, 0xb8, [15] = 2 };

	btf__add_field(btf, "s_addr", u32, 0, 0);
	in6 = btf__add_struct(btf, "in6_addr", 16);
	btf__add_field(btf, "low", u64, 0, 0);
	btf__add_field(btf, "high", u64, 64, 0);
	other = btf__add_struct(btf, "in_addr", 8);
	btf__add_field(btf, "s_addr", u64, 0, 0);
	check_json(in, "\300\0\2\1", 4, "\"192.0.2.1\"", "struct in_addr");
	check_json(in6, address, 16, "\"2001:db8::2\"", "struct in6_addr");
	check_json(other, "\1\0\0\0\0\0\0\0", 8, "{\"s_addr\":1}", "a struct in_addr of another size");
	check_json(btf__add_ptr(btf, 0), &(uint64_t){ 0xffff8880ull }, 8, "\"0xffff8880\"", "pointer");
	check_json(btf__add_ptr(btf, 0), &(uint64_t){ 0 }, 8, "\"0x0\"", "pointer, null");
}

/* ---- what has parts ---- */

static void test_structs(void)
{
	int inner = btf__add_struct(btf, NULL, 4), both, nested, pair, outer, bits;
	uint8_t bytes[16] = { 1, 0, 0, 0, 2, 0, 3, 0, 4, 0, 0, 0, 5, 0, 0, 0 };

	btf__add_field(btf, "a", u16, 0, 0);
	btf__add_field(btf, "b", u16, 16, 0);
	both = btf__add_union(btf, NULL, 4);
	btf__add_field(btf, "whole", u32, 0, 0);
	btf__add_field(btf, NULL, inner, 0, 0);
	nested = btf__add_struct(btf, "nested", 4);
	btf__add_field(btf, "n", u32, 0, 0);
	pair = btf__add_array(btf, u32, nested, 2);
	outer = btf__add_struct(btf, "outer", 16);
	btf__add_field(btf, "x", u32, 0, 0);
	btf__add_field(btf, NULL, both, 32, 0);
	btf__add_field(btf, "pair", pair, 64, 0);
	check_json(outer, bytes, 16, "{\"x\":1,\"whole\":196610,\"a\":2,\"b\":3,\"pair\":[{\"n\":4},{\"n\":5}]}",
		   "struct, union, members without a name");
	check_flat(outer, bytes, "value.x=1|value.whole=196610|value.a=2|value.b=3|value.pair.0.n=4|value.pair.1.n=5",
		   "the same as fields");
	bits = btf__add_struct(btf, "bits", 4);
	btf__add_field(btf, "low", u32, 0, 3);
	btf__add_field(btf, "signed_one", s32, 3, 5);
	btf__add_field(btf, "across", u32, 8, 17);
	check_json(bits, &(uint32_t){ 5 | 0x1f << 3 | 70000u << 8 }, 4,
		   "{\"low\":5,\"signed_one\":-1,\"across\":70000}", "bit fields, signed and across bytes");
}

static void test_arrays(void)
{
	int row = btf__add_array(btf, u32, u8, 2), names = btf__add_array(btf, u32, character, 3);
	int rest = btf__add_array(btf, u32, u64, 0), open, empty;

	check_json(btf__add_array(btf, u32, row, 2), "\1\2\3\4", 4, "[[1,2],[3,4]]", "array of arrays");
	check_flat(btf__add_array(btf, u32, row, 2), "\1\2\3\4", "value=1 2 3 4", "array of arrays as a field");
	check_json(btf__add_array(btf, u32, names, 2), "ab\0c\0\0", 6, "[\"ab\",\"c\"]", "array of texts");
	check_flat(btf__add_array(btf, u32, names, 2), "ab\0c\0\0", "value.0=ab|value.1=c", "array of texts as fields");
	open = btf__add_struct(btf, "open", 4);
	btf__add_field(btf, "n", u32, 0, 0);
	btf__add_field(btf, "rest", rest, 32, 0);
	check_json(open, "\7\0\0\0", 4, "{\"n\":7,\"rest\":[]}", "array without an end");
	check_flat(open, "\7\0\0\0", "value.n=7|value.rest=", "the same as fields");
	empty = btf__add_struct(btf, "empty", 0);
	check_json(empty, "", 0, "{}", "empty struct");
}

static void test_section(void)
{
	int one = btf__add_var(btf, "one", BTF_VAR_STATIC, u32), name, section;

	name = btf__add_var(btf, "name", BTF_VAR_GLOBAL_ALLOCATED, btf__add_array(btf, u32, character, 4));
	section = btf__add_datasec(btf, ".bss", 12);
	btf__add_datasec_var_info(btf, one, 0, 4);
	btf__add_datasec_var_info(btf, name, 8, 4);
	check_json(section, "\5\0\0\0\0\0\0\0abc\0", 12, "{\"one\":5,\"name\":\"abc\"}", "global variables");
	check_flat(section, "\5\0\0\0\0\0\0\0abc\0", "value.one=5|value.name=abc", "the same as fields");
}

static void test_modifiers(void)
{
	int chain = u32;

	chain = btf__add_const(btf, btf__add_volatile(btf, btf__add_typedef(btf, "mine", chain)));
	chain = btf__add_typedef(btf, "outer_mine", btf__add_restrict(btf, btf__add_type_tag(btf, "tag", chain)));
	check_json(chain, "\7\0\0\0", 4, "7", "typedef of const volatile typedef");
}

/* ---- what cannot be shown ---- */

#define REFUSED "map: its BTF cannot be shown: "

static void test_refused(void)
{
	int wide = btf__add_struct(btf, "wide", 4), deep = u32, loop, array;

	btf__add_field(btf, "beyond", u64, 0, 0);
	check_json(wide, "\0\0\0\0", 4, REFUSED "a value lies outside of what it is part of",
		   "a member beyond its struct");
	check_json(u32, "\0\0\0\0", 2, REFUSED "a value lies outside of what it is part of", "a type that is larger");
	check_json(u16, "\0\0\0\0", 4, REFUSED "it is of another size", "a type that is smaller");
	check_json(0, "", 0, REFUSED "a type without a size", "void");
	check_json(9999, "", 0, REFUSED "a type without a size", "no such type");
	check_json(btf__add_fwd(btf, "later", BTF_FWD_STRUCT), "", 0, REFUSED "a type without a size", "a declaration");
	for (int i = 0; i < 40; i++) {
		int holder = btf__add_struct(btf, "holder", 4);

		btf__add_field(btf, "in", deep, 0, 0);
		deep = holder;
	}
	check_json(deep, "\0\0\0\0", 4, REFUSED "nested too deep", "structs in structs");
	array = btf__add_array(btf, u32, btf__add_struct(btf, "nothing", 0), 1000000);
	check_json(array, "", 0, REFUSED "an array of what takes no room", "a million nothings");
	/* a type that is its own typedef */
	loop = (int)btf__type_cnt(btf);
	btf__add_typedef(btf, "loop", loop);
	check_json(loop, "", 0, REFUSED "a type without a size", "a typedef of itself");
}

/* ---- random types ---- */

/* One that refers to those before it, or, seldom, to any number; sizes and offsets are not always what they should be.
 */
static int random_reference(int last)
{
	return random_below(20) ? (int)random_below((uint32_t)last + 1) : (int)random_below(2 * (uint32_t)last + 2);
}

static uint32_t size_about(int type)
{
	int64_t size = btf__resolve_size(btf, (uint32_t)type);

	return size < 0 || size > 4096 ? 4 : (uint32_t)size;
}

static void random_members(int last)
{
	uint32_t count = random_below(5), offset = 0;
	int types[5];

	for (uint32_t i = 0; i < count; i++)
		offset += size_about(types[i] = random_reference(last));
	if (random_below(4))
		btf__add_struct(btf, random_below(9) ? "s" : "in6_addr", random_below(8) ? offset : random_below(64));
	else
		btf__add_union(btf, "u", random_below(8) ? offset : random_below(64));
	offset = 0;
	for (uint32_t i = 0; i < count; i++) {
		char name[8];

		snprintf(name, sizeof(name), "m%u", i);
		btf__add_field(btf, random_below(4) ? name : NULL, types[i],
			       random_below(9) ? offset : random_below(600),
			       random_below(9) ? 0 : (int)random_below(70));
		offset += size_about(types[i]) * 8;
	}
}

static void random_type(void)
{
	int last = (int)btf__type_cnt(btf) - 1;

	switch (random_below(7)) {
	case 0:
		btf__add_array(btf, u32, random_reference(last),
			       random_below(20) ? random_below(6) : (uint32_t)random_next());
		break;
	case 1:
		btf__add_typedef(btf, random_below(3) ? "t" : "__be32", random_reference(last));
		break;
	case 2:
		btf__add_const(btf, random_reference(last));
		break;
	case 3:
		btf__add_var(btf, "v", BTF_VAR_STATIC, random_reference(last));
		break;
	case 4:
		btf__add_datasec(btf, ".data", random_below(32));
		btf__add_datasec_var_info(btf, random_reference(last), random_below(16), 4);
		break;
	default:
		random_members(last);
	}
}

static void random_scalars(void)
{
	btf__add_enum(btf, "e", 1u << random_below(4));
	btf__add_enum_value(btf, "E0", 0);
	btf__add_enum_value(btf, "E1", -1);
	btf__add_float(btf, "f", 4);
	btf__add_float(btf, "d", 8);
	btf__add_ptr(btf, 0);
}

/* All that is done with a type and bytes that lie at the edge of their memory. Returns whether it could be shown. */
static bool try_type(uint32_t type)
{
	int64_t size = btf__resolve_size(btf, type);
	struct btf_fields fields = { 0 };
	struct error error;
	uint8_t *bytes;

	if (size < 0)
		size = btf__type_by_id(btf, type)->size;
	if (size > 4096 || btf_value_check(btf, type, (size_t)size, "map", &error))
		return false;
	bytes = malloc((size_t)size ? (size_t)size : 1);
	for (int64_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)random_next();
	output_begin();
	btf_value_json(btf, type, bytes);
	free(output_end());
	if (!btf_fields_add(&fields, btf, type, "value", false, &error)) {
		char *cell = malloc(btf_fields_room(&fields));

		for (size_t i = 0; i < fields.count; i++) {
			const struct btf_field *field = &fields.items[i];
			struct text text = { .data = cell, .size = btf_fields_room(&fields) };

			btf_field_text(field, bytes, (enum text_escape)random_below(3), &text);
			if (scalar_is_number(&field->scalar) && field->count) {
				uint64_t at = btf_field_offset(field, field->count - 1);

				scalar_write(&field->scalar, bytes, at, scalar_read(&field->scalar, bytes, at));
			}
		}
		free(cell);
	}
	btf_fields_free(&fields);
	free(bytes);
	return true;
}

static void test_random(void)
{
	char counterexample[64] = "";
	unsigned int shown = 0, tried = 0;

	for (int round = 0; round < 300; round++) {
		btf__free(btf);
		types_begin();
		random_scalars();
		for (int i = 0; i < 40; i++)
			random_type();
		for (uint32_t type = 1; type < btf__type_cnt(btf); type++, tried++)
			shown += try_type(type);
	}
	if (shown < tried / 4)
		snprintf(counterexample, sizeof(counterexample), "only %u of %u could be shown", shown, tried);
	check_property(counterexample, "random types over random bytes stay within them");
}

/* A number that is written is read again, and no bit beside it changes. */
static void test_write(void)
{
	char counterexample[128] = "";

	for (int i = 0; i < 20000 && !*counterexample; i++) {
		struct scalar scalar = { .kind = random_below(2) ? SCALAR_SIGNED : SCALAR_UNSIGNED,
					 .bits = 1 + random_below(128) };
		uint64_t offset = random_below(100);
		uint8_t bytes[32], before[32];
		scalar_number number = (scalar_number)random_next() << 64 | random_next(), mask, got;

		scalar.swapped = scalar.bits % 8 == 0 && random_below(2);
		mask = scalar.bits == 128 ? ~(scalar_number)0 : ((scalar_number)1 << scalar.bits) - 1;
		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = (uint8_t)random_next();
		memcpy(before, bytes, sizeof(before));
		scalar_write(&scalar, bytes, offset, number);
		got = scalar_read(&scalar, bytes, offset);
		scalar_write(&scalar, bytes, offset, scalar_read(&scalar, before, offset));
		if ((got ^ number) & mask || memcmp(bytes, before, sizeof(bytes)))
			snprintf(counterexample, sizeof(counterexample), "%u bits at %u", scalar.bits,
				 (unsigned int)offset);
	}
	check_property(counterexample, "a number that is written is read again");
}

/* ---- metrics ---- */

static void check_spec(const char *text, const char *expected)
{
	struct map_lines_types types;
	struct mapspec spec;
	struct error error = { 0 };

	map_lines_types_make(&types);
	if (!map_lines_read(text, strlen(text), &types, &spec, &error))
		snprintf(error.text, sizeof(error.text), "%zu", spec.count);
	check_text(error.text, expected, "metrics: %s", text);
	mapspec_free(&spec);
	map_lines_types_free(&types);
}

static void test_specs(void)
{
	check_spec("metric a counter value.packets\nhelp \"x y\"\nlabel id key.id\nlabel i key.id ipv4\n", "1");
	check_spec("metric a histogram value.sizes 1 2 3\nsum value.packets\nmetric b gauge value.load\n", "2");
	check_spec("metric a counter value.a\nempty-on-read\n", "1");
	check_spec("# nothing\n", "stdin: has no metric");
	check_spec("metric a counter value.pakets\n",
		   "stdin:1:18: value.pakets: no such field; there are key.id, key.mac, key.address, value.packets, "
		   "value.level, value.sizes, value.load, value.name, value.a");
	check_spec("metric a counter value.level\n",
		   "stdin:1:18: value.level: is no unsigned integer, so it is no counter");
	check_spec("metric a gauge value.name\n", "stdin:1:16: value.name: is no number");
	check_spec("metric a gauge value.sizes\n",
		   "stdin:1:16: value.sizes: is an array, of which only a histogram can be made");
	check_spec("metric a histogram value.packets\n",
		   "stdin:1:20: value.packets: is no array of at least two unsigned integers");
	check_spec("metric a histogram value.sizes 1 2\n",
		   "stdin:1:20: value.sizes: has 4 elements, which need 3 bounds, not 2");
	check_spec("metric a histogram value.sizes 1 2 2\n", "stdin:1:36: 2: out of range (3-9007199254740992)");
	check_spec("metric a_total counter value.packets\n",
		   "stdin:1:8: a_total: may not end in _total, which OpenMetrics adds itself");
	check_spec("metric 9 counter value.packets\n",
		   "stdin:1:8: 9: is no name of a metric: letters, digits, _ and :");
	check_spec("metric a counter value.packets\nmetric a gauge value.level\n",
		   "stdin:2:8: a: there is a metric of this name already");
	check_spec("metric a counter value.packets\nunit bytes\n",
		   "stdin:2:6: bytes: the name of the metric must end in _bytes");
	check_spec("metric a counter value.packets\nlabel x key.id\nconstant x y\n",
		   "stdin:3:10: x: there is a label of this name already");
	check_spec("metric a histogram value.sizes 1 2 3\nlabel le key.id\n",
		   "stdin:2:7: le: is the label of the bounds of a histogram");
	check_spec("metric a counter value.packets\nlabel x key.mac ipv4\n",
		   "stdin:2:17: ipv4: is of 4 bytes, the field of 6");
	check_spec("metric a counter value.packets\nlabel x key.mac port\n",
		   "stdin:2:17: port: is no form of a label: ip, ipv4, ipv6, mac or hex");
	check_spec("help x\n", "stdin:1:1: help: there is no metric yet that it could be of");
	check_spec("metric a counter value.packets 1\n", "stdin:1:32: 1: only a histogram has bounds");
	check_spec("metric a summary value.packets\n",
		   "stdin:1:10: summary: is no type of a metric: counter, gauge or histogram");
	check_spec("metric a counter\n", "stdin:1:1: metric: takes NAME TYPE FIELD [BOUND]...");
	check_spec("metrics a counter value.packets\n", "stdin:1:1: metrics: no such word; there are metric, help, "
							"unit, sum, label, constant and empty-on-read");
}

/* Sums of few labels stay few, whatever the order in which they come. */
static void test_sums(void)
{
	struct mapsums sums = { .slots = 2 };
	union map_total totals[2];
	char counterexample[64] = "";

	for (uint32_t i = 0; i < 100000; i++) {
		char label[8];

		snprintf(label, sizeof(label), "%u", i * 7919 % 10);
		totals[0].number = 1;
		totals[1].number = i;
		mapsums_add(&sums, label, strlen(label) + 1, totals);
	}
	if (sums.room > 1024)
		snprintf(counterexample, sizeof(counterexample), "room for %zu", sums.room);
	check_property(counterexample, "a hundred thousand values of ten labels take room for few");
	mapsums_merge(&sums);
	check((long long)sums.count, 10, "each label once");
	check((long long)sums.items[3]->totals[0].number, 10000, "its values are added up");
	check_text(sums.items[3]->labels, "3", "in the order of their bytes");
	mapsums_free(&sums);
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	types_begin();
	test_integers();
	test_enums();
	test_floats();
	test_texts();
	test_orders();
	test_addresses();
	test_structs();
	test_arrays();
	test_section();
	test_modifiers();
	test_refused();
	test_random();
	test_write();
	test_specs();
	test_sums();
	btf__free(btf);
	return tap_done();
}
