# splicer: tools over pinned eBPF maps.
#
#   make                   objects and tools, in O (default: build)
#   make install           DESTDIR= PREFIX=/usr/local SYSCONFDIR=/etc
#   make check             all tests (root); what they need is installed by scripts/setup
#   make check-tests       breaks the program on purpose and sees to it that tests notice (root, minutes)
#   make lint              format, static analysis, layering, kernel floor, man pages
#   make bench             what packets and rules cost, minutes (root)
#   make test-oracle       the rule engine against the plain oracle, 10 million times (root; SEED, ORACLE_COMPARISONS)
#   make fuzz              every parser and every program for FUZZ_SECONDS each (60; 3600 for an hour), root; what is found to
#                          be new is kept in O/fuzz (test/fuzz/README.md)
#   make test-vm           sections, packet and net tests on other kernels, under software emulation (hours), and the package
#                          on a machine that boots; VM_FILES says which tests: VM_FILES="packet/icmp net/live",
#                          VM_FLAGS=--short only the first kernel
#   make deb               a Debian package, in O
#   V=1 shows commands; STATIC=1 links tools fully; CROSS_COMPILE=aarch64-linux-gnu- builds for another machine;
#   SANITIZE=1 builds the user side with address and undefined-behaviour sanitizers

O        ?= build
PREFIX   ?= /usr/local
BINDIR   ?= $(PREFIX)/bin
BPFDIR   ?= $(PREFIX)/lib/bpf
MANDIR   ?= $(PREFIX)/share/man
UNITDIR  ?= $(PREFIX)/lib/systemd/system
BASHDIR  ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR   ?= $(PREFIX)/share/zsh/site-functions
DATADIR  ?= $(PREFIX)/share/splicer
# logrotate reads only what is below /etc
SYSCONFDIR ?= $(if $(filter /usr /usr/local,$(PREFIX)),/etc,$(PREFIX)/etc)
LOGROTATEDIR ?= $(SYSCONFDIR)/logrotate.d
# what is kept, and what is of this boot
STATEDIR ?= $(if $(filter /usr /usr/local,$(PREFIX)),,$(PREFIX))/var/lib/splicer
RUNDIR   ?= $(if $(filter /usr /usr/local,$(PREFIX)),,$(PREFIX))/run/splicer

CC       := $(CROSS_COMPILE)$(if $(filter default,$(origin CC)),gcc,$(CC))
CLANG    ?= clang
PKG_CONFIG ?= $(CROSS_COMPILE)pkg-config
INSTALL  ?= install

comma     := ,
WARNINGS  := -Wall -Wextra -Werror
# the multiarch directory of the machine the tools are for; <asm/types.h> lives there
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
BPF_CFLAGS := -g -O2 -mcpu=v3 -target bpf $(WARNINGS) -Ibpf $(if $(MULTIARCH),-I/usr/include/$(MULTIARCH))

CFLAGS   ?= -O2 -g
SPLICER_CFLAGS := -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -Wshadow -Wstrict-prototypes -fno-common -Ilib -Ibpf \
                  $(if $(SANITIZE),-fsanitize=address$(comma)undefined -fno-omit-frame-pointer)
# libbpf and what it needs from archives: a tool starts faster, and runs where no -dev package is
BPF_LIBS := $(shell $(PKG_CONFIG) --static --libs libbpf libelf 2>/dev/null || echo -lbpf -lelf -lz)
LINK_SHARED := -Wl$(comma)-Bstatic $(BPF_LIBS) -Wl$(comma)-Bdynamic -Wl$(comma)--as-needed -lm
LINK     := $(if $(STATIC),-static $(BPF_LIBS) -lm,$(LINK_SHARED))

OBJECTS  := $(patsubst bpf/%.bpf.c,%,$(wildcard bpf/*.bpf.c))
# installed as splicer_NAME
SCRIPTS  := attach detach metrics replay service state upgrade
# of systemd, in scripts/
UNITS    := splicer-audit.service splicer-lb-check.service splicer-metrics.socket splicer-metrics@.service \
            splicer@.service splicer-save.service splicer-save.timer
TOOLS    := $(patsubst tools/%.c,%,$(wildcard tools/*.c))
VERSION  := $(shell sed -nE 's/^.define SPLICER_VERSION "(.*)"$$/\1/p' lib/version.h)
LIB_SRC  := $(wildcard lib/*.c)
MAN8     := $(wildcard man/*.8)
MAN7     := $(wildcard man/*.7)
MAN5     := $(wildcard man/*.5)
UNIT     := $(patsubst test/unit/%.c,%,$(wildcard test/unit/test_*.c))

Q        := $(if $(V),,@)
say       = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(2)')

# Where tools are that run here, as completion is made of what they say. A cross build has none of them, and then no
# completion, unless NATIVE=DIR says where another build is.
NATIVE   ?= $(if $(CROSS_COMPILE),,$(O))
COMPLETION := $(if $(NATIVE),$(O)/completion/splicer.bash $(O)/completion/_splicer)
COMPLETED := $(TOOLS) map_delete_elem $(SCRIPTS:%=splicer_%)

all: objects tools completion
objects: $(OBJECTS:%=$(O)/%.o)
tools: $(TOOLS:%=$(O)/%)
completion: $(COMPLETION)
	$(if $(COMPLETION),,@echo '  no completion: the tools do not run here (see NATIVE in the Makefile)')
bench-tools: $(addprefix $(O)/test/,path_bench rules_bench state_bench events_bench xdp_bench lb_bench flow_bench wrap.o printk.o)
tests: $(UNIT:%=$(O)/test/%) $(O)/test/packet_test $(O)/test/oracle_test $(O)/test/frames_test $(O)/test/flood $(O)/test/subscriber \
	$(O)/test/place_killer $(O)/test/tag.o $(O)/test/untunnel.o

$(O)/%.o: bpf/%.bpf.c
	$(call say,BPF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(O)/$*.bpf.d -c $< -o $@

$(O)/lib/%.o: lib/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SPLICER_CFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(O)/libpinned.a: $(LIB_SRC:lib/%.c=$(O)/lib/%.o)
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(CROSS_COMPILE)ar rcs $@ $^

$(TOOLS:%=$(O)/%): $(O)/%: tools/%.c $(O)/libpinned.a
	$(call say,LD,$@)
	$(Q)$(CC) $(SPLICER_CFLAGS) $(CFLAGS) -MMD -MP -MF $(O)/$*.d $< $(O)/libpinned.a $(LDFLAGS) $(LINK) -o $@

# The one tool that needs libcurl. It is linked with the shared one, with STATIC=1 too: the archive of Debian wants those
# of some fifteen other libraries (Kerberos, LDAP, RTMP...), of which not all exist.
$(O)/lb_check: LINK = $(LINK_SHARED) $(shell $(PKG_CONFIG) --libs libcurl 2>/dev/null || echo -lcurl)
# The one that reads captures: the archive of libpcap wants those of D-Bus and systemd.
$(O)/flow_replay: LINK = $(LINK_SHARED) $(shell $(PKG_CONFIG) --libs libpcap 2>/dev/null || echo -lpcap)

$(O)/completion/splicer.bash: shell = bash
$(O)/completion/_splicer: shell = zsh
$(COMPLETION): $(TOOLS:%=$(NATIVE)/%) $(SCRIPTS:%=scripts/%) $(wildcard scripts/completion*)
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)scripts/completion $(shell) $(NATIVE) >$@

$(O)/test/test_%: test/unit/test_%.c $(O)/libpinned.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SPLICER_CFLAGS) $(CFLAGS) -MMD -MP $< $(O)/libpinned.a $(LDFLAGS) $(LINK) -o $@

$(O)/test/packet_test: $(wildcard test/packet/*.c test/packet/*.h) test/unit/oracle.h $(O)/libpinned.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SPLICER_CFLAGS) $(CFLAGS) $(filter %.c,$^) $(O)/libpinned.a $(LDFLAGS) $(LINK) -o $@

$(O)/test/flood: test/net/flood.c
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SPLICER_CFLAGS) $(CFLAGS) $< $(LDFLAGS) -o $@

# a program that is none of ours: it sees no directory of splicer
$(O)/test/subscriber: test/net/subscriber.c
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -I%,$(SPLICER_CFLAGS)) $(CFLAGS) -MMD -MP $< $(LDFLAGS) $(LINK) -o $@

$(O)/test/place_killer: test/net/place_killer.c $(O)/libpinned.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SPLICER_CFLAGS) $(CFLAGS) -MMD -MP $< $(O)/libpinned.a $(LDFLAGS) $(LINK) -o $@

$(O)/test/tag.o $(O)/test/untunnel.o: $(O)/test/%.o: test/net/%.bpf.c
	$(call say,BPF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@

# what the oracle takes from the packet tests
ORACLE_SRC := $(wildcard test/oracle/*.c) $(addprefix test/packet/,harness.c frames.c spec.c tap.c numbers.c \
	sockets.c words.c xdp_rules.c)

$(O)/test/oracle_test: $(ORACLE_SRC) $(wildcard test/oracle/*.h test/packet/*.h test/unit/oracle.h test/sets/*.h) $(O)/libpinned.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SPLICER_CFLAGS) -Itest $(CFLAGS) $(ORACLE_SRC) $(O)/libpinned.a $(LDFLAGS) $(LINK) -o $@

# the packet fuzzer: what it takes from both
FRAMES_SRC := $(wildcard test/frames/*.c) $(filter-out test/packet/packet_test.c,$(wildcard test/packet/*.c)) \
	$(addprefix test/oracle/,draw.c subject.c)

$(O)/test/frames_test: $(FRAMES_SRC) $(wildcard test/frames/*.h test/oracle/*.h test/packet/*.h test/unit/oracle.h test/sets/*.h) $(O)/libpinned.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SPLICER_CFLAGS) -Itest $(CFLAGS) $(FRAMES_SRC) $(O)/libpinned.a $(LDFLAGS) $(LINK) -o $@

$(O)/test/wrap.o $(O)/test/printk.o: $(O)/test/%.o: test/bench/%.bpf.c test/bench/packet.h
	$(call say,BPF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -Itest/bench -Wno-unused-parameter -c $< -o $@

# each part of the bench is a program, made of one file or of several that begin with its name
BENCH_SHARED := $(addprefix test/bench/,bench.c frames.c process.c nft_elements.c cells.c iperf.c)
$(O)/test/%_bench: $(wildcard test/bench/*.[ch] test/sets/*.h) $(O)/libpinned.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SPLICER_CFLAGS) $(CFLAGS) $(wildcard test/bench/$*_*.c) $(BENCH_SHARED) $(O)/libpinned.a \
		$(LDFLAGS) $(LINK) -o $@

# what scripts say of where things are, as installed
PLACES = -e "s|^PARTS=.*|PARTS='$(DATADIR)'|" -e "s|^OBJECT=.*|OBJECT='$(BPFDIR)/splicer.o'|" -e "s|^TOOLS=.*|TOOLS='$(BINDIR)'|" \
	-e "s|^VERSION=.*|VERSION='$(VERSION)'|" -e "s|^CONFIG=.*|CONFIG='$(SYSCONFDIR)/splicer'|" \
	-e "s|^STATE=.*|STATE='$(STATEDIR)'|" -e "s|^RUN=.*|RUN='$(RUNDIR)'|"

install: all
	$(INSTALL) -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(BPFDIR)
	$(INSTALL) -m 755 $(TOOLS:%=$(O)/%) $(DESTDIR)$(BINDIR)
	ln -sf map_delete $(DESTDIR)$(BINDIR)/map_delete_elem
	$(INSTALL) -d $(DESTDIR)$(DATADIR)
	for script in $(SCRIPTS); do \
		sed $(PLACES) scripts/$$script >$(DESTDIR)$(BINDIR)/splicer_$$script && \
		chmod 755 $(DESTDIR)$(BINDIR)/splicer_$$script || exit; \
	done
	for part in scripts/parts/*; do \
		sed $(PLACES) $$part >$(DESTDIR)$(DATADIR)/$${part##*/} && chmod 644 $(DESTDIR)$(DATADIR)/$${part##*/} || exit; \
	done
	$(INSTALL) -m 644 $(OBJECTS:%=$(O)/%.o) $(DESTDIR)$(BPFDIR)
	$(INSTALL) -m 755 scripts/lab test/net/peer $(DESTDIR)$(DATADIR)
	for script in scripts/demo scripts/packaging/maintain; do \
		sed -e "s|^OBJECTS=.*|OBJECTS='$(BPFDIR)'|" -e "s|^TOOLS=.*|TOOLS='$(BINDIR)'|" \
			-e "s|^PEER=.*|PEER='$(DATADIR)'|" -e "s|^SCRIPT=.*|SCRIPT='splicer_'|" $$script >$(DESTDIR)$(DATADIR)/$${script##*/} && \
		chmod 755 $(DESTDIR)$(DATADIR)/$${script##*/} || exit; \
	done
	$(INSTALL) -d $(DESTDIR)$(UNITDIR)
	for unit in $(UNITS); do \
		sed 's|/usr/local/bin|$(BINDIR)|g' scripts/$$unit >$(DESTDIR)$(UNITDIR)/$$unit && \
		chmod 644 $(DESTDIR)$(UNITDIR)/$$unit || exit; \
	done
	$(INSTALL) -d $(DESTDIR)$(LOGROTATEDIR)
	$(INSTALL) -m 644 scripts/splicer-audit.logrotate $(DESTDIR)$(LOGROTATEDIR)/splicer
ifneq ($(COMPLETION),)
	$(INSTALL) -d $(DESTDIR)$(BASHDIR) $(DESTDIR)$(ZSHDIR)
	$(INSTALL) -m 644 $(O)/completion/splicer.bash $(DESTDIR)$(BASHDIR)/splicer
	for command in $(COMPLETED); do ln -sf splicer $(DESTDIR)$(BASHDIR)/$$command || exit; done
	$(INSTALL) -m 644 $(O)/completion/_splicer $(DESTDIR)$(ZSHDIR)/_splicer
endif
	$(INSTALL) -d $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(MANDIR)/man7 $(DESTDIR)$(MANDIR)/man8
	$(INSTALL) -m 644 $(MAN5) $(DESTDIR)$(MANDIR)/man5
	$(INSTALL) -m 644 $(MAN7) $(DESTDIR)$(MANDIR)/man7
	$(INSTALL) -m 644 $(MAN8) $(DESTDIR)$(MANDIR)/man8
	ln -sf map_delete.8 $(DESTDIR)$(MANDIR)/man8/map_delete_elem.8
	ln -sf splicer_attach.8 $(DESTDIR)$(MANDIR)/man8/splicer_detach.8
	ln -sf verdict_stat.8 $(DESTDIR)$(MANDIR)/man8/splicer_metrics.8
	ln -sf flow_replay.8 $(DESTDIR)$(MANDIR)/man8/splicer_replay.8
	ln -sf splicer_state.8 $(DESTDIR)$(MANDIR)/man8/splicer_service.8

uninstall:
	rm -f $(TOOLS:%=$(DESTDIR)$(BINDIR)/%) $(DESTDIR)$(BINDIR)/map_delete_elem $(OBJECTS:%=$(DESTDIR)$(BPFDIR)/%.o)
	rm -f $(MAN5:man/%=$(DESTDIR)$(MANDIR)/man5/%) $(MAN7:man/%=$(DESTDIR)$(MANDIR)/man7/%)
	rm -f $(SCRIPTS:%=$(DESTDIR)$(BINDIR)/splicer_%) $(UNITS:%=$(DESTDIR)$(UNITDIR)/%)
	rm -f $(DESTDIR)$(LOGROTATEDIR)/splicer $(addprefix $(DESTDIR)$(DATADIR)/,demo lab peer maintain $(notdir $(wildcard scripts/parts/*)))
	rm -f $(addprefix $(DESTDIR)$(BASHDIR)/,splicer $(COMPLETED)) $(DESTDIR)$(ZSHDIR)/_splicer
	-rmdir $(DESTDIR)$(DATADIR)
	rm -f $(MAN8:man/%=$(DESTDIR)$(MANDIR)/man8/%) $(DESTDIR)$(MANDIR)/man8/map_delete_elem.8
	rm -f $(DESTDIR)$(MANDIR)/man8/splicer_detach.8 $(DESTDIR)$(MANDIR)/man8/splicer_metrics.8
	rm -f $(DESTDIR)$(MANDIR)/man8/splicer_replay.8 $(DESTDIR)$(MANDIR)/man8/splicer_service.8

deb:
	$(Q)./scripts/packaging/deb $(O)

check:
	./scripts/check

lint: all tests
	$(Q)./scripts/lint $(O)

bench:
	$(Q)./scripts/bench

check-tests:
	$(Q)./test/mutants

test-oracle: objects tests
	$(Q)ORACLE_COMPARISONS=$${ORACLE_COMPARISONS:-10000000} ./test/oracle/run $(O)

fuzz: FUZZ_SECONDS ?= 60
fuzz: objects tests
	$(Q)./test/fuzz/run $(FUZZ_SECONDS) $(O)/fuzz
	$(Q)FRAMES_SECONDS=$$((4 * $(FUZZ_SECONDS))) ./test/frames/run $(O)

VM_FILES ?= packet net

test-vm: all tests
	$(Q)O=$(O) ./scripts/vm $(VM_FLAGS) $(O)/splicer.o:action:ingress $(O)/splicer.o:action/egress:egress \
		$(O)/lb.o:action:ingress $(O)/lb.o:action/egress:egress $(O)/xdp_filter.o:xdp:xdp \
		$(O)/flow.o:action:ingress $(O)/flow.o:action/egress:egress $(VM_FILES)
	$(Q)O=$(O) ./scripts/check boot

format:
	clang-format -i bpf/*.c bpf/*/*.h lib/*.[ch] tools/*.c test/*/*.[ch]

clean:
	rm -rf $(O)

-include $(wildcard $(O)/*.d $(O)/lib/*.d $(O)/test/*.d)

.PHONY: all objects tools completion tests bench-tools bench check-tests install uninstall check lint deb test-oracle fuzz test-vm \
	format clean
.DELETE_ON_ERROR:
# no rules of make itself: it would make scripts/completion from a newer scripts/completion.sh
.SUFFIXES:
