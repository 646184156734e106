"""Sessions of flow.o (bpf/abi/flow.h) written and read in the generation in force, through bpf(2) and mmap.

python3 test/flow.py put PROTO SRC SPORT DST DPORT [NAME=VALUE]...
    a session in a free place. SRC is the originator; of ICMP SPORT is the identifier of an echo, and NAME type has what
    the first packet was. NAMEs: fields of struct flow, and with fwd. or rev. in front those of its sides; arrays are
    numbers with commas between. A history sets what was seen. Times are ns, or seconds ago with a minus in front.
    fwd.said, rev.said: the first bytes of each side as text with escapes, \\r or \\x16.
python3 test/flow.py puts                        sessions as put has them, one a line of standard input
python3 test/flow.py fill COUNT [FIRST]          that many of UDP, of 1 packet of 100 + its number bytes
python3 test/flow.py head NAME=VALUE...          fields of struct flow_head: settings.clock=1, not_ip.packets=3
python3 test/flow.py bucket NUMBER NAME=VALUE... fields of struct flow_bucket
python3 test/flow.py generation                  the number of the one in force
python3 test/flow.py slots                       numbers of generations by slot; one that was handed out has a + behind
python3 test/flow.py forget                      no sessions and no losses in the one in force, and settings all zero
"""

import ctypes
import ipaddress
import mmap
import os
import re
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


HEADER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../bpf/abi/flow.h")
WORDS = {"__u8": ctypes.c_uint8, "char": ctypes.c_uint8, "__u16": ctypes.c_uint16, "__be16": ctypes.c_uint16,
         "__u32": ctypes.c_uint32, "__u64": ctypes.c_uint64}


def fields_of(body, numbers, known):
    """Name and type of what stands in a struct: TYPE NAME, NAME[SIZE][SIZE];"""
    for kind, names in re.findall(r"((?:struct )?\w+) ([^;]+);", body):
        for name in names.split(","):
            field = known[kind]
            for size in reversed(re.findall(r"\[(\w+)\]", name)):
                field *= int(numbers.get(size, size))
            yield name.split("[")[0].strip(), field


def structs_read():
    """The structs of the header, by name, as the compiler lays them out."""
    with open(HEADER, encoding="ascii") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    numbers = dict(re.findall(r"#define (\w+) (\d+)\b", text))
    known = dict(WORDS)
    for name, body in re.findall(r"^struct (\w+) \{(.*?)^\};", text, flags=re.S | re.M):
        known[f"struct {name}"] = type(name, (ctypes.Structure,), {"_fields_": list(fields_of(body, numbers, known))})
    for name, size in re.findall(r"sizeof\(struct (\w+)\) == (\d+)[,)]", text):
        assert ctypes.sizeof(known[f"struct {name}"]) == int(size), name
    return known


STRUCTS = structs_read()
Flow, Bucket, Head = (STRUCTS[f"struct {name}"] for name in ("flow", "flow_bucket", "flow_head"))


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
        flow.key.port[place] = struct.unpack("=H", end[1])[0]
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
    *outer, name = name.split(".")
    for word in outer:
        record = record[int(word)] if word.isdigit() else getattr(record, word)
    if "," in text:
        values = [int(word, 0) for word in text.split(",")]
        field = getattr(record, name)
        field[:len(values)] = values
    else:
        setattr(record, name, number_of(text))


def content_set(flow, side, text):
    content = text.encode("latin-1").decode("unicode_escape").encode("latin-1")[:len(flow.content[side])]
    flow.content[side][:len(content)] = content
    flow.content_length[side] = len(content)


def flow_set(flow, said):
    for name, text in said.items():
        if name == "history":
            history_set(flow, text)
        elif name in ("fwd.said", "rev.said"):
            content_set(flow, name[:4] == "rev.", text)
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


def put_at(memory, count, first, proto, src, sport, dst, dport, *words):
    bucket, way = place_free(memory, count, first)
    flow, said = bucket.flows[way], words_of(words)
    key_set(flow, proto, src, sport, dst, dport, said)
    flow_set(flow, said)
    bucket.tags[way] = 1
    bucket.used[way] = 1


def put(*words):
    put_at(*mapped(), 0, *words)


def puts():
    memory, count = mapped()
    for number, line in enumerate(sys.stdin):
        put_at(memory, count, number // WAYS, *line.split())


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
    for name in ("settings", "not_ip", "malformed"):
        setattr(record, name, type(getattr(record, name))())
    size = ctypes.sizeof(Bucket)
    for number in range(count):
        place = size * (1 + number)
        if any(memory[place:place + 128]):
            memory[place:place + size] = bytes(size)


VERBS = {verb.__name__: verb for verb in (put, puts, fill, head, bucket, generation, slots, forget)}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in VERBS:
        sys.exit(__doc__)
    VERBS[sys.argv[1]](*sys.argv[2:])
