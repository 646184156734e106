"""Traffic of a company as a gateway sees it, and attacks amidst it, as a capture: always the same for a seed.

Inside are 40 desks with two addresses each, servers and a DMZ; outside are web servers, mail servers, visitors, and one
address behind which hundreds of people are. Of each packet headers and the first bytes of its payload are written; its
length is what the IP header says. Checksums are not: flow.o looks at none.
"""

import ipaddress
import random
import struct

BASE = 1_700_000_000  # s since 1970
SHOWN = 40  # bytes of payload that a capture has
SEGMENT = 1400  # bytes of payload of a packet; of large messages more, as after GRO
SEGMENTS = 10  # of a message, unless they would be too long
SEGMENT_MOST = 60000

TLS = (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03")
HTTP = (b"GET / HTTP/1.1\r\nHost: www.example.org\r\n", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n")
SSH = (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", b"SSH-2.0-OpenSSH_9.6p1 Ubuntu-3\r\n")
SMTP = (b"EHLO mail.example.net\r\n", b"220 mx.example.org ESMTP Postfix\r\n")
IMAP = (b"a1 LOGIN somebody secret\r\n", b"* OK [CAPABILITY IMAP4rev1] ready.\r\n")
DNS = (bytes.fromhex("123401000001000000000000") + b"\3www\7example\3org\0\0\1\0\1",
       bytes.fromhex("123481800001000100000000") + b"\3www\7example\3org\0\0\1\0\1")
NTP = (b"\x23" + bytes(47), b"\x24\x02" + bytes(46))

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def address(text):
    return ipaddress.ip_address(text).packed


def shown(packed):
    return str(ipaddress.ip_address(packed))


def numbered(base, number):
    """The address that comes so many after another one."""
    return (int.from_bytes(address(base), "big") + number).to_bytes(len(address(base)), "big")


def pair(base4, base6, number):
    """The two addresses of a host."""
    return numbered(base4, number), numbered(base6, number)


class Wire:
    """What goes over it: frames, and how many sessions of each sort."""

    def __init__(self, seed, seconds):
        self.chance = random.Random(seed)
        self.seconds = seconds
        self.frames = []
        self.sessions = {}

    def send(self, time, src, dst, proto, head, length, data=b""):
        """head: of TCP, UDP or ICMP; length: of the payload; data: how that begins."""
        if time >= self.seconds:
            return
        size = len(head) + length
        if len(src) == 4:
            front = b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0" + struct.pack("!BBHIBBH", 0x45, 0, 20 + size, 0, 64, proto, 0)
        else:
            front = b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x86\xdd" + struct.pack("!IHBB", 6 << 28, size, proto, 64)
        seen = data[: min(SHOWN, length)] + bytes(min(SHOWN, length) - min(SHOWN, length, len(data)))
        packet = front + src + dst + head + seen
        self.frames.append((int((BASE + time) * 10**9), len(self.frames), packet, len(packet) + length - len(seen)))

    def tcp(self, time, src, sport, dst, dport, seq, ack, flags, length=0, data=b""):
        head = struct.pack("!HHIIBBHI", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 0x50, flags, 65000, 0)
        self.send(time, src, dst, 6, head, length, data)

    def udp(self, time, src, sport, dst, dport, length, data=b""):
        self.send(time, src, dst, 17, struct.pack("!HHHH", sport, dport, 8 + length, 0), length, data)

    def ping(self, time, src, dst, number, rtt=0.01, turn=0):
        for kind, at, one, other in (((8, 128), time, src, dst), ((0, 129), time + rtt, dst, src)):
            if kind != (0, 129) or rtt:
                head = struct.pack("!BBHHH", kind[len(src) == 16], 0, 0, number, turn & 0xFFFF)
                self.send(at, one, other, 58 if len(src) == 16 else 1, head, 56)

    def count(self, sort):
        self.sessions[sort] = self.sessions.get(sort, 0) + 1

    def port(self):
        return self.chance.randrange(32768, 61000)

    def write(self, path):
        """pcap: nanoseconds, Ethernet"""
        self.frames.sort()
        with open(path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1))
            for time, _, packet, length in self.frames:
                file.write(struct.pack("<IIII", time // 10**9, time % 10**9, len(packet), length) + packet)


class Talk:
    """A TCP session, told in its order; each message is acknowledged."""

    def __init__(self, wire, sort, time, client, server, port, rtt=None, sport=None):
        wire.count(sort)
        self.wire, self.time = wire, time
        self.rtt = rtt or wire.chance.uniform(0.005, 0.12)
        self.ends = ((client, sport or wire.port()), (server, port))
        self.seq = [wire.chance.randrange(1 << 32), wire.chance.randrange(1 << 32)]

    def segment(self, side, flags, length=0, data=b""):
        (src, sport), (dst, dport) = self.ends[side], self.ends[not side]
        ack = self.seq[not side] if flags & ACK else 0
        self.wire.tcp(self.time, src, sport, dst, dport, self.seq[side], ack, flags, length, data)
        self.seq[side] += length + bool(flags & (SYN | FIN))
        return self

    def wait(self, seconds):
        self.time += seconds
        return self

    def open(self):
        self.segment(0, SYN).wait(self.rtt).segment(1, SYN | ACK)
        return self.wait(0.0005).segment(0, ACK)

    def say(self, side, length, data=b""):
        """The other end acknowledges it, once for four segments."""
        size = min(max(SEGMENT, -(-length // SEGMENTS)), SEGMENT_MOST)
        self.wait(self.rtt / 2)
        for number, at in enumerate(range(0, length, size)):
            part = min(size, length - at)
            self.wait(0.0003).segment(side, PSH | ACK, part, data if at == 0 else b"")
            if number % 4 == 3 or at + part == length:
                self.wait(0.0001).segment(not side, ACK)
        return self

    def close(self, side=0):
        self.wait(self.rtt / 2).segment(side, FIN | ACK).wait(self.rtt / 2).segment(not side, FIN | ACK)
        return self.wait(0.0005).segment(side, ACK)

    def reset(self, side=0):
        return self.wait(self.rtt / 2).segment(side, RST | ACK)

    def refused(self):
        return self.segment(0, SYN).wait(self.rtt).segment(1, RST | ACK)

    def unanswered(self, tries=4):
        """As Linux tries again: after 1, 2, 4... seconds."""
        for number in range(tries):
            self.segment(0, SYN).seq[0] -= 1
            self.wait(1 << number)
        return self


# ---- ordinary ----


class Company:
    """desks: so many people at work; nat: so many connections a second from behind the busy address."""

    def __init__(self, wire, desks=40, nat=3.0):
        self.wire, self.chance = wire, wire.chance
        self.fixed = random.Random(0)  # what is set up is the same in every hour
        self.nat = nat
        self.desks = [pair("10.1.0.10", "2001:db8:1::10", number) for number in range(desks)]
        self.resolver = pair("10.1.1.53", "2001:db8:1:1::53", 0)
        self.mail = pair("198.51.100.25", "2001:db8:51::25", 0)
        self.shop = pair("198.51.100.10", "2001:db8:51::10", 0)
        self.market = pair("198.51.100.11", "2001:db8:51::11", 0)  # the busy address does not come here
        self.inner = [pair("10.1.2.10", "2001:db8:1:2::10", number) for number in range(12)]
        # some do not answer, and some do not in IPv6
        self.sites = [(pair("192.0.2.1", "2001:db8:100::1", number), self.fixed.random()) for number in range(220)]

    def arrivals(self, mean):
        """Times at random, so many seconds apart in the mean."""
        time = self.chance.expovariate(1 / mean)
        while time < self.wire.seconds:
            yield time
            time += self.chance.expovariate(1 / mean)

    def about_every(self, period, jitter):
        time = self.chance.uniform(0, period)
        while time < self.wire.seconds:
            yield time
            time += period * self.chance.uniform(1 - jitter, 1 + jitter)

    # -- the web --

    def site(self):
        """Few are asked for often."""
        return self.sites[min(int(self.chance.paretovariate(0.7)) - 1, len(self.sites) - 1)]

    def fetch(self, sort, time, client, server, requests=None):
        """One connection: short, or kept for some requests with pauses."""
        talk = Talk(self.wire, sort, time, client, server, 443 if self.chance.random() < 0.9 else 80).open()
        words = TLS if talk.ends[1][1] == 443 else HTTP
        talk.say(0, self.chance.randrange(200, 600), words[0]).say(1, self.chance.randrange(1500, 5000), words[1])
        for number in range(requests or self.chance.choice((1, 1, 1, 2, 3, 6))):
            if number:
                talk.wait(self.chance.expovariate(0.2))
            talk.say(0, self.chance.randrange(80, 900))
            talk.say(1, min(int(self.chance.lognormvariate(9, 1.4)), 2_000_000))
        end = self.chance.random()
        if end < 0.75:
            talk.wait(self.chance.uniform(0, 8)).close(self.chance.random() < 0.3)
        elif end < 0.9:
            talk.reset()

    def connect(self, sort, time, client, server, health):
        """health: 0 to 1; the lowest do not answer, and any may be refused or lost now and then."""
        if health < 0.02 or self.chance.random() < 0.008:
            Talk(self.wire, sort + " failed", time, client, server, 443).unanswered()
        elif health < 0.03 or self.chance.random() < 0.008:
            Talk(self.wire, sort + " failed", time, client, server, 443).refused()
        else:
            self.fetch(sort, time, client, server)

    def page(self, time, desk):
        for _ in range(self.chance.randrange(1, 5)):
            server, health = self.site()
            self.ask(time, desk)
            # who has both addresses of a site whose IPv6 does not answer takes IPv4 a quarter of a second later
            is_new = self.chance.random() < 0.5
            if is_new and 0.03 <= health < 0.06:
                Talk(self.wire, "web failed", time, desk[1], server[1], 443).unanswered(1)
                is_new, time = False, time + 0.25
            for _ in range(self.chance.randrange(1, 6)):
                self.connect("web", time + self.chance.expovariate(3), desk[is_new], server[is_new], health)

    def web(self):
        for desk in self.desks:
            for time in self.arrivals(75):
                self.page(time, desk)

    def kept(self):
        """Connections that stay, and over which something goes twice a minute."""
        for desk in self.desks[:20]:
            is_new = self.fixed.random() < 0.5
            talk = Talk(self.wire, "kept", self.chance.uniform(0, 60), desk[is_new], self.sites[3][0][is_new], 443).open()
            talk.say(0, 500, TLS[0]).say(1, 3000, TLS[1])
            while talk.time < self.wire.seconds:
                talk.wait(30).say(0, 40).say(1, 40)
                if self.chance.random() < 0.2:
                    talk.wait(self.chance.uniform(1, 20)).say(1, self.chance.randrange(100, 3000))

    def visitors(self):
        """Who comes to the shop: many that come for a while, and the busy address."""
        for time in self.arrivals(8):
            is_new = self.chance.random() < 0.4
            guest = pair("100.64.0.0", "2001:db8:200::", self.chance.randrange(4000))[is_new]
            for _ in range(self.chance.randrange(1, 12)):
                self.connect("visitors", time, guest, self.shop[is_new], 1)
                time += self.chance.expovariate(0.2)

    def customers(self):
        """Few connections each, of many."""
        for is_new in (0, 1):
            for time in self.arrivals(1.5):
                guest = pair("100.67.0.0", "2001:db8:203::", self.chance.randrange(4000))[is_new]
                for _ in range(self.chance.randrange(1, 5)):
                    self.connect("customers", time, guest, self.market[is_new], 1)

    def busy(self):
        address_pair = pair("203.0.113.77", "2001:db8:77::77", 0)
        for is_new, mean in ((0, 1 / self.nat), (1, 2 / self.nat)):
            for time in self.arrivals(mean):
                if self.chance.random() < 0.015:
                    # gone before the answer came
                    talk = Talk(self.wire, "busy failed", time, address_pair[is_new], self.shop[is_new], 443)
                    talk.segment(0, SYN).wait(0.06).segment(1, SYN | ACK)
                else:
                    self.connect("busy", time, address_pair[is_new], self.shop[is_new], 1)

    # -- names, times, messages --

    def question(self, sort, time, client, server, is_lost):
        self.wire.count(sort)
        port = self.wire.port()
        self.wire.udp(time, client, port, server, 53, 40, DNS[0])
        if not is_lost:
            self.wire.udp(time + self.chance.uniform(0.001, 0.09), server, 53, client, port, self.chance.randrange(60, 300), DNS[1])

    def ask(self, time, desk):
        """A and AAAA; the resolver asks others for half of them."""
        is_new = self.chance.random() < 0.5
        for _ in range(2):
            self.question("dns", time, desk[is_new], self.resolver[is_new], self.chance.random() < 0.002)
            if self.chance.random() < 0.5:
                family = self.chance.random() < 0.3
                server = pair("198.18.0.1", "2001:db8:53::1", int(self.chance.paretovariate(0.6)) % 900)[family]
                self.question("dns outside", time + 0.001, self.resolver[family], server, self.chance.random() < 0.04)

    def ntp(self):
        for host in self.desks[:20] + self.inner:
            for number in range(2):
                is_new = self.fixed.random() < 0.5
                server = pair("198.18.5.1", "2001:db8:123::1", number)[is_new]
                for time in self.about_every(64, 0.02):
                    self.wire.count("ntp")
                    port = self.wire.port()
                    self.wire.udp(time, host[is_new], port, server, 123, 48, NTP[0])
                    self.wire.udp(time + 0.02, server, 123, host[is_new], port, 48, NTP[1])

    def groups(self):
        for host in self.desks:
            for time in self.arrivals(600):
                is_new = self.chance.random() < 0.5
                group = pair("224.0.0.251", "ff02::fb", 0)[is_new]
                self.wire.count("groups")
                self.wire.udp(time, host[is_new], 5353, group, 5353, 120)

    # -- mail --

    def letter(self, sort, time, client, server):
        talk = Talk(self.wire, sort, time, client, server, 25).open()
        talk.say(1, 40, SMTP[1]).say(0, 25, SMTP[0]).say(1, 180).say(0, 10).say(1, 30)
        talk.say(0, min(int(self.chance.lognormvariate(9.5, 1.3)), 3_000_000)).say(1, 60).close()

    def post(self):
        for time in self.arrivals(20):
            is_new = self.chance.random() < 0.3
            other = pair("198.18.9.1", "2001:db8:25::1", int(self.chance.paretovariate(0.7)) % 150)[is_new]
            if self.chance.random() < 0.5:
                self.letter("mail in", time, other, self.mail[is_new])
            elif self.chance.random() < 0.08:
                Talk(self.wire, "mail out failed", time, self.mail[is_new], other, 25).unanswered(5)
            else:
                self.letter("mail out", time, self.mail[is_new], other)
        for desk in self.desks:
            is_new = self.fixed.random() < 0.5
            for time in self.about_every(600, 0.01):
                talk = Talk(self.wire, "mail box", time, desk[is_new], self.mail[is_new], 993).open()
                talk.say(0, 500, TLS[0]).say(1, 3000, TLS[1]).say(0, 300).say(1, self.chance.randrange(300, 30000)).close()

    # -- administration --

    def shell(self, sort, time, client, server, sent, fetched, length=0.0):
        """An SSH session: keys, then strokes for so long, or so many bytes at once."""
        talk = Talk(self.wire, sort, time, client, server, 22).open()
        talk.say(1, 42, SSH[1]).say(0, 42, SSH[0]).say(0, 1500).say(1, 1100).say(0, 1200).say(1, 500)
        end = talk.time + length
        while talk.time < min(end, self.wire.seconds):
            talk.wait(self.chance.expovariate(1)).say(0, 36).say(1, self.chance.randrange(36, 400))
        talk.say(0, sent).say(1, fetched).close()

    def administration(self):
        admins = self.desks[:4]
        for desk in admins:
            for _ in range(2):
                is_new = self.chance.random() < 0.5
                server = self.chance.choice(self.inner)[is_new]
                self.shell("ssh", self.chance.uniform(0, self.wire.seconds), desk[is_new], server, 100, 1000, 400)
        for desk in admins + self.desks[4:12]:
            for time in self.arrivals(240):
                is_new = self.chance.random() < 0.5
                self.shell("ssh git", time, desk[is_new], self.inner[0][is_new], 1500, self.chance.randrange(2000, 90000))
        start = self.wire.seconds / 3
        for number, server in enumerate(self.inner[:6]):
            self.shell("ssh scripted", start + number * 0.7, self.desks[0][0], server[0], 30000, 4000)
            self.shell("ssh scripted", start + 300 + number * 0.7, self.desks[0][1], server[1], 30000, 4000)

    def monitor(self):
        """Is it all there? Once a minute by HTTP, and by ping all the time."""
        monitor = pair("10.1.1.7", "2001:db8:1:1::7", 0)
        for number, server in enumerate(self.inner):
            is_new = number % 2
            for time in self.about_every(60, 0.005):
                talk = Talk(self.wire, "monitor", time, monitor[is_new], server[is_new], 80, 0.001).open()
                talk.say(0, 90, HTTP[0]).say(1, 300, HTTP[1]).close()
            self.wire.count("monitor")
            for turn, time in enumerate(self.about_every(10, 0.001)):
                self.wire.ping(time, monitor[is_new], server[is_new], 100 + number, turn=turn)

    def bulk(self):
        for number in range(10):
            is_new = number % 2
            talk = Talk(self.wire, "bulk", self.chance.uniform(0, self.wire.seconds * 0.9),
                        self.chance.choice(self.desks)[is_new], self.sites[5][0][is_new], 443).open()
            talk.say(0, 400, TLS[0]).say(1, 3000, TLS[1])
            for _ in range(self.chance.randrange(10, 60)):
                talk.say(1, 400_000).wait(0.02)
            talk.close()

    def work(self):
        for what in (self.web, self.kept, self.visitors, self.customers, self.busy, self.ntp, self.groups, self.post,
                     self.administration, self.monitor, self.bulk):
            what()


# ---- attacks ----


class Attacks:
    """Each from or to an address of its own; `truth` has what is to be found."""

    def __init__(self, wire, company):
        self.wire, self.chance, self.company = wire, wire.chance, company
        self.truth = []
        self.number = 0

    def note(self, name, kinds, begin, end, src=None, dst=None):
        self.truth.append({"attack": name, "kinds": kinds, "begin": BASE + begin, "end": BASE + end,
                           "src": src and shown(src), "dst": dst and shown(dst), "family": 4 if len(src or dst) == 4 else 6})

    def stranger(self, is_new):
        self.number += 1
        return pair("203.0.113.128", "2001:db8:bad::", self.number % 100)[is_new] if self.number < 100 else None

    def begin(self, length):
        """Not at once at the beginning, and not so late that it would be cut off."""
        first = self.wire.seconds / 6
        return self.chance.uniform(first, max(first + 1, self.wire.seconds - length - 30))

    def times(self, begin, count, gap):
        for number in range(count):
            yield number, begin + (number + self.chance.uniform(-0.2, 0.2)) * gap

    def attempt(self, sort, time, src, dst, port):
        """Most are not answered at all, some refused."""
        talk = Talk(self.wire, sort, time, src, dst, port, 0.03)
        talk.segment(0, SYN) if self.chance.random() < 0.6 else talk.refused()

    def port_scan(self, is_new, name, count, gap):
        begin, src, dst = self.begin(count * gap), self.stranger(is_new), self.company.shop[is_new]
        self.note(f"port scan, {name}", ["port-scan"], begin, begin + count * gap, src, dst)
        for number, time in self.times(begin, count, gap):
            if number % 50 == 7:
                Talk(self.wire, "attack", time, src, dst, 443, 0.03).open().reset()
            else:
                self.attempt("attack", time, src, dst, 1 + number)

    def address_scan(self, is_new, name, count, gap, port=445):
        begin, src = self.begin(count * gap), self.stranger(is_new)
        self.note(f"address scan, {name}", ["address-scan"], begin, begin + count * gap, src)
        for number, time in self.times(begin, count, gap):
            dst = pair("198.51.100.2", "2001:db8:51:1::2", number)[is_new]
            if port:
                self.attempt("attack", time, src, dst, port)
            else:
                self.wire.count("attack")
                self.wire.ping(time, src, dst, 700, 0.02 if number % 10 == 0 else 0)

    def syn_flood(self, is_new, name, count, gap, is_spoofed):
        src, dst = self.stranger(is_new), pair("198.51.100.40", "2001:db8:51::40", self.number)[is_new]
        begin = self.begin(count * gap)
        self.note(f"SYN flood, {name}", ["syn-flood"], begin, begin + count * gap, None if is_spoofed else src, dst)
        for number, time in self.times(begin, count, gap):
            if is_spoofed:
                src = pair("11.0.0.0", "2001:db8:f00::", self.chance.randrange(1 << 24))[is_new]
            talk = Talk(self.wire, "attack", time, src, dst, 80, 0.01, 1024 + number % 60000).segment(0, SYN)
            if number % 2:
                talk.wait(0.001).segment(1, SYN | ACK)

    def worm(self, is_new, name, count, gap):
        """Tries known addresses on many ports, and finds some."""
        begin, src = self.begin(count * gap), self.stranger(is_new)
        self.note(f"failed connections, {name}", ["failed-connections"], begin, begin + count * gap, src)
        for number, time in self.times(begin, count, gap):
            dst = pair("198.51.100.2", "2001:db8:51:1::2", number % 9)[is_new]
            talk = Talk(self.wire, "attack", time, src, dst, (80, 443, 8080)[number % 3], 0.03)
            talk.segment(0, SYN) if self.chance.random() < 0.65 else talk.open().say(0, 90, HTTP[0]).say(1, 300, HTTP[1]).close()

    def logins(self, is_new, name, count, gap, servers, port):
        begin, src = self.begin(count * gap), self.stranger(is_new)
        self.note(f"logins, {name}", ["logins"], begin, begin + count * gap, src)
        for number, time in self.times(begin, count, gap):
            dst = pair("198.51.100.60", "2001:db8:51::60", number % servers)[is_new]
            talk = Talk(self.wire, "attack", time, src, dst, port, 0.02).open()
            talk.say(1, 42, SSH[1]).say(0, 42, SSH[0]).say(0, 1500).say(1, 1100).say(0, 300).say(1, 80).wait(1).close()

    def beacon(self, is_new, name, period, jitter, loss, count):
        """A desk that reports home."""
        begin, src = self.begin(count * period), self.company.desks[20 + self.number % 20][is_new]
        dst = self.stranger(is_new)
        self.note(f"beacon, {name}", ["beacon"], begin, begin + count * period, src, dst)
        time = begin
        for _ in range(count):
            if self.chance.random() >= loss:
                talk = Talk(self.wire, "attack", time, src, dst, 443).open()
                talk.say(0, 400, TLS[0]).say(1, 900, TLS[1]).say(0, 120).say(1, 60).close()
            time += period * self.chance.uniform(1 - jitter, 1 + jitter)

    def spoofed(self, is_new, name, count, gap):
        """Whole sessions from ever new addresses to the shop, as of a botnet: none is half open."""
        begin, dst = self.begin(count * gap), self.company.shop[is_new]
        self.note(f"many sources, {name}", ["source-entropy"], begin, begin + count * gap, None, dst)
        for _, time in self.times(begin, count, gap):
            src = pair("11.0.0.0", "2001:db8:f00::", self.chance.randrange(1 << 24))[is_new]
            Talk(self.wire, "attack", time, src, dst, 443, 0.03).open().say(0, 300, TLS[0]).say(1, 2000, TLS[1]).close()

    def single(self, is_new, name, count, gap):
        """One that pushes all others aside."""
        begin, src, dst = self.begin(count * gap), self.stranger(is_new), self.company.market[is_new]
        self.note(f"one source, {name}", ["source-entropy"], begin, begin + count * gap, src, dst)
        for _, time in self.times(begin, count, gap):
            Talk(self.wire, "attack", time, src, dst, 443, 0.03).open().say(0, 300, TLS[0]).say(1, 2000, TLS[1]).close()

    def newcomer(self, is_new):
        """A host inside that was never there."""
        begin, src = self.begin(300), pair("10.1.0.200", "2001:db8:1::200", 0)[is_new]
        self.note("new talker, 3 sessions", ["new-talker"], begin, begin + 60, src)
        for number in range(3):
            self.company.fetch("attack", begin + number * 20, src, self.company.sites[1][0][is_new], 1)

    def outflow(self, is_new, name, size, length):
        """A desk that carries out so much in so long."""
        begin, src, dst = self.begin(length), self.company.desks[15 - is_new][is_new], self.stranger(is_new)
        self.note(f"outflow, {name}", ["volume"], begin, begin + length, src)
        talk = Talk(self.wire, "attack", begin, src, dst, 443, 0.03).open().say(0, 500, TLS[0]).say(1, 3000, TLS[1])
        parts = max(1, size // 2_000_000)
        talk.rtt = 0.005
        for _ in range(parts):
            talk.say(0, size // parts).wait(max(0.0, length / parts - 0.015))
        talk.close()

    def all(self):
        for is_new in (0, 1):
            self.port_scan(is_new, "100 a second", 1000, 0.01)
            self.port_scan(is_new, "1 a second", 300, 1)
            self.port_scan(is_new, "1 in 3 s", 100, 3)
            self.port_scan(is_new, "1 in 10 s", 100, 10)
            self.address_scan(is_new, "25 a second", 254, 0.04)
            self.address_scan(is_new, "1 a second", 254, 1)
            self.address_scan(is_new, "1 in 10 s", 100, 10)
            self.address_scan(is_new, "echo, 25 a second", 254, 0.04, 0)
            self.syn_flood(is_new, "one source, 50 a second", 1500, 0.02, False)
            self.syn_flood(is_new, "forged sources, 50 a second", 1500, 0.02, True)
            self.syn_flood(is_new, "forged sources, 3 a second", 360, 0.33, True)
            self.syn_flood(is_new, "forged sources, 1 a second", 120, 1, True)
            self.worm(is_new, "65 % of 2 a second", 240, 0.5)
            self.worm(is_new, "65 % of 1 in 3 s", 60, 3)
            self.logins(is_new, "1 a second, port 2222", 60, 1, 1, 2222)
            self.logins(is_new, "12 a minute", 60, 5, 1, 22)
            self.logins(is_new, "6 a minute", 30, 10, 1, 22)
            self.logins(is_new, "20 hosts, 1 each in 3 s", 20, 3, 20, 22)
            self.beacon(is_new, "10 s", 10, 0.02, 0, 60)
            self.beacon(is_new, "60 s, jitter 20 %, 10 % lost", 60, 0.2, 0.1, 30)
            self.beacon(is_new, "60 s, jitter 40 %", 60, 0.4, 0, 30)
            self.spoofed(is_new, "10 a second", 1800, 0.1)
            self.single(is_new, "30 a second", 3600, 0.0333)
            self.newcomer(is_new)
            self.outflow(is_new, "2 GB in 2 minutes", 2_000_000_000, 120)
            self.outflow(is_new, "200 MB in 2 minutes", 200_000_000, 120)
            self.outflow(is_new, "20 MB in 2 minutes", 20_000_000, 120)

# ---- what is no attack, and looks like one ----


class Odd(Attacks):
    """Nothing is to be found, and what is said of it is told apart."""

    def deployment(self, is_new):
        begin, src = self.begin(30), self.company.desks[1][is_new]
        self.note("SSH to 30 servers at once, 2 sessions each", [], begin, begin + 30, src)
        for number in range(60):
            server = pair("10.1.3.1", "2001:db8:1:3::1", number // 2)[is_new]
            self.company.shell("odd", begin + number * 0.4, src, server, 4000, 2000)

    def no_route(self):
        """All that a host asks for by IPv6 goes nowhere, and a quarter of a second later it has it by IPv4."""
        begin, desk = self.begin(300), self.company.desks[5]
        self.note("a desk whose IPv6 leads nowhere", [], begin, begin + 300, desk[1])
        for number in range(150):
            (old, new), _ = self.chance.choice(self.company.sites)
            Talk(self.wire, "odd", begin + 2 * number, desk[1], new, 443).unanswered(1)
            self.company.fetch("odd", begin + 2 * number + 0.25, desk[0], old)

    def outage(self, is_new):
        """A server behind which hundreds of people wait, from behind one address and from many."""
        begin, dst = self.begin(120), pair("198.51.100.80", "2001:db8:51::80", 0)[is_new]
        busy = pair("203.0.113.78", "2001:db8:78::78", 0)[is_new]
        self.note("a busy server is down for 2 minutes", [], begin, begin + 120, None, dst)
        self.note("hundreds of people behind one address meet it", [], begin, begin + 120, busy)
        for number in range(900):
            time = begin - 60 + number / 3
            guest = busy if number % 2 else pair("100.65.0.0", "2001:db8:201::", self.chance.randrange(4000))[is_new]
            if begin <= time < begin + 120:
                Talk(self.wire, "odd", time, guest, dst, 443).unanswered(3)
            else:
                self.company.fetch("odd", time, guest, dst, 1)

    def crowd(self, is_new):
        begin, dst = self.begin(300), self.company.shop[is_new]
        self.note("a crowd comes to the shop, 5 a second", [], begin, begin + 300, None, dst)
        for number in range(500):
            guest = pair("100.66.0.0", "2001:db8:202::", number)[is_new]
            for _ in range(3):
                self.company.fetch("odd", begin + number * 0.6 + self.chance.uniform(0, 3), guest, dst, 1)

    def peers(self, is_new):
        begin, src = self.begin(600), self.company.desks[3][is_new]
        self.note("file sharing, 45 % of 2 peers a second are gone", [], begin, begin + 600, src)
        for number in range(1200):
            dst = pair("11.0.0.0", "2001:db8:f00::", self.chance.randrange(1 << 24))[is_new]
            port = 6881 if self.chance.random() < 0.4 else self.wire.port()
            self.wire.count("odd")
            self.wire.udp(begin + number / 2, src, 51413, dst, port, 100)
            if self.chance.random() > 0.45:
                self.wire.udp(begin + number / 2 + 0.1, dst, port, src, 51413, 300)

    def gone(self, is_new):
        begin, src, dst = self.begin(900), self.company.desks[4][is_new], pair("192.0.2.250", "2001:db8:100::250", 0)[is_new]
        self.note("a program asks a server that is gone, every 5 s", [], begin, begin + 900, src)
        for number in range(180):
            Talk(self.wire, "odd", begin + number * 5 + self.chance.uniform(0, 0.2), src, dst, 443).refused()

    def all(self):
        self.no_route()
        for is_new in (0, 1):
            for what in (self.deployment, self.outage, self.crowd, self.peers, self.gone):
                what(is_new)


def hour(path, seed, seconds=3600, more=None, desks=40, nat=3.0):
    """Writes PATH, with what `more` adds (Attacks, Odd), and returns what is in it."""
    wire = Wire(seed, seconds)
    company = Company(wire, desks, nat)
    company.work()
    added = more(wire, company) if more else None
    if added:
        added.all()
    wire.write(path)
    return {"seed": seed, "packets": len(wire.frames), "sessions": wire.sessions, "truth": added.truth if added else []}

