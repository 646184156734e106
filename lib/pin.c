/* SPDX-License-Identifier: GPL-2.0-only */
#include "pin_internal.h"

#include "netlink.h"
#include "trust.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

/* The object file of maps, for messages. */
static const char *object_of(enum pins_of of)
{
	static const char *const objects[] = {
		[PINS_SHARED] = "an object of splicer",
		[PINS_SPLICER] = "splicer.o",
		[PINS_XDP] = "xdp_filter.o",
		[PINS_LB] = "lb.o",
		[PINS_FLOW] = "flow.o",
	};

	return objects[of];
}

static void pin_path(const struct pins *pins, const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s", pins->dir, name);
}

/* The ABI number of maps of another version in the directory, or 0. */
static unsigned int foreign_abi(const struct pins *pins)
{
	DIR *dir = opendir(pins->dir);
	unsigned int found = 0, abi;
	struct dirent *entry;

	if (!dir)
		return 0;
	while (!found && (entry = readdir(dir)))
		if ((sscanf(entry->d_name, "splicer%u_", &abi) == 1 || sscanf(entry->d_name, "xdp%u_", &abi) == 1 ||
		     sscanf(entry->d_name, "lb%u_", &abi) == 1 || sscanf(entry->d_name, "flow%u_", &abi) == 1) &&
		    abi != SPLICER_ABI)
			found = abi;
	closedir(dir);
	return found;
}

static int pin_missing(const struct pins *pins, const struct pin_shape *shape, const char *path, struct error *error)
{
	unsigned int abi;

	if (errno != ENOENT)
		return error_errno(error, path);
	abi = foreign_abi(pins);
	errno = ENOENT;
	if (abi)
		return error_state(error, pins->dir, "the maps there are of ABI %u, this tool speaks ABI %u", abi,
				   SPLICER_ABI);
	return error_state(error, path, "not pinned; is %s attached to an interface",
			   object_of(shape->of == PINS_SHARED ? pins->of : shape->of));
}

/* libbpf reuses any pinned map of equal shape silently, so a wrong one is told apart here, with both shapes. */
static int shape_check(int fd, const struct pin_shape *want, const char *path, struct error *error)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return error_errno(error, path);
	if (info.type == want->type && info.key_size == want->key_size && info.value_size == want->value_size &&
	    info.max_entries == want->max_entries && info.map_flags == want->flags)
		return 0;
	return error_state(error, path,
			   "a map of another kind: type %u key %u value %u entries %u flags %#x, "
			   "expected type %u key %u value %u entries %u flags %#x",
			   info.type, info.key_size, info.value_size, info.max_entries, info.map_flags, want->type,
			   want->key_size, want->value_size, want->max_entries, want->flags);
}

bool pin_is_there(const struct pins *pins, const struct pin_shape *shape)
{
	return !faccessat(pins->dir_fd, shape->name, F_OK, 0);
}

int pin_open(const struct pins *pins, const struct pin_shape *shape, struct error *error)
{
	char path[PATH_MAX];
	int fd;

	pin_path(pins, shape->name, path);
	if (trust_pin(path, error))
		return errno == ENOENT ? pin_missing(pins, shape, path, error) : -1;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return pin_missing(pins, shape, path, error);
	if (shape_check(fd, shape, path, error)) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	return fd;
}

#define OPEN_ATTEMPTS 100

/* It may be swapped and freed between reading its id and opening it. */
int pin_inner_open(int outer, uint32_t slot)
{
	__u32 id;

	for (int attempt = 0; attempt < OPEN_ATTEMPTS; attempt++) {
		int fd;

		if (bpf_map_lookup_elem(outer, &slot, &id))
			return -1;
		fd = bpf_map_get_fd_by_id(id);
		if (fd >= 0 || errno != ENOENT)
			return fd;
	}
	return -1;
}

/* A foreign map is refused before the first write to any; that one is missing is said only where none is foreign. */
static int shapes_check(const struct pins *pins, struct error *error)
{
	struct error missing = { 0 };

	for (const struct pin_shape *const *shape = pin_shapes; *shape; shape++) {
		bool needed = (*shape)->of == PINS_SHARED || (*shape)->of == pins->of;
		int fd;

		/* to say why it is missing would cost more than all that follows */
		if (!needed && !pin_is_there(pins, *shape))
			continue;
		fd = pin_open(pins, *shape, error);
		if (fd < 0 && errno != ENOENT)
			return -1;
		if (fd < 0 && !missing.exit && needed)
			missing = *error;
		if (fd >= 0)
			close(fd);
	}
	if (missing.exit)
		*error = missing;
	return missing.exit ? -1 : 0;
}

static int unread_check(const struct pins *pins, struct error *error)
{
	char path[PATH_MAX];

	for (const char *const *name = pin_unread; *name; name++) {
		pin_path(pins, *name, path);
		if (trust_pin(path, error) && errno != ENOENT)
			return -1;
	}
	return 0;
}

int pin_id(const struct pins *pins, const struct pin_shape *shape, uint32_t *id, struct error *error)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	int fd = pin_open(pins, shape, error), result = 0;

	if (fd < 0)
		return -1;
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		result = error_errno(error, shape->name);
	close(fd);
	*id = info.id;
	return result;
}

int pins_id(const struct pins *pins, uint32_t *id, struct error *error)
{
	return pin_id(pins, &pin_config, id, error);
}

static size_t pin_bytes(const struct pin_shape *shape)
{
	return (size_t)shape->value_size * shape->max_entries;
}

void *pin_map(const struct pins *pins, const struct pin_shape *shape, struct error *error)
{
	int fd = pin_open(pins, shape, error);
	void *memory;

	if (fd < 0)
		return NULL;
	memory = mmap(NULL, pin_bytes(shape), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (memory != MAP_FAILED)
		return memory;
	error_errno(error, shape->name);
	return NULL;
}

void pin_unmap(const struct pin_shape *shape, void *memory)
{
	if (memory)
		munmap(memory, pin_bytes(shape));
}

/* Interface indices repeat between namespaces: rules of one would decide the packets of another. */
static int namespace_check(const struct pins *pins, bool claim, struct error *error)
{
	__u64 recorded = 0;
	uint64_t own;

	if (netlink_namespace(&own, error))
		return -1;
	if (claim)
		__atomic_compare_exchange_n(&pins->config->netns_cookie, &recorded, own, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST);
	recorded = __atomic_load_n(&pins->config->netns_cookie, __ATOMIC_SEQ_CST);
	if (!recorded)
		return 0;
	if (recorded == own)
		return 0;
	return error_state(
		error, pins->dir,
		"these maps belong to another network namespace; if that is gone, remove the pins and attach "
		"again");
}

static int pins_use(struct pins *pins, bool claim, struct error *error)
{
	if (unread_check(pins, error) || shapes_check(pins, error))
		return -1;
	pins->config = pin_map(pins, &pin_config, error);
	return pins->config ? namespace_check(pins, claim, error) : -1;
}

int pins_open(struct pins *pins, const char *dir, enum pins_of of, bool claim, struct error *error)
{
	*pins = (struct pins){ .dir = dir, .of = of };
	pins->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (pins->dir_fd < 0 && errno == ENOENT)
		return error_state(error, dir, "no such directory; is %s attached to an interface", object_of(of));
	if (pins->dir_fd < 0)
		return error_errno(error, dir);
	if (!trust_directory(pins->dir_fd, dir, error) && !pins_use(pins, claim, error))
		return 0;
	pins_close(pins);
	return -1;
}

void pins_close(struct pins *pins)
{
	pin_unmap(&pin_config, pins->config);
	pins->config = NULL;
	close(pins->dir_fd);
}

int pins_lock(const struct pins *pins, struct error *error)
{
	while (flock(pins->dir_fd, LOCK_EX)) {
		if (errno != EINTR)
			return error_errno(error, pins->dir);
	}
	return 0;
}

void pins_unlock(const struct pins *pins)
{
	flock(pins->dir_fd, LOCK_UN);
}
