/* SPDX-License-Identifier: GPL-2.0-only */
#include "usermap.h"

#include "trust.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Objects of BPF have pointers of 8 bytes on every machine. */
#define POINTER_BYTES 8

enum way { WAY_NONE, WAY_HASH, WAY_ARRAY, WAY_MAPS };

/* By enum bpf_map_type. */
static const struct {
	const char *name, *reason;
	enum way way;
	bool per_cpu;
} kinds[] = {
	[BPF_MAP_TYPE_HASH] = { "hash", .way = WAY_HASH },
	[BPF_MAP_TYPE_ARRAY] = { "array", .way = WAY_ARRAY },
	[BPF_MAP_TYPE_PROG_ARRAY] = { "prog_array", "it holds programs" },
	[BPF_MAP_TYPE_PERF_EVENT_ARRAY] = { "perf_event_array", "it holds no values, programs write to who follows" },
	[BPF_MAP_TYPE_PERCPU_HASH] = { "percpu_hash", .way = WAY_HASH, .per_cpu = true },
	[BPF_MAP_TYPE_PERCPU_ARRAY] = { "percpu_array", .way = WAY_ARRAY, .per_cpu = true },
	[BPF_MAP_TYPE_STACK_TRACE] = { "stack_trace", "it holds stacks of the kernel" },
	[BPF_MAP_TYPE_CGROUP_ARRAY] = { "cgroup_array", "it holds control groups" },
	[BPF_MAP_TYPE_LRU_HASH] = { "lru_hash", .way = WAY_HASH },
	[BPF_MAP_TYPE_LRU_PERCPU_HASH] = { "lru_percpu_hash", .way = WAY_HASH, .per_cpu = true },
	[BPF_MAP_TYPE_LPM_TRIE] = { "lpm_trie", .way = WAY_HASH },
	[BPF_MAP_TYPE_ARRAY_OF_MAPS] = { "array_of_maps", .way = WAY_MAPS },
	[BPF_MAP_TYPE_HASH_OF_MAPS] = { "hash_of_maps", .way = WAY_MAPS },
	[BPF_MAP_TYPE_DEVMAP] = { "devmap", "it holds interfaces" },
	[BPF_MAP_TYPE_SOCKMAP] = { "sockmap", "it holds sockets" },
	[BPF_MAP_TYPE_CPUMAP] = { "cpumap", "it holds CPUs" },
	[BPF_MAP_TYPE_XSKMAP] = { "xskmap", "it holds sockets" },
	[BPF_MAP_TYPE_SOCKHASH] = { "sockhash", "it holds sockets" },
	[BPF_MAP_TYPE_CGROUP_STORAGE] = { "cgroup_storage", "the kernel does not list it by keys alone" },
	[BPF_MAP_TYPE_REUSEPORT_SOCKARRAY] = { "reuseport_sockarray", "it holds sockets" },
	[BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE] = { "percpu_cgroup_storage", "the kernel does not list it by keys alone" },
	/* nor does the kernel take BTF for these two */
	[BPF_MAP_TYPE_QUEUE] = { "queue", "its entries can only be taken off" },
	[BPF_MAP_TYPE_STACK] = { "stack", "its entries can only be taken off" },
	[BPF_MAP_TYPE_SK_STORAGE] = { "sk_storage", "the kernel does not list it by keys alone" },
	[BPF_MAP_TYPE_DEVMAP_HASH] = { "devmap_hash", "it holds interfaces" },
	[BPF_MAP_TYPE_STRUCT_OPS] = { "struct_ops", "it holds functions" },
	[BPF_MAP_TYPE_RINGBUF] = { "ringbuf", "its records are for who follows them" },
	[BPF_MAP_TYPE_INODE_STORAGE] = { "inode_storage", "the kernel does not list it by keys alone" },
	[BPF_MAP_TYPE_TASK_STORAGE] = { "task_storage", "the kernel does not list it by keys alone" },
	[BPF_MAP_TYPE_BLOOM_FILTER] = { "bloom_filter", "it holds no entries, only whether one was put in" },
	[BPF_MAP_TYPE_USER_RINGBUF] = { "user_ringbuf", "its records are for programs" },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const char *usermap_kind(uint32_t type)
{
	return type < KINDS ? kinds[type].name : NULL;
}

/* ---- what is at the path ---- */

static int place_check(const char *path, struct error *error)
{
	struct statfs system;
	struct stat status;

	if (stat(path, &status) || statfs(path, &system))
		return error_errno(error, path);
	if (S_ISDIR(status.st_mode))
		return error_state(error, path, "is a directory, not a pinned map");
	/* of several widths, signed or not */
	if ((uint32_t)system.f_type != (uint32_t)BPF_FS_MAGIC)
		return error_state(error, path, "is not in a bpf file system, so it is no pinned map");
	return 0;
}

/* The kernel names them "anon_inode:bpf-map", "...bpf-prog" and "...bpf_link". */
static int kind_check(const char *path, int fd, struct error *error)
{
	char link[64], target[64];
	ssize_t size;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	size = readlink(link, target, sizeof(target) - 1);
	if (size < 0)
		return error_errno(error, link);
	target[size] = '\0';
	if (strstr(target, "prog"))
		return error_state(error, path, "is a pinned program, not a map");
	if (strstr(target, "link"))
		return error_state(error, path, "is a pinned link, not a map");
	return 0;
}

static int fd_open(struct usermap *map, struct error *error)
{
	__u32 size = sizeof(map->info);

	if (place_check(map->path, error) || trust_path(map->path, error))
		return -1;
	map->fd = bpf_obj_get(map->path);
	if (map->fd < 0)
		return error_errno(error, map->path);
	if (kind_check(map->path, map->fd, error))
		return -1;
	return bpf_obj_get_info_by_fd(map->fd, &map->info, &size) ? error_errno(error, map->path) : 0;
}

/* ---- how it is read ---- */

static int way_find(struct usermap *map, struct error *error)
{
	uint32_t type = map->info.type;
	int cpus;

	if (type >= KINDS || !kinds[type].name)
		return error_state(error, map->path, "is a map of type %u, which this tool does not know", type);
	if (kinds[type].way == WAY_NONE)
		return error_state(error, map->path, "is a map of type %s: %s", kinds[type].name, kinds[type].reason);
	map->of_maps = kinds[type].way == WAY_MAPS;
	map->is_array = kinds[type].way == WAY_ARRAY;
	map->per_cpu = kinds[type].per_cpu;
	map->copies = 1;
	map->stride = map->info.value_size;
	if (!map->per_cpu)
		return 0;
	cpus = libbpf_num_possible_cpus();
	if (cpus < 1)
		return error_state(error, map->path, "the number of CPUs is not known: %s", strerror(-cpus));
	map->copies = (uint32_t)cpus;
	map->stride = (map->info.value_size + 7ul) / 8 * 8;
	return 0;
}

static int types_load(struct usermap *map, struct error *error)
{
	const struct bpf_map_info *info = &map->info;

	if (!info->btf_id || !info->btf_value_type_id)
		return error_state(
			error, map->path,
			"has no BTF: compile its program with clang -g, and define it in SEC(\".maps\") with "
			"__type(key, ...) and __type(value, ...)");
	map->btf = btf__load_from_kernel_by_id(info->btf_id);
	if (!map->btf)
		return error_state(error, map->path, "its BTF cannot be read: %s", strerror(errno));
	btf__set_pointer_size(map->btf, POINTER_BYTES);
	map->key_type = info->btf_key_type_id;
	map->value_type = info->btf_value_type_id;
	if (map->key_type && btf_value_check(map->btf, map->key_type, info->key_size, map->path, error))
		return -1;
	return btf_value_check(map->btf, map->value_type, info->value_size, map->path, error);
}

int usermap_open(struct usermap *map, const char *path, struct error *error)
{
	*map = (struct usermap){ .path = path, .fd = -1 };
	if (fd_open(map, error) || way_find(map, error))
		return -1;
	return map->of_maps ? 0 : types_load(map, error);
}

void usermap_close(struct usermap *map)
{
	btf__free(map->btf);
	if (map->fd >= 0)
		close(map->fd);
	*map = (struct usermap){ .fd = -1 };
}

int usermap_fields(const struct usermap *map, struct btf_fields *fields, struct error *error)
{
	if (map->key_type && btf_fields_add(fields, map->btf, map->key_type, "key", true, error))
		return -1;
	return btf_fields_add(fields, map->btf, map->value_type, "value", false, error);
}

int usermap_each(const struct usermap *map, map_callback *take, void *context)
{
	return map_each(map->fd, map->info.key_size, usermap_value_bytes(map), take, context);
}
