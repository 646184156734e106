/* SPDX-License-Identifier: GPL-2.0-only */
#include "lookuplink.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMESPACE "/proc/self/ns/net"

static void link_path(const struct pins *pins, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s", pins->dir, SPLICER_LOOKUP_LINK);
}

static void tell(const struct pins *pins, uint32_t linked)
{
	__atomic_store_n(&pins->config->lookup_linked, linked, __ATOMIC_SEQ_CST);
}

/* ---- reading ---- */

/* A map or a program answers BPF_OBJ_GET_INFO_BY_FD as well, in words of its own. */
static bool is_link(int fd)
{
	char path[32], text[64];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	length = readlink(path, text, sizeof(text) - 1);
	if (length < 0)
		return false;
	text[length] = '\0';
	return strstr(text, "bpf_link") || strstr(text, "bpf-link");
}

static int program_read(struct lookup_link *link, struct error *error)
{
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(link->prog_id), result = 0;

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		result = error_errno(error, "linked program");
	else
		memcpy(link->tag, info.tag, sizeof(link->tag));
	snprintf(link->program, sizeof(link->program), "%s", info.name);
	if (fd >= 0)
		close(fd);
	return result;
}

/* By what the kernel says of the link; whether the packet program was told says the rest. */
static int state_find(struct lookup_link *link, bool told, struct error *error)
{
	struct stat own;

	if (stat(NAMESPACE, &own))
		return error_errno(error, NAMESPACE);
	if (!link->netns)
		link->state = LOOKUP_DEAD;
	else if (link->netns != own.st_ino)
		link->state = LOOKUP_FOREIGN;
	else
		link->state = told ? LOOKUP_LINKED : LOOKUP_INCOMPLETE;
	return 0;
}

static int link_read(struct lookup_link *link, const char *path, bool told, struct error *error)
{
	struct bpf_link_info info = { 0 };
	uint32_t size = sizeof(info);

	if (!is_link(link->fd))
		return error_state(error, path, "not a link");
	if (bpf_obj_get_info_by_fd(link->fd, &info, &size))
		return error_errno(error, path);
	if (info.type != BPF_LINK_TYPE_NETNS || info.netns.attach_type != BPF_SK_LOOKUP)
		return error_state(error, path, "a link of another kind");
	link->id = info.id;
	link->prog_id = info.prog_id;
	link->netns = info.netns.netns_ino;
	return program_read(link, error) ? -1 : state_find(link, told, error);
}

int lookup_link_open(const struct pins *pins, struct lookup_link *link, struct error *error)
{
	bool told = __atomic_load_n(&pins->config->lookup_linked, __ATOMIC_SEQ_CST);
	char path[PATH_MAX];

	memset(link, 0, sizeof(*link));
	link_path(pins, path);
	link->fd = bpf_obj_get(path);
	if (link->fd < 0 && errno != ENOENT)
		return error_errno(error, path);
	if (link->fd < 0) {
		link->state = told ? LOOKUP_LOST : LOOKUP_NONE;
		return 0;
	}
	if (!link_read(link, path, told, error))
		return 0;
	lookup_link_close(link);
	return -1;
}

void lookup_link_close(struct lookup_link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
}

const char *lookup_state_name(enum lookup_state state)
{
	static const char *const names[] = {
		[LOOKUP_NONE] = "none", [LOOKUP_LINKED] = "linked", [LOOKUP_INCOMPLETE] = "incomplete",
		[LOOKUP_LOST] = "lost", [LOOKUP_DEAD] = "dead",     [LOOKUP_FOREIGN] = "foreign",
	};

	return names[state];
}

bool lookup_link_is_live(const struct lookup_link *link)
{
	return link->state == LOOKUP_LINKED || link->state == LOOKUP_INCOMPLETE;
}

/* ---- changing ---- */

int lookup_link_check(const struct pins *pins, const struct lookup_link *link, struct error *error)
{
	char path[PATH_MAX];

	link_path(pins, path);
	if (link->state != LOOKUP_FOREIGN)
		return 0;
	return error_state(error, path, "linked to another network namespace (net:[%u]), which is alive", link->netns);
}

/* Until it is pinned the link goes with this process. */
static int link_create(const char *path, int prog_fd, struct error *error)
{
	int namespace = open(NAMESPACE, O_RDONLY | O_CLOEXEC), fd, result = 0;

	if (namespace < 0)
		return error_errno(error, NAMESPACE);
	fd = bpf_link_create(prog_fd, namespace, BPF_SK_LOOKUP, NULL);
	if (fd < 0)
		result = error_errno(error, "link to the network namespace");
	else if (bpf_obj_pin(fd, path))
		result = error_errno(error, path);
	if (fd >= 0)
		close(fd);
	close(namespace);
	return result;
}

static int pin_remove(const char *path, struct error *error)
{
	return unlink(path) && errno != ENOENT ? error_errno(error, path) : 0;
}

void lookup_link_settle(const struct pins *pins, const struct lookup_link *link)
{
	if (link->state == LOOKUP_LOST || link->state == LOOKUP_DEAD)
		tell(pins, 0);
}

int lookup_link_put(const struct pins *pins, const struct lookup_link *link, int prog_fd, struct error *error)
{
	char path[PATH_MAX];

	link_path(pins, path);
	lookup_link_settle(pins, link);
	if (lookup_link_is_live(link)) {
		if (prog_fd >= 0 && bpf_link_update(link->fd, prog_fd, NULL))
			return error_errno(error, path);
	} else if (pin_remove(path, error) || link_create(path, prog_fd, error)) {
		return -1;
	}
	tell(pins, 1);
	return 0;
}

/* Detached by its descriptor, as the kernel is free to take its time when the last pin goes. */
int lookup_link_remove(const struct pins *pins, const struct lookup_link *link, struct error *error)
{
	char path[PATH_MAX];

	link_path(pins, path);
	tell(pins, 0);
	if (lookup_link_is_live(link) && bpf_link_detach(link->fd))
		return error_errno(error, path);
	return link->fd < 0 ? 0 : pin_remove(path, error);
}
