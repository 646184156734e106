"""The arena of the rules (bpf/abi/rules.h), seen through bpf(2) itself: bpftool is not everywhere.

python3 test/arena.py dirty    marks it as a writer leaves it that is killed at work
python3 test/arena.py live     prints how many rules are in it, those included that have expired and are yet to be swept
python3 test/arena.py retag OLD NEW    gives tags other bytes, as many, also such as no tool writes: "\\x1b" is ESC
"""

import ctypes
import mmap
import os
import platform
import struct
import sys

RULES = "/sys/fs/bpf/tc/globals/splicer1_rules"
LIVE, CHANGES = 40, 56  # offsets in struct rules_header

# include/uapi/linux/bpf.h, enum bpf_cmd
MAP_LOOKUP_ELEM, OBJ_GET, MAP_GET_FD_BY_ID = 1, 7, 14
NUMBER = {"x86_64": 321}.get(platform.machine(), 280)  # of the system call; 280 is that of every newer architecture
LIBC = ctypes.CDLL(None, use_errno=True)


def bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes, 128)
    result = LIBC.syscall(ctypes.c_long(NUMBER), ctypes.c_long(command), buffer, ctypes.c_long(128))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf command {command}")
    return result


def opened():
    """A descriptor of the arena that is in force."""
    path, key, value = (ctypes.create_string_buffer(data) for data in (RULES.encode(), bytes(4), bytes(4)))
    outer = bpf(OBJ_GET, struct.pack("QI", ctypes.addressof(path), 0))
    bpf(MAP_LOOKUP_ELEM, struct.pack("IIQQ", outer, 0, ctypes.addressof(key), ctypes.addressof(value)))
    os.close(outer)
    return bpf(MAP_GET_FD_BY_ID, value.raw[:4])


def mapped(whole=False):
    """Its first page, which has the header, or all of it: shared with whoever writes it."""
    fd = opened()
    size = mmap.PAGESIZE
    if whole:
        with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as info:
            known = dict(line.split(":") for line in info)
        size = int(known["value_size"]) * int(known["max_entries"])
        size += -size % mmap.PAGESIZE
    memory = mmap.mmap(fd, size)
    os.close(fd)
    return memory


def retag(old, new):
    memory, at = mapped(whole=True), -1
    if len(old) != len(new) or old not in memory[:]:
        sys.exit("retag: not of one length, or no such tag")
    while (at := memory.find(old, at + 1)) >= 0:
        memory[at : at + len(old)] = new


def main(words):
    if words == ["dirty"]:
        mapped()[CHANGES] |= 1
    elif words == ["live"]:
        print(struct.unpack_from("I", mapped(), LIVE)[0])
    elif len(words) == 3 and words[0] == "retag":
        retag(*(word.encode("latin-1").decode("unicode_escape").encode("latin-1") for word in words[1:]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
