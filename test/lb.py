"""Maps of lb.o (bpf/abi/lb.h) read and written through bpf(2) itself; says what they should be by ways of its own.

python3 test/lb.py check [DIR]             that services are whole and the indexes what they ask for; prints what is not so
python3 test/lb.py table NAME [DIR]        which backend each entry of a service leads to, as one hash; NAME as in --save
python3 test/lb.py where NAME [DIR]        its index, and of each backend its place and its index of LB_STATS
python3 test/lb.py ends [DIR]              what LB_BACKENDS has: proto, address, port, service or ambiguous
python3 test/lb.py way ADDRESS PORT PROTO  the service that LB_VIPS has for a packet there
python3 test/lb.py count NAME BACKEND PACKETS,BACK BYTES,BACK FLOWS      adds to its counters
python3 test/lb.py flow TABLE NAME BACKEND NUMBER STATE IDLE [KIND]      a flow in a table, from client port NUMBER
python3 test/lb.py fill TABLE NAME BACKEND COUNT [PORT]    that many established ones, both directions, each a millisecond younger
python3 test/lb.py flows TABLE             what it has: forward, reply or direct, from, to; sorted
python3 test/lb.py entries TABLE           all bytes of them, sorted; no times and routes, and sums as 16 bits
python3 test/lb.py forget                  all flows
python3 test/lb.py wreck                   takes an entry out of each index, and puts one that nobody asks for in
"""

import ctypes
import hashlib
import ipaddress
import mmap
import os
import struct
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from arena import MAP_GET_FD_BY_ID, MAP_LOOKUP_ELEM, OBJ_GET, bpf  # noqa: E402

# include/uapi/linux/bpf.h, enum bpf_cmd
MAP_UPDATE_ELEM, MAP_DELETE_ELEM, MAP_GET_NEXT_KEY = 2, 3, 4
PINS = "/sys/fs/bpf/tc/globals"
SERVICES, BACKENDS, TABLE = 4096, 1024, 65537
SIZE = 64 + 64 * BACKENDS + 2 * (TABLE + 3)
NAT, DSR, AMBIGUOUS = 0, 2, 0xFFFFFFFF
DRAINED, DOWN = 1, 2
PROTOS = {6: "tcp", 17: "udp"}
TABLES = ("confirmed", "unconfirmed")


def pointer(buffer):
    return ctypes.addressof(buffer)


def opened(name, directory=PINS):
    path = ctypes.create_string_buffer(os.path.join(directory, name).encode())
    return bpf(OBJ_GET, struct.pack("QI", pointer(path), 0))


def lookup(fd, key, size):
    """None: there is no such entry."""
    key, value = ctypes.create_string_buffer(key, len(key)), ctypes.create_string_buffer(size)
    try:
        bpf(MAP_LOOKUP_ELEM, struct.pack("IIQQ", fd, 0, pointer(key), pointer(value)))
    except OSError:
        return None
    return value.raw


def update(fd, key, value):
    key, value = ctypes.create_string_buffer(key, len(key)), ctypes.create_string_buffer(value, len(value))
    bpf(MAP_UPDATE_ELEM, struct.pack("IIQQQ", fd, 0, pointer(key), pointer(value), 0))


def delete(fd, key):
    key = ctypes.create_string_buffer(key, len(key))
    bpf(MAP_DELETE_ELEM, struct.pack("IIQQ", fd, 0, pointer(key), 0))


def entries(fd, key_size, value_size):
    key, previous, found = ctypes.create_string_buffer(key_size), 0, {}
    while True:
        try:
            bpf(MAP_GET_NEXT_KEY, struct.pack("IIQQ", fd, 0, previous, pointer(key)))
        except OSError:
            return found
        found[key.raw] = lookup(fd, key.raw, value_size)
        previous = pointer(key)


def address(family, raw):
    return str(ipaddress.ip_address(raw[:4] if family == 4 else raw))


def at(family, raw, port):
    text = address(family, raw)
    return text if not port else f"[{text}]:{port}" if family == 6 else f"{text}:{port}"


class Backend:
    def __init__(self, place, raw):
        self.place, self.raw = place, raw
        self.addr, self.source = raw[:16], raw[16:32]
        self.stat, self.weight, self.share = struct.unpack_from("=III", raw, 32)
        (self.port,) = struct.unpack_from("!H", raw, 44)
        self.family, self.flags = raw[46], raw[47]

    def __str__(self):
        return at(self.family, self.addr, self.port)

    def available(self):
        return self.weight and not self.flags


class Service:
    def __init__(self, index, raw):
        self.index = index
        self.vip = raw[:16]
        self.low, self.high, self.proto, self.family, self.mode, _ = struct.unpack_from("=HHBBBB", raw, 16)
        self.affinity, count, self.available = struct.unpack_from("=III", raw, 24)
        places = (Backend(i, raw[64 + 64 * i : 128 + 64 * i]) for i in range(BACKENDS))
        self.backends = [backend for backend in places if backend.family]
        self.count = count
        self.table = struct.unpack_from(f"={TABLE}H", raw, 64 + 64 * BACKENDS)

    def __str__(self):
        ports = str(self.low) if self.low == self.high else f"{self.low}-{self.high}"
        if (self.low, self.high) == (0, 65535):
            ports = "any"
        text = address(self.family, self.vip)
        return f"{f'[{text}]' if self.family == 6 else text}:{ports}/{PROTOS[self.proto]}"

    def backend(self, name):
        return next(backend for backend in self.backends if str(backend) == name)


def services(directory=PINS):
    outer = opened("lb1_services", directory)
    for index in range(SERVICES):
        number = lookup(outer, struct.pack("I", index), 4)
        if number is None:
            continue
        fd = bpf(MAP_GET_FD_BY_ID, number)
        with mmap.mmap(fd, SIZE, mmap.MAP_SHARED, mmap.PROT_READ) as memory:
            service = Service(index, memory[:SIZE])
        os.close(fd)
        if service.family:
            yield service


def find(name, directory=PINS):
    return next(service for service in services(directory) if str(service) == name)


# ---- what should be ----


def check_service(service):
    shares = [0] * BACKENDS
    if service.available:
        for place in service.table:
            shares[place] += 1
    available = [backend for backend in service.backends if backend.available()]
    weights = sum(backend.weight for backend in available)
    if service.available != len(available):
        yield f"{service}: {service.available} available, expected {len(available)}"
    if service.backends and service.backends[-1].place >= service.count:
        yield f"{service}: somebody is beyond the {service.count} places"
    for backend in service.backends:
        exact = backend.weight * TABLE / weights if backend.available() else 0
        if shares[backend.place] != backend.share or abs(backend.share - exact) >= 1:
            yield f"{service}: {backend} has {shares[backend.place]} entries, share {backend.share}, expected {exact}"
    if sum(shares) != (TABLE if service.available else 0):
        yield f"{service}: {sum(shares)} entries"


def narrowest(found, family, proto, vip, port):
    """Which of the services a packet to this port is for; None: none."""
    having = [one for one in found if (one.family, one.proto, one.vip) == (family, proto, vip) and one.low <= port <= one.high]
    return min(having, key=lambda one: one.high - one.low, default=None)


def ports_to_ask(service, found):
    """Those at the bounds of this and of other services, and some between."""
    near = {bound + step for one in found if one.vip == service.vip for bound in (one.low, one.high) for step in (-1, 0, 1)}
    near.add((service.low + service.high) // 2)
    near.update(1 << bit for bit in range(16))
    return sorted(port for port in near if service.low <= port <= service.high)


def check_vips(found, directory):
    """As packets ask: which prefixes the ports are stored as does not matter."""
    trie = opened("lb1_vips", directory)
    for service in found:
        for port in ports_to_ask(service, found):
            key = struct.pack("=IBB", 160, service.family, service.proto) + service.vip + struct.pack("!H", port)
            leads, right = lookup(trie, key, 4), narrowest(found, service.family, service.proto, service.vip, port)
            if leads is None or struct.unpack("I", leads)[0] != right.index:
                yield f"port {port} of {service} leads to {leads and struct.unpack('I', leads)[0]}, expected {right.index}"
    for key in entries(trie, 24, 4):
        length, family, proto = struct.unpack_from("=IBB", key)
        first = struct.unpack_from("!H", key, 22)[0]
        last = first + (1 << (160 - length)) - 1
        if not all(narrowest(found, family, proto, key[6:22], port) for port in (first, last)):
            yield f"nobody asked for {address(family, key[6:22])} ports {first}-{last}"


def ends_of(service):
    for backend in service.backends:
        if service.mode != NAT:
            continue
        if service.low == service.high:
            yield (backend.addr, backend.port or service.low, service.proto, backend.family), backend
        elif not backend.port:
            yield (backend.addr, 0, service.proto, backend.family), backend


def wanted_ends(all_services):
    owners = {}
    for service in all_services:
        for end, backend in ends_of(service):
            owners.setdefault(end, {}).setdefault(service.index, (service, backend.place))
    for end, those in owners.items():
        addr, port, proto, family = end
        service, _ = next(iter(those.values()))
        others = owners.get((addr, 0, proto, family), {}).values() if port else ()
        clash = [other for other, _ in others
                 if other.low <= port <= other.high and not (other.vip == service.vip and service.low == port)]
        yield end, None if len(those) > 1 or clash else service


def read_ends(directory):
    for key, value in entries(opened("lb1_backends", directory), 24, 4).items():
        port, proto, family = struct.unpack_from("!HBB", key, 16)
        yield (key[:16], port, proto, family), struct.unpack("I", value)[0]


def check_ends(all_services, directory):
    there, wanted = dict(read_ends(directory)), dict(wanted_ends(all_services))
    for end, service in wanted.items():
        where = there.pop(end, None)
        if service is None:
            good = where == AMBIGUOUS
        else:
            places = [backend.place for one, backend in ends_of(service) if one == end]
            good = where is not None and where & 0xFFFF == service.index and where >> 16 in places
        if not good:
            yield f"end {at(end[3], end[0], end[1])} leads to {where}, expected {service or 'ambiguous'}"
    for end in there:
        yield f"nobody asked for the end {at(end[3], end[0], end[1])}"


def check(directory=PINS):
    found = list(services(directory))
    names, stats = [str(service) for service in found], [b.stat for service in found for b in service.backends]
    wrong = [line for service in found for line in check_service(service)]
    wrong += check_vips(found, directory)
    wrong += check_ends(found, directory)
    if len(set(names)) != len(names):
        wrong.append("a service is there twice")
    if len(set(stats)) != len(stats) or 0 in stats:
        wrong.append("counters of two backends, or of none")
    print("".join(f"{line}\n" for line in wrong), end="")
    sys.exit(1 if wrong else 0)


# ---- reading ----


def table(name, directory=PINS):
    service = find(name, directory)
    names = {backend.place: str(backend) for backend in service.backends}
    print(hashlib.sha256("\n".join(names[place] for place in service.table).encode()).hexdigest())


def where(name, directory=PINS):
    service = find(name, directory)
    print("index", service.index)
    for backend in service.backends:
        print(backend, "place", backend.place, "stat", backend.stat)


def ends(directory=PINS):
    names = {service.index: str(service) for service in services(directory)}
    lines = []
    for (addr, port, proto, family), number in read_ends(directory):
        who = "ambiguous" if number == AMBIGUOUS else names[number & 0xFFFF]
        lines.append(f"{PROTOS[proto]} {address(family, addr)} {port} {who}\n")
    print("".join(sorted(lines)), end="")


def way(host, port, proto):
    vip = ipaddress.ip_address(host)
    number = {name: number for number, name in PROTOS.items()}[proto]
    key = struct.pack("=IBB", 160, vip.version, number) + vip.packed.ljust(16, b"\0") + struct.pack("!H", int(port))
    found = lookup(opened("lb1_vips"), key, 4)
    names = {service.index: str(service) for service in services()}
    print("none" if found is None else names[struct.unpack("I", found)[0]])


# ---- writing ----


def cpus():
    with open("/sys/devices/system/cpu/possible", encoding="ascii") as file:
        return int(file.read().strip().split("-")[-1]) + 1


def count(name, backend, packets, amount, flows):
    """On the last CPU, so that sums must be over all."""
    number = find(name).backend(backend).stat
    fd, key = opened("lb1_stats"), struct.pack("I", number)
    cells = bytearray(lookup(fd, key, 64 * cpus()))
    there = struct.unpack_from("=5Q", cells, len(cells) - 64)
    more = [int(word) for word in packets.split(",") + amount.split(",")] + [int(flows)]
    struct.pack_into("=5Q", cells, len(cells) - 64, *(a + b for a, b in zip(there, more)))
    update(fd, key, bytes(cells))


def flow_table(which):
    return bpf(MAP_GET_FD_BY_ID, lookup(opened("lb1_flows"), struct.pack("I", TABLES.index(which)), 4))


def flow_entry(service, target, ends, becomes, times, kind, state):
    """One direction: from one end to another, and what these become; ends are address and port."""
    (src, sport), (dst, dport) = ends
    key = src + dst + struct.pack("!HH", sport, dport) + bytes([service.proto, service.family, 0, 0])
    (src, sport), (dst, dport) = becomes
    value = struct.pack("=QQ", *times) + src + dst + struct.pack("!HH", sport, dport)
    value += bytes([int(kind), service.mode, int(state), 0])
    value += struct.pack("=IIHBB", service.index, target.stat, target.place, target.family, 0)
    return key, value.ljust(112, b"\0")


def client_of(service):
    return ipaddress.ip_address("10.200.0.1" if service.family == 4 else "fd00::1").packed.ljust(16, b"\0")


def since(idle):
    return max(1, time.clock_gettime_ns(time.CLOCK_MONOTONIC) - int(float(idle) * 1e9))


def flow(which, name, backend, number, state, idle, kind="1"):
    service = find(name)
    target = service.backend(backend)
    client, vip = (client_of(service), int(number)), (service.vip, service.low)
    becomes = client, (target.addr, target.port or service.low)
    update(flow_table(which), *flow_entry(service, target, (client, vip), becomes, (since(idle),) * 2, kind, state))


def fill(which, name, backend, total, first="1024"):
    service, fd = find(name), flow_table(which)
    target = service.backend(backend)
    vip, end = (service.vip, service.low), (target.addr, target.port or service.low)
    for number in range(int(total)):
        last = since((int(total) - number) / 1000)
        client = client_of(service), int(first) + number
        update(fd, *flow_entry(service, target, (client, vip), (client, end), (last, last), 1, 2))
        # of every second flow, the answer is older than flows before it
        last -= 50000000 * (number % 2)
        update(fd, *flow_entry(service, target, (end, client), (vip, client), (last, last), 2, 2))


def flows(which):
    lines = []
    for key, value in entries(flow_table(which), 40, 112).items():
        sport, dport = struct.unpack_from("!HH", key, 32)
        kind = ("none", "forward", "reply", "direct")[value[52]]
        lines.append(f"{kind} {at(key[37], key[:16], sport)} {at(key[37], key[16:32], dport)}")
    print("\n".join(sorted(lines)) or "none")


def folded(number):
    """A sum in ones' complement; the zero that has all bits stands for both."""
    return number % 0xFFFF or 0xFFFF


def entry_text(key, value):
    """struct lb_flow without last, told, ifindex, next_hop, mtu, next_hop_family and created."""
    differences = [folded(number) for number in struct.unpack_from("=II", value, 68)]
    return f"{key.hex()} {value[16:68].hex()} {differences[0]:04x} {differences[1]:04x} {value[101:104].hex()}"


def entries_of(which):
    found = entries(flow_table(which), 40, 112).items()
    print("".join(sorted(f"{entry_text(key, value)}\n" for key, value in found)), end="")


def forget():
    for which in TABLES:
        fd = flow_table(which)
        for key in entries(fd, 40, 112):
            delete(fd, key)


def wreck():
    for name in ("lb1_vips", "lb1_backends"):
        fd = opened(name)
        key = next(iter(entries(fd, 24, 4)))
        delete(fd, key)
        if name == "lb1_vips":
            key = struct.pack("=IBB", 160, 4, 6) + bytes([203, 0, 113, 77]).ljust(16, b"\0") + struct.pack("!H", 7)
        else:
            key = bytes([203, 0, 113, 77]).ljust(16, b"\0") + struct.pack("!HBBI", 7, 6, 4, 0)
        update(fd, key, struct.pack("I", 4095))


VERBS = {verb.__name__: verb for verb in (check, table, where, ends, way, count, flow, fill, flows, forget, wreck)}
VERBS["entries"] = entries_of

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in VERBS:
        sys.exit(__doc__)
    VERBS[sys.argv[1]](*sys.argv[2:])
