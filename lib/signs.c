/* SPDX-License-Identifier: GPL-2.0-only */
#include "signs.h"

#include "profile.h"
#include "repeats.h"

#include <string.h>
#include <sys/random.h>

/* ---- opened and closed ---- */

int signs_open(struct signs *signs, struct error *error)
{
	*signs = (struct signs){ .repeats = repeats_new() };
	for (int kind = 0; kind < SIGN_KINDS; kind++) {
		signs->wanted[kind] = true;
		for (int i = 0; i < SIGN_SETTINGS_MAX; i++)
			signs->settings[kind][i] = sign_rows[kind].settings[i].value;
	}
	if (!signs->repeats || getrandom(&signs->seed, sizeof(signs->seed), 0) != sizeof(signs->seed))
		return error_errno(error, "signs");
	return 0;
}

void signs_close(struct signs *signs)
{
	repeats_free(signs->repeats);
	ledger_clear(&signs->beats);
	ledger_clear(&signs->usual);
	ledger_clear(&signs->talkers);
	signs->repeats = NULL;
}

/* ---- looked for and found ---- */

int signs_look(struct signs *signs, const struct moment *moment, struct error *error)
{
	for (int kind = 0; kind < SIGN_KINDS; kind++) {
		const struct sign_row *row = &sign_rows[kind];

		if (!signs->wanted[kind] || (row->needs_profile && !signs->against && !signs->learn))
			continue;
		if (row->look(signs, moment, error))
			return -1;
	}
	return 0;
}

static const struct spread *learned(const struct signs *signs, enum sign_kind kind)
{
	return signs->against ? profile_observed(signs->against, kind) : NULL;
}

double sign_expected(const struct signs *signs, enum sign_kind kind, double otherwise)
{
	const struct spread *usual = learned(signs, kind);

	return usual ? usual->mean : otherwise;
}

void sign_judge(struct signs *signs, const struct moment *moment, struct sign *sign, bool is_sign)
{
	const struct spread *usual = learned(signs, sign->kind);

	if (signs->learn) {
		if (moment->is_last_of_window)
			profile_observe(signs->learn, sign->kind, sign->observed);
		return;
	}
	if (!is_sign || (usual && sign->observed <= usual->most))
		return;
	if (usual && sign->threshold < usual->most)
		sign->threshold = usual->most;
	sign_found(signs, moment, sign);
}

static struct repeat_key subject_of(const struct sign *sign)
{
	struct repeat_key key = {
		.kind = (uint16_t)sign->kind,
		.dport = sign->has_dport ? sign->dport : 0,
		.proto = (uint16_t)sign->proto,
		.service = (uint16_t)sign->service,
		.family = sign->family,
		.parts = (uint8_t)(sign->has_src | sign->has_dst << 1 | sign->has_dport << 2),
	};

	if (sign->has_src)
		memcpy(key.src, sign->src, sizeof(key.src));
	if (sign->has_dst)
		memcpy(key.dst, sign->dst, sizeof(key.dst));
	return key;
}

void sign_found(struct signs *signs, const struct moment *moment, const struct sign *sign)
{
	const struct repeat_key key = subject_of(sign);
	struct sign said = *sign;

	if (signs->learn || !repeats_take(signs->repeats, &key, moment->now, signs->again))
		return;
	if (!said.until) {
		said.since = moment->now > moment->window ? moment->now - moment->window : 0;
		said.until = moment->now;
	}
	signs->take(signs->context, &said);
}

struct sign sign_of(enum sign_kind kind, const struct contact *contact, unsigned int parts)
{
	struct sign sign = {
		.kind = kind,
		.family = contact->family,
		.has_src = parts & SIGN_OF_SRC,
		.has_dst = parts & SIGN_OF_DST,
		.has_dport = parts & SIGN_OF_DPORT && contact->dport,
		.dport = contact->dport,
		.proto = parts & SIGN_OF_PROTO ? (int16_t)contact->proto : -1,
		.service = parts & SIGN_OF_SERVICE ? contact->service : SERVICE_NONE,
		.ifindex = contact->ifindex,
	};

	memcpy(sign.src, contact->src, sizeof(sign.src));
	memcpy(sign.dst, contact->dst, sizeof(sign.dst));
	return sign;
}
