"""Sessions of flow.o (bpf/abi/flow.h) written and read in the generation in force, through bpf(2) and mmap.

python3 test/flow.py put PROTO SRC SPORT DST DPORT [NAME=VALUE]...
    a session in a free place. SRC is the originator; of ICMP SPORT is the identifier of an echo, and NAME type has what
    the first packet was. NAMEs: fields of struct flow, and with fwd. or rev. in front those of its sides; arrays are
    numbers with commas between. A history sets what was seen. Times are ns, or seconds ago with a minus in front.
python3 test/flow.py fill COUNT [FIRST]          that many of UDP, of 1 packet of 100 + its number bytes
python3 test/flow.py head NAME=VALUE...          fields of struct flow_head, also those of its settings
python3 test/flow.py bucket NUMBER NAME=VALUE... fields of struct flow_bucket; tag of a session are not set
python3 test/flow.py generation                  the number of the one in force
python3 test/flow.py slots                       numbers of generations by slot; one that was handed out has a + behind
python3 test/flow.py forget                      no sessions and no losses in the one in force, and settings all zero
"""

import ctypes
import ipaddress
import mmap
import os
import struct
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from arena import MAP_GET_FD_BY_ID, MAP_LOOKUP_ELEM, OBJ_GET, bpf  # noqa: E402

SESSIONS = "/sys/fs/bpf/tc/globals/flow1_sessions"
GENERATIONS, WAYS, HISTORY_MAX = 8, 8, 32
PORTS, ECHO, ICMP = 0, 1, 2
PROTOS = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58, "gre": 47}
LETTERS = "shqiwtdafrg"
U8, U16, U32, U64 = ctypes.c_uint8, ctypes.c_uint16, ctypes.c_uint32, ctypes.c_uint64


class Key(ctypes.Structure):
    _fields_ = [("addr", U8 * 16 * 2), ("port", U8 * 2 * 2), ("ifindex", U32), ("vlan", U16), ("proto", U8),
                ("family", U8), ("kind", U8), ("reserved", U8 * 3)]


class Side(ctypes.Structure):
    _fields_ = [(name, U64) for name in ("packets", "bytes", "payload", "length_squares", "first", "last")] + [
        ("gap_squares", U64 * 2), ("gap_sum", U64), ("gap_min", U64), ("gap_max", U64), ("gaps", U64), ("next", U32),
        ("length_min", U16), ("length_max", U16), ("hops_min", U8), ("hops_max", U8), ("window", U16), ("known", U8),
        ("reserved8", U8 * 3), ("zero_windows", U32), ("retransmitted", U32), ("out_of_order", U32),
        ("fragments", U32), ("hole_from", U32), ("hole_to", U32), ("hole_time", U64), ("missed", U64),
        ("letter_seq", U32 * 4), ("tcp", U32 * 8), ("lengths", U32 * 12), ("gap_times", U32 * 32),
        ("missed_times", U32), ("reserved", U32)]


class Flow(ctypes.Structure):
    _fields_ = [("key", Key), ("originator", U8), ("flags", U8), ("ended", U8), ("history_length", U8), ("seen", U32),
                ("start", U64), ("syn", U64), ("synack", U64), ("ack", U64), ("history", U8 * HISTORY_MAX),
                ("sample_epoch", U32), ("sampled", U32), ("sample_last", U64), ("icmp_type", U8), ("icmp_code", U8),
                ("reserved8", U8 * 6), ("reserved", U64 * 6), ("side", Side * 2)]


class Bucket(ctypes.Structure):
    _fields_ = [("lock", U32), ("reserved32", U32), ("tags", U16 * WAYS), ("used", U32 * WAYS), ("evicted", U64),
                ("evicted_packets", U64), ("evicted_bytes", U64), ("missed_packets", U64), ("missed_bytes", U64),
                ("reserved", U64 * 4), ("flows", Flow * WAYS)]


class Head(ctypes.Structure):
    _fields_ = [(name, U64) for name in ("generation", "seed", "began", "ended")] + [
        (name, U32) for name in ("buckets", "delivered", "idle_tcp", "idle_ended", "idle_udp", "idle_other", "clock",
                                 "session_packets", "sessions", "packets")] + [
        (name, U64) for name in ("session_restart", "packet_restart", "buffer_restart")] + [
        ("settings_reserved", U64 * 2)] + [
        (name, U32) for name in ("sample_lock", "epoch", "taken", "reserved32")] + [
        (name, U64) for name in ("taken_last", "not_ip_packets", "not_ip_bytes", "malformed_packets",
                                 "malformed_bytes", "refused")] + [("reserved", U64 * 10)]


assert [ctypes.sizeof(kind) for kind in (Key, Side, Flow, Bucket, Head)] == [48, 384, 960, 7808, 256]


def slot_open(slot):
    """A descriptor of the map in a slot; None: there is none."""
    path, key, value = (ctypes.create_string_buffer(data) for data in (SESSIONS.encode(), struct.pack("I", slot), bytes(4)))
    outer = bpf(OBJ_GET, struct.pack("QI", ctypes.addressof(path), 0))
    try:
        bpf(MAP_LOOKUP_ELEM, struct.pack("IIQQ", outer, 0, ctypes.addressof(key), ctypes.addressof(value)))
    except OSError:
        return None
    finally:
        os.close(outer)
    return bpf(MAP_GET_FD_BY_ID, value.raw[:4])


def mapped(slot=0):
    """All of it, shared with the programs, and how many buckets it has."""
    fd = slot_open(slot)
    with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as info:
        known = dict(line.split(":") for line in info)
    entries = int(known["max_entries"])
    size = ctypes.sizeof(Bucket) * entries
    memory = mmap.mmap(fd, size + -size % mmap.PAGESIZE)
    os.close(fd)
    return memory, entries - 1


def bucket_at(memory, number):
    return Bucket.from_buffer(memory, ctypes.sizeof(Bucket) * (1 + number))


def packed(address):
    return ipaddress.ip_address(address).packed.ljust(16, b"\0")


def order(end):
    """As abi/flow.h compares ends: words and ports as this machine reads them."""
    return struct.unpack("=QQH", end[0] + end[1])


def key_set(flow, proto, src, sport, dst, dport, said):
    number = PROTOS.get(proto) or int(proto)
    flow.key.kind = PORTS
    if number in (1, 58):
        echo = int(said.get("icmp_type", 8)) in (0, 8, 128, 129)
        flow.key.kind = ECHO if echo else ICMP
        dport = sport
    ends = [(packed(src), struct.pack("!H", int(sport))), (packed(dst), struct.pack("!H", int(dport)))]
    flow.originator = int(order(ends[1]) < order(ends[0]))
    for place, end in enumerate(reversed(ends) if flow.originator else ends):
        ctypes.memmove(flow.key.addr[place], end[0], 16)
        ctypes.memmove(flow.key.port[place], end[1], 2)
    flow.key.ifindex = int(said.pop("ifindex", 1))
    flow.key.vlan = int(said.pop("vlan", 0))
    flow.key.proto = number
    flow.key.family = ipaddress.ip_address(src).version


def history_set(flow, history):
    for place, letter in enumerate(history):
        flow.history[place] = ord(letter)
        if letter.lower() in LETTERS:
            flow.seen |= 1 << LETTERS.index(letter.lower()) + (16 if letter.islower() else 0)
    flow.history_length = len(history)


def number_of(text):
    if text.startswith("-"):
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC) - int(float(text[1:]) * 1e9)
    return int(text, 0)


def field_set(record, name, text):
    if "," in text:
        values = [int(word, 0) for word in text.split(",")]
        field = getattr(record, name)
        field[:len(values)] = values
    else:
        setattr(record, name, number_of(text))


def flow_set(flow, said):
    for name, text in said.items():
        if name == "history":
            history_set(flow, text)
        elif name[:4] in ("fwd.", "rev."):
            field_set(flow.side[name[:4] == "rev."], name[4:], text)
        else:
            field_set(flow, name, text)


def words_of(words):
    return dict(word.split("=", 1) for word in words)


def place_free(memory, count, first=0):
    for number in range(first, count):
        bucket = bucket_at(memory, number)
        for way in range(WAYS):
            if not bucket.used[way]:
                return bucket, way
    sys.exit("flow: no room")


def put(proto, src, sport, dst, dport, *words):
    memory, count = mapped()
    bucket, way = place_free(memory, count)
    flow, said = bucket.flows[way], words_of(words)
    key_set(flow, proto, src, sport, dst, dport, said)
    flow_set(flow, said)
    bucket.tags[way] = 1
    bucket.used[way] = 1


def fill(count, first="0"):
    memory, buckets = mapped()
    number = int(first)
    left = int(count)
    for at in range(buckets):
        bucket = bucket_at(memory, at)
        for way in range(WAYS):
            if not left:
                return
            if bucket.used[way]:
                continue
            flow = bucket.flows[way]
            key_set(flow, "udp", ipaddress.ip_address(0x0A000000 + number), 1000, "192.0.2.1", 53, {})
            flow.start = flow.side[0].first = flow.side[0].last = 1 + number
            flow.side[0].packets, flow.side[0].bytes = 1, 100 + number
            bucket.tags[way] = bucket.used[way] = 1
            number, left = number + 1, left - 1
    if left:
        sys.exit("flow: no room")


def head(*words):
    memory, _ = mapped()
    record = Head.from_buffer(memory)
    for name, text in words_of(words).items():
        field_set(record, name, text)


def bucket(number, *words):
    memory, _ = mapped()
    record = bucket_at(memory, int(number))
    for name, text in words_of(words).items():
        field_set(record, name, text)


def generation():
    memory, _ = mapped()
    print(Head.from_buffer(memory).generation)


def slots():
    numbers = []
    for slot in range(GENERATIONS):
        fd = slot_open(slot)
        if fd is None:
            numbers.append("-")
            continue
        os.close(fd)
        record = Head.from_buffer(mapped(slot)[0])
        numbers.append(f"{record.generation}{'+' if record.delivered else ''}")
    print(*numbers)


def forget():
    memory, count = mapped()
    record = Head.from_buffer(memory)
    for name in ("idle_tcp", "idle_ended", "idle_udp", "idle_other", "clock", "session_packets", "not_ip_packets",
                 "not_ip_bytes", "malformed_packets", "malformed_bytes"):
        setattr(record, name, 0)
    size = ctypes.sizeof(Bucket)
    for number in range(count):
        place = size * (1 + number)
        if any(memory[place:place + 128]):
            memory[place:place + size] = bytes(size)


VERBS = {verb.__name__: verb for verb in (put, fill, head, bucket, generation, slots, forget)}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in VERBS:
        sys.exit(__doc__)
    VERBS[sys.argv[1]](*sys.argv[2:])
