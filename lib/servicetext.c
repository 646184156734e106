/* SPDX-License-Identifier: GPL-2.0-only */
#include "service_internal.h"

#include <ctype.h>
#include <strings.h>

/* Whether it begins with one of these words, which end with NULL, in letters of any case. */
static bool begins_with_word(const struct said *said, const char *const *words)
{
	for (; *words; words++) {
		size_t length = strlen(*words);

		if (said->length >= length && !strncasecmp((const char *)said->bytes, *words, length))
			return true;
	}
	return false;
}

static bool has_word(const struct said *said, const char *word)
{
	size_t length = strlen(word);

	for (size_t at = 0; at + length <= said->length; at++)
		if (!strncasecmp((const char *)said->bytes + at, word, length))
			return true;
	return false;
}

/* ---- 220 ---- */

static const char *const smtp_words[] = { "EHLO ", "HELO ", "LHLO ", NULL };
/* RFC 959, 2228, 2389: what a client may begin with */
static const char *const ftp_words[] = { "USER ", "AUTH ", "FEAT\r", "SYST\r", "OPTS ", "HOST ", "PASS ", NULL };

static bool is_greeting(const struct said *said)
{
	return said->length > 3 && (said->bytes[3] == ' ' || said->bytes[3] == '-') && said_text(said, 4);
}

bool service_is_smtp_client(const struct said *said, const struct said *other)
{
	(void)other;
	return begins_with_word(said, smtp_words) && said_text(said, 5);
}

bool service_is_smtp(const struct said *said, const struct said *other)
{
	if (!is_greeting(said) || begins_with_word(other, ftp_words))
		return false;
	return begins_with_word(other, smtp_words) || has_word(said, "SMTP");
}

bool service_is_ftp(const struct said *said, const struct said *other)
{
	return is_greeting(said) && (begins_with_word(other, ftp_words) || has_word(said, "FTP"));
}

/* ---- mailboxes ---- */

/* Redis says +OK too, and then is at the end of the line. */
bool service_is_pop3(const struct said *said, const struct said *other)
{
	static const char *const words[] = { "USER ", "CAPA\r", "APOP ", "AUTH", "STLS\r", "QUIT\r", NULL };

	if (!said_text(said, 3))
		return false;
	return (said->length > 3 && said->bytes[3] == ' ') || begins_with_word(other, words);
}

bool service_is_imap(const struct said *said, const struct said *other)
{
	static const char *const words[] = { "* OK ", "* PREAUTH ", "* BYE ", NULL };

	(void)other;
	return begins_with_word(said, words) && said_text(said, 5);
}

/* ---- a word and what it is about ---- */

/* What stands after one of these words and a blank; 0: it begins with none of them. */
static size_t after_word(const struct said *said, const char *const *words)
{
	for (; *words; words++) {
		size_t length = strlen(*words);

		if (said->length > length + 1 && said->bytes[length] == ' ' && said_begins(said, *words))
			return length + 1;
	}
	return 0;
}

static bool has_at(const struct said *said, size_t at, const char *text)
{
	size_t length = strlen(text), left = said->length - at;

	/* the end of what is kept may be within it */
	return !memcmp(said->bytes + at, text, left < length ? left : length);
}

bool service_is_http_request(const struct said *said, const struct said *other)
{
	/* RFC 9110, RFC 5789, RFC 4918; the last is how HTTP/2 begins */
	static const char *const words[] = { "GET",   "HEAD",  "POST",     "PUT", "DELETE", "OPTIONS",
					     "TRACE", "PATCH", "PROPFIND", "PRI", NULL };
	static const char *const connect[] = { "CONNECT", NULL };
	size_t at = after_word(said, words);

	(void)other;
	if (after_word(said, connect))
		return said_text(said, 8);
	return at && said_text(said, at) &&
	       (said->bytes[at] == '/' || has_at(said, at, "http") || has_at(said, at, "* HTTP"));
}

/* "HTTP/1.1 200" */
bool service_is_http_answer(const struct said *said, const struct said *other)
{
	(void)other;
	return said->length >= 9 && isdigit(said->bytes[7]) && said->bytes[8] == ' ';
}

/* What servers answer to what is no request: as in HTTP/0.9, without a head. */
bool service_is_http_page(const struct said *said, const struct said *other)
{
	static const char *const words[] = { "<!DOCTYPE HTML", "<HTML>", "<HTML ", NULL };

	(void)other;
	return begins_with_word(said, words) && said_text(said, 0);
}

bool service_is_sip(const struct said *said, const struct said *other)
{
	/* RFC 3261 and what it was extended by */
	static const char *const words[] = { "INVITE", "REGISTER",  "OPTIONS", "ACK",   "BYE",
					     "CANCEL", "NOTIFY",    "MESSAGE", "INFO",  "UPDATE",
					     "PRACK",  "SUBSCRIBE", "PUBLISH", "REFER", NULL };
	size_t at = after_word(said, words);

	(void)other;
	return at && said->length >= at + 4 &&
	       (has_at(said, at, "sip:") || has_at(said, at, "sips") || has_at(said, at, "tel:"));
}

/* "RFB 003.008\n": RFC 6143 section 7.1.1 */
bool service_is_vnc(const struct said *said, const struct said *other)
{
	static const char form[] = "RFB ddd.ddd\n";

	(void)other;
	if (said->length < sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < sizeof(form) - 1; i++)
		if (form[i] == 'd' ? !isdigit(said->bytes[i]) : said->bytes[i] != (uint8_t)form[i])
			return false;
	return true;
}
