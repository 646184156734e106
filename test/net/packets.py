"""IP packets, byte for byte: RFC 791, 8200, 768, 792, 4443, 9293. Addresses are of the module ipaddress."""

import struct

TCP, UDP, ICMP, ICMPV6, FRAGMENT = 6, 17, 1, 58, 44
ECHO = {4: (8, 0), 6: (128, 129)}  # types of request and reply


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip(source, destination, proto, payload):
    addresses = source.packed + destination.packed
    if source.version == 6:
        return struct.pack("!IHBB", 6 << 28, len(payload), proto, 64) + addresses + payload
    head = struct.pack("!BBHHHBB", 0x45, 0, 20 + len(payload), 0, 0, 64, proto)
    return head + struct.pack("!H", checksum(head + b"\0\0" + addresses)) + addresses + payload


def fragments(packet, identification, size):
    """The packet, as ip() makes it, in pieces of that many bytes (of 8 each): RFC 791, RFC 8200 section 4.5."""
    header = 20 if packet[0] >> 4 == 4 else 40
    cut = fragment_ipv4 if header == 20 else fragment_ipv6
    return [
        cut(packet[:header], identification, at, packet[header + at : header + at + size], header + at + size < len(packet))
        for at in range(0, len(packet) - header, size)
    ]


def fragment_ipv4(header, identification, at, data, more):
    fields = struct.pack("!HHHBB", 20 + len(data), identification & 0xFFFF, more << 13 | at >> 3, header[8], header[9])
    head = header[:2] + fields + b"\0\0" + header[12:]
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + data


def fragment_ipv6(header, identification, at, data, more):
    extension = struct.pack("!BBHI", header[6], 0, at | more, identification)
    return header[:4] + struct.pack("!HB", 8 + len(data), FRAGMENT) + header[7:] + extension + data


def pseudo_header(source, destination, proto, length):
    return source.packed + destination.packed + struct.pack("!II", length, proto)


def udp(source, sport, destination, dport, data):
    head = struct.pack("!HHH", sport, dport, 8 + len(data))
    front = pseudo_header(source, destination, UDP, 8 + len(data))
    total = checksum(front + head + b"\0\0" + data) or 0xFFFF
    return ip(source, destination, UDP, head + struct.pack("!H", total) + data)


def tcp(source, sport, destination, dport, seq, ack, flags, data=b"", window=65535, options=b""):
    """flags: as tcpdump and others abbreviate them, SFRPAUEC in any order."""
    bits = sum(1 << "FSRPAUEC".index(letter) for letter in flags)
    front = pseudo_header(source, destination, TCP, 20 + len(options) + len(data))
    head = struct.pack("!HHIIBBH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 5 + len(options) // 4 << 4, bits, window)
    total = checksum(front + head + b"\0\0\0\0" + options + data)
    return ip(source, destination, TCP, head + struct.pack("!HH", total, 0) + options + data)


def icmp(source, destination, kind, code, rest):
    proto, front = ICMP, b""
    if source.version == 6:
        proto, front = ICMPV6, pseudo_header(source, destination, ICMPV6, 4 + len(rest))
    total = checksum(front + struct.pack("!BBH", kind, code, 0) + rest)
    return ip(source, destination, proto, struct.pack("!BBH", kind, code, total) + rest)


def echo_request(source, destination, rest):
    return icmp(source, destination, ECHO[source.version][0], 0, rest)


def with_hop_limit(packet, limit):
    if packet[0] >> 4 == 6:
        return packet[:7] + bytes([limit]) + packet[8:]
    head = packet[:8] + bytes([limit]) + packet[9:10] + b"\0\0" + packet[12:20]
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + packet[20:]
