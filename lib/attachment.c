/* SPDX-License-Identifier: GPL-2.0-only */
#include "attachment.h"

#include "table.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than any program of splicer uses. */
#define PROGRAM_MAPS_MAX 64

/* As the entry functions of the objects are called; the kernel keeps BPF_OBJ_NAME_LEN bytes. */
static const struct {
	const char *name;
	enum attachment_object object;
} programs[] = {
	{ "splicer_ingress", ATTACH_SPLICER }, { "splicer_egress", ATTACH_SPLICER },
	{ "lb_ingress", ATTACH_LB },           { "lb_egress", ATTACH_LB },
	{ "flow_ingress", ATTACH_FLOW },       { "flow_egress", ATTACH_FLOW },
};

/* A pinned map that every program of the object uses. */
static const struct pin_shape *const marks[] = {
	[ATTACH_SPLICER] = &pin_config,
	[ATTACH_LB] = &pin_config,
	[ATTACH_FLOW] = &pin_flow_sessions,
};

enum program { PROGRAM_OURS, PROGRAM_STALE, PROGRAM_OTHER };

struct search {
	struct table found;
	enum attachment_object object;
	uint32_t mark_id; /* of the object's pinned map; 0: there is none, and so no program that uses it */
	uint32_t *clsact; /* of netlink_clsact: interfaces that have an egress hook */
	size_t clsact_count;
};

/* Whose program it is by its name; one that has another name is splicer's if it uses our maps. */
static bool name_is_known(const char *name, enum attachment_object *object)
{
	*object = ATTACH_SPLICER;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (!strcmp(name, programs[i].name)) {
			*object = programs[i].object;
			return true;
		}
	return false;
}

static int program_classify(int fd, const struct search *search, enum program *program)
{
	enum attachment_object object;
	uint32_t maps[PROGRAM_MAPS_MAX] = { 0 };
	struct bpf_prog_info info = { .nr_map_ids = PROGRAM_MAPS_MAX, .map_ids = (uintptr_t)maps };
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -1;
	*program = name_is_known(info.name, &object) ? PROGRAM_STALE : PROGRAM_OTHER;
	for (uint32_t i = 0; i < info.nr_map_ids && i < PROGRAM_MAPS_MAX; i++)
		if (maps[i] == search->mark_id)
			*program = PROGRAM_OURS;
	if (object != search->object)
		*program = PROGRAM_OTHER;
	return 0;
}

/* A program that went since the filter was read is none of the object's. */
static int program_read(uint32_t id, const struct search *search, enum program *program)
{
	int fd = bpf_prog_get_fd_by_id(id), result;

	*program = PROGRAM_OTHER;
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	result = program_classify(fd, search, program);
	close(fd);
	return result;
}

static int filter_take(struct search *search, uint32_t ifindex, enum attachment_hook hook,
		       const struct bpf_filter *filter)
{
	struct attachment attachment = {
		.ifindex = ifindex,
		.hook = hook,
		.prio = filter->prio,
		.handle = filter->handle,
		.prog_id = filter->prog_id,
	};
	enum program program;

	/* Without it a verdict counts for nothing. */
	if (!filter->direct_action)
		return 0;
	if (program_read(filter->prog_id, search, &program))
		return -1;
	if (program == PROGRAM_OTHER)
		return 0;
	attachment.ours = program == PROGRAM_OURS;
	memcpy(attachment.name, filter->name, sizeof(attachment.name));
	return table_add(&search->found, &attachment);
}

static int hook_read(struct search *search, uint32_t ifindex, enum attachment_hook hook, struct error *error)
{
	struct bpf_filter *filters;
	size_t count;
	int result = 0;

	if (netlink_bpf_filters(ifindex, hook == ATTACH_INGRESS ? FILTER_INGRESS : FILTER_EGRESS, &filters, &count,
				error))
		return -1;
	for (size_t i = 0; i < count && !result; i++)
		if (filter_take(search, ifindex, hook, &filters[i]))
			result = error_errno(error, "attached program");
	free(filters);
	return result;
}

static bool has_clsact(const struct search *search, uint32_t ifindex)
{
	const struct table table = {
		.items = (uint8_t *)search->clsact,
		.size = sizeof(*search->clsact),
		.count = search->clsact_count,
	};

	return table_match(&table, table_search(&table, ifindex), ifindex) != NULL;
}

static int interfaces_read(struct search *search, struct error *error)
{
	struct if_nameindex *names = if_nameindex(), *at;
	int result = 0;

	if (!names)
		return error_errno(error, "interface list");
	for (at = names; at->if_index && !result; at++)
		if (hook_read(search, at->if_index, ATTACH_INGRESS, error) ||
		    (has_clsact(search, at->if_index) && hook_read(search, at->if_index, ATTACH_EGRESS, error)))
			result = -1;
	if_freenameindex(names);
	return result;
}

static int attachment_order(const void *left, const void *right)
{
	const struct attachment *a = left, *b = right;

	if (a->ifindex != b->ifindex)
		return a->ifindex < b->ifindex ? -1 : 1;
	if (a->hook != b->hook)
		return a->hook < b->hook ? -1 : 1;
	if (a->prio != b->prio)
		return a->prio < b->prio ? -1 : 1;
	return (a->handle > b->handle) - (a->handle < b->handle);
}

/* Of an object that was never attached nothing is pinned. */
static int mark_read(const struct pins *pins, struct search *search, struct error *error)
{
	const struct pin_shape *mark = marks[search->object];

	return pin_is_there(pins, mark) ? pin_id(pins, mark, &search->mark_id, error) : 0;
}

int attachments_read(const struct pins *pins, enum attachment_object object, struct attachments *out,
		     struct error *error)
{
	struct search search = { .found.size = sizeof(struct attachment), .object = object };
	int failed;

	memset(out, 0, sizeof(*out));
	failed = mark_read(pins, &search, error) || netlink_clsact(&search.clsact, &search.clsact_count, error) ||
		 interfaces_read(&search, error);
	free(search.clsact);
	if (failed) {
		free(search.found.items);
		return -1;
	}
	out->items = (struct attachment *)search.found.items;
	out->count = search.found.count;
	if (out->count)
		qsort(out->items, out->count, sizeof(*out->items), attachment_order);
	return 0;
}

int attachment_open(const struct attachment *attachment, struct error *error)
{
	char name[IF_NAMESIZE] = "?";
	int fd = bpf_prog_get_fd_by_id(attachment->prog_id), saved = errno;

	if (fd >= 0)
		return fd;
	if_indextoname(attachment->ifindex, name);
	errno = saved;
	if (errno == ENOENT)
		return error_state(error, name, "the attached program is gone");
	return error_errno(error, name);
}
