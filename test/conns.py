"""Tracked connections (bpf/abi/conns.h) written and read through bpf(2) itself: bpftool is not everywhere.

python3 test/conns.py put TABLE PROTO SRC SPORT DST DPORT [NAME=VALUE]...
    an entry of the table, confirmed or unconfirmed, as the packet program makes it; SRC is the opener. NAMEs: state
    (a number), flags, age, idle, deadline (seconds from now), packets, bytes (A,B: both ways), ifindex, in, out (numbers
    of the rules that decided)
python3 test/conns.py fill TABLE COUNT [IDLE]     that many of UDP, from 10.0.0.0 on, each a microsecond younger
python3 test/conns.py keys TABLE                  proto, ends in the order of the key, packets forward; sorted
python3 test/conns.py size TABLE                  entries there is room for
python3 test/conns.py swap TABLE COUNT            an empty table of this size in its place
python3 test/conns.py holds KEY_SIZE VALUE_SIZE PATH           a map of maps pinned at PATH, of tables of that shape
"""

import ctypes
import ipaddress
import os
import struct
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from arena import MAP_GET_FD_BY_ID, MAP_LOOKUP_ELEM, OBJ_GET, bpf  # noqa: E402

# include/uapi/linux/bpf.h, enum bpf_cmd
MAP_CREATE, MAP_UPDATE_ELEM, MAP_GET_NEXT_KEY, OBJ_PIN, OBJ_GET_INFO_BY_FD, MAP_UPDATE_BATCH = 0, 2, 4, 6, 15, 26
LRU_HASH, ARRAY_OF_MAPS = 9, 12
CONNS = "/sys/fs/bpf/tc/globals/splicer1_conns"
TABLES = ("confirmed", "unconfirmed")
PROTOS = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58, "gre": 47}
KEY_SIZE = 40
VERDICT = 56  # offset in struct conn
IFINDEX, OPENER = 120, 128


def pointer(buffer):
    return ctypes.addressof(buffer)


def outer():
    path = ctypes.create_string_buffer(CONNS.encode())
    return bpf(OBJ_GET, struct.pack("QI", pointer(path), 0))


def inner(table):
    """A descriptor of the table in force."""
    key, value = ctypes.create_string_buffer(struct.pack("I", TABLES.index(table)), 4), ctypes.create_string_buffer(4)
    bpf(MAP_LOOKUP_ELEM, struct.pack("IIQQ", outer(), 0, pointer(key), pointer(value)))
    return bpf(MAP_GET_FD_BY_ID, value.raw)


def info(fd):
    """key size, value size, entries, flags"""
    buffer = ctypes.create_string_buffer(128)
    bpf(OBJ_GET_INFO_BY_FD, struct.pack("IIQ", fd, 128, pointer(buffer)))
    return struct.unpack_from("4I", buffer, 8)


def packed(address):
    return ipaddress.ip_address(address).packed.ljust(16, b"\0")


def order(end):
    """As abi/conns.h compares ends: words and ports as this machine reads them."""
    address, port = end
    return struct.unpack("=QQH", address + port)


def key_of(proto, src, sport, dst, dport):
    """The key, and the end that is the opener's."""
    ends = [(packed(src), struct.pack("!H", int(sport))), (packed(dst), struct.pack("!H", int(dport)))]
    opener = int(order(ends[1]) < order(ends[0]))
    low, high = (ends[1], ends[0]) if opener else ends
    number = PROTOS.get(proto) or int(proto)
    family = ipaddress.ip_address(src).version
    return low[0] + high[0] + low[1] + high[1] + bytes([number, family, 0, 0]), opener


def monotonic(seconds_ago):
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) - int(float(seconds_ago) * 1e9)


def conn_of(size, opener, said):
    """struct conn of `size` bytes; what is not said is zero."""
    pair = lambda name: [int(word) for word in said.get(name, "0,0").split(",")]
    idle = said.get("idle", said.get("age", "0"))
    deadline = monotonic(-float(said["deadline"])) if "deadline" in said else 0
    value = bytearray(size)
    struct.pack_into("7Q", value, 0, monotonic(said.get("age", idle)), monotonic(idle), deadline, *pair("packets"),
                     *pair("bytes"))
    for direction, name in enumerate(("in", "out")):
        rule = int(said.get(name, 0))
        struct.pack_into("QQIIII", value, VERDICT + 32 * direction, bool(rule), rule << 21, 0, bool(rule), 0, bool(rule))
    struct.pack_into("I", value, IFINDEX, int(said.get("ifindex", 0)))
    struct.pack_into("BBB", value, OPENER, opener, int(said.get("state", 0)), int(said.get("flags", 0)))
    return bytes(value)


def put(table, proto, src, sport, dst, dport, *said):
    fd = inner(table)
    key, opener = key_of(proto, src, sport, dst, dport)
    conn = conn_of(info(fd)[1], opener, dict(word.split("=") for word in said))
    key, conn = (ctypes.create_string_buffer(data, len(data)) for data in (key, conn))
    bpf(MAP_UPDATE_ELEM, struct.pack("IIQQQ", fd, 0, pointer(key), pointer(conn), 0))


def fill(table, count, idle="0"):
    fd = inner(table)
    size, step = info(fd)[1], 65536
    for start in range(0, int(count), step):
        numbers = range(start, min(start + step, int(count)))
        keys = [key_of("udp", ipaddress.ip_address(0x0A000000 + n), 1000, "192.0.2.1", 53) for n in numbers]
        conns = bytearray()
        template = {opener: bytearray(conn_of(size, opener, {"idle": idle, "packets": "1,0"})) for opener in (0, 1)}
        for n, (_, opener) in zip(numbers, keys):
            conn = template[opener]
            stamp = monotonic(float(idle)) - (int(count) - n) * 1000
            struct.pack_into("QQ", conn, 0, stamp, stamp)
            conns += conn
        keys = ctypes.create_string_buffer(b"".join(key for key, _ in keys))
        conns = ctypes.create_string_buffer(bytes(conns))
        bpf(MAP_UPDATE_BATCH, struct.pack("QQQQIIQQ", 0, 0, pointer(keys), pointer(conns), len(numbers), fd, 0, 0))


def key_text(key):
    family = key[37]
    ends = []
    for end in range(2):
        address = ipaddress.ip_address(key[16 * end:16 * end + (4 if family == 4 else 16)])
        ends.append(f"{address} {struct.unpack_from('!H', key, 32 + 2 * end)[0]}")
    return f"{key[36]} {' '.join(ends)}"


def keys(table):
    fd = inner(table)
    size, lines = info(fd)[1], []
    key, following, value = ctypes.create_string_buffer(KEY_SIZE), ctypes.create_string_buffer(KEY_SIZE), \
        ctypes.create_string_buffer(size)
    previous = 0
    while True:
        try:
            bpf(MAP_GET_NEXT_KEY, struct.pack("IIQQ", fd, 0, previous, pointer(following)))
        except OSError:
            break
        key.raw = following.raw
        previous = pointer(key)
        bpf(MAP_LOOKUP_ELEM, struct.pack("IIQQ", fd, 0, pointer(key), pointer(value)))
        lines.append(f"{key_text(key.raw)} {struct.unpack_from('Q', value, 24)[0]}")
    print("\n".join(sorted(lines)) or "none")


def size(table):
    print(info(inner(table))[2])


def swap(table, count):
    key_size, value_size, _, flags = info(inner(table))
    fd = bpf(MAP_CREATE, struct.pack("5I", LRU_HASH, key_size, value_size, int(count), flags))
    key = ctypes.create_string_buffer(struct.pack("I", TABLES.index(table)), 4)
    value = ctypes.create_string_buffer(struct.pack("I", fd), 4)
    bpf(MAP_UPDATE_ELEM, struct.pack("IIQQQ", outer(), 0, pointer(key), pointer(value), 0))


def holds(inner_key, inner_value, path):
    fd = bpf(MAP_CREATE, struct.pack("5I", LRU_HASH, int(inner_key), int(inner_value), 16, 0))
    made = bpf(MAP_CREATE, struct.pack("6I", ARRAY_OF_MAPS, 4, 4, len(TABLES), 0, fd))
    value = ctypes.create_string_buffer(struct.pack("I", fd), 4)
    for slot in range(len(TABLES)):
        key = ctypes.create_string_buffer(struct.pack("I", slot), 4)
        bpf(MAP_UPDATE_ELEM, struct.pack("IIQQQ", made, 0, pointer(key), pointer(value), 0))
    text = ctypes.create_string_buffer(path.encode())
    bpf(OBJ_PIN, struct.pack("QI", pointer(text), made))


VERBS = {verb.__name__: verb for verb in (put, fill, keys, size, swap, holds)}

if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in VERBS:
        sys.exit(__doc__)
    VERBS[sys.argv[1]](*sys.argv[2:])
