/* SPDX-License-Identifier: GPL-2.0-only */
#include "services.h"

#include "box.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void address_words(int family, const char *text, __u64 words[2])
{
	char address[FRAME_ADDRESS_TEXT];

	words[0] = words[1] = 0;
	if (inet_pton(family == 6 ? AF_INET6 : AF_INET, spec_address(family, text, address), words) != 1)
		errx(2, "%s: not an address of IPv%d", text, family);
}

/* ---- the service ---- */

static void put_backend(struct lb_service *service, uint32_t index, uint32_t place, const struct backend_spec *spec)
{
	struct lb_backend *backend = &service->backend[place];
	const char *own = strcmp(spec->addr, BOX_BACKEND_NARROW) ? BOX_BACKEND_ADDRESS : BOX_NARROW_ADDRESS;

	backend->family = spec->is_other ? (uint8_t)(10 - service->family) : service->family;
	address_words(backend->family, spec->addr, backend->addr);
	if (service->mode != LB_NAT)
		address_words(backend->family, own, backend->source);
	backend->port = htons(spec->port);
	backend->weight = spec->weight < 0 ? 0 : spec->weight ? (uint32_t)spec->weight : 1;
	backend->flags = spec->flags;
	backend->stat = SERVICE_STAT(index, place);
}

static bool takes_flows(const struct lb_backend *backend)
{
	return backend->family && backend->weight && !backend->flags;
}

void service_fill_table(struct lb_service *service)
{
	uint32_t entry = 0;

	service->available = 0;
	for (uint32_t i = 0; i < LB_BACKENDS_MAX; i++) {
		service->backend[i].share = 0;
		service->available += takes_flows(&service->backend[i]);
	}
	while (service->available && entry < LB_TABLE_SIZE)
		for (uint32_t i = 0; i < LB_BACKENDS_MAX; i++) {
			struct lb_backend *backend = &service->backend[i];

			for (uint32_t n = 0; takes_flows(backend) && n < backend->weight && entry < LB_TABLE_SIZE;
			     n++) {
				service->table[entry++] = (uint16_t)i;
				backend->share++;
			}
		}
}

struct lb_service *service_make(uint32_t index, int family, uint8_t proto, const struct service_spec *spec)
{
	static const struct backend_spec usual = { .addr = BOX_BACKEND_1, .port = SERVICE_BACKEND_PORT };
	static struct lb_service service;

	memset(&service, 0, sizeof(service));
	service.family = (uint8_t)family;
	address_words(family, spec->vip ? spec->vip : SPEC_DST, service.vip);
	service.low = spec->low || spec->high ? spec->low : SERVICE_PORT;
	service.high = spec->high ? spec->high : service.low;
	service.proto = spec->proto ? spec->proto : proto;
	service.mode = (uint8_t)spec->mode;
	service.affinity = spec->affinity;
	if (!spec->backends[0].addr)
		put_backend(&service, index, service.backends++, &usual);
	for (uint32_t i = 0; i < SERVICE_BACKENDS && spec->backends[i].addr; i++)
		put_backend(&service, index, service.backends++, &spec->backends[i]);
	service_fill_table(&service);
	return &service;
}

void service_store(const struct fixture *fixture, uint32_t index, const struct lb_service *service)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	int inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "service", sizeof(uint32_t), sizeof(*service), 1, &options);
	uint32_t zero = 0;

	if (inner < 0 || bpf_map_update_elem(inner, &zero, service, BPF_ANY) ||
	    bpf_map_update_elem(fixture->services, &index, &inner, BPF_ANY))
		err(2, LB_SERVICES);
	close(inner);
}

/* ---- the indexes ---- */

/* A range of ports must be one block. */
static struct lb_vip vip_of(const struct lb_service *service)
{
	struct lb_vip vip = { .prefix_len = LB_VIP_BITS + 16, .family = service->family, .proto = service->proto };

	for (uint32_t size = (uint32_t)service->high - service->low + 1; size > 1; size /= 2)
		vip.prefix_len--;
	memcpy(vip.addr, service->vip, sizeof(vip.addr));
	vip.port[0] = (uint8_t)(service->low >> 8);
	vip.port[1] = (uint8_t)service->low;
	return vip;
}

/* Whether the backend, and as which end, tells the service. */
static bool end_of(const struct lb_service *service, uint32_t place, struct lb_end *end)
{
	const struct lb_backend *backend = &service->backend[place];
	bool is_one_port = service->low == service->high;

	*end = (struct lb_end){ .addr = { backend->addr[0], backend->addr[1] },
				.port = backend->port,
				.proto = service->proto,
				.family = service->family };
	if (is_one_port && !backend->port)
		end->port = htons(service->low);
	return service->mode == LB_NAT && backend->family && (is_one_port || !backend->port);
}

static void ends_put(const struct fixture *fixture, uint32_t index, const struct lb_service *service)
{
	struct lb_end end;

	for (uint32_t place = 0; place < service->backends; place++) {
		uint32_t where = lb_where(index, place), known;

		if (!end_of(service, place, &end))
			continue;
		if (!bpf_map_lookup_elem(fixture->backends, &end, &known) && (known & 0xffff) != index)
			where = LB_AMBIGUOUS;
		if (bpf_map_update_elem(fixture->backends, &end, &where, BPF_ANY))
			err(2, LB_BACKENDS);
	}
}

void service_put(const struct fixture *fixture, uint32_t index, int family, uint8_t proto,
		 const struct service_spec *spec)
{
	const struct lb_service *service = service_make(index, family, proto, spec);
	struct lb_vip vip = vip_of(service);

	service_store(fixture, index, service);
	if (bpf_map_update_elem(fixture->vips, &vip, &index, BPF_ANY))
		err(2, LB_VIPS);
	ends_put(fixture, index, service);
}

void service_delete(const struct fixture *fixture, uint32_t index, int family, uint8_t proto,
		    const struct service_spec *spec)
{
	struct lb_service *service = service_make(index, family, proto, spec);
	struct lb_vip vip = vip_of(service);
	struct lb_end end;

	if (bpf_map_delete_elem(fixture->vips, &vip))
		err(2, LB_VIPS);
	for (uint32_t place = 0; place < service->backends; place++)
		if (end_of(service, place, &end) && bpf_map_delete_elem(fixture->backends, &end))
			err(2, LB_BACKENDS);
	if (bpf_map_delete_elem(fixture->services, &index))
		err(2, LB_SERVICES);
}

struct lb_stat service_stat(const struct fixture *fixture, uint32_t stat)
{
	struct lb_stat sum = { 0 }, *each;
	int cpus = libbpf_num_possible_cpus();

	each = calloc((size_t)cpus, sizeof(*each));
	if (!each || bpf_map_lookup_elem(fixture->stats, &stat, each))
		err(2, LB_STATS);
	for (int i = 0; i < cpus; i++) {
		sum.flows += each[i].flows;
		for (int direction = 0; direction < 2; direction++) {
			sum.packets[direction] += each[i].packets[direction];
			sum.bytes[direction] += each[i].bytes[direction];
		}
	}
	free(each);
	return sum;
}
