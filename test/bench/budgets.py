#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""budgets [-j|--markdown]    what has a budget, beside its baseline: JSON Lines of the parts in, a table out

With BENCH_BUDGETS=1 parts measure what has a budget and nothing else.
Of several rows that a budget is for, such as those of IPv4 and of IPv6, the dearest is shown, which CASE tells.
"""
import json
import os
import sys
import time
from dataclasses import dataclass
from typing import Callable

MIB = 1 << 20


@dataclass
class Budget:
    """What rows it is for, and what of them it is about."""
    work: str  # {} of the row's keys
    rows: dict  # the value of a key, or a function that says whether it is one of them
    unit: str
    measured: Callable
    limit: Callable  # of a baseline: what must not be exceeded, or with at_least what must be reached
    budget: str  # the same in words
    baseline: tuple = ('', lambda row: None)  # its name, its value
    at_least: bool = False
    by: str = ''  # a line for each value of this key


def ends(*texts):
    return lambda packet: packet.endswith(texts)


def key(name):
    return lambda row: row[name]


def of_ns(name):
    """Thousands per second."""
    return lambda row: 1e6 / row[name]


def at_most(value):
    return lambda baseline: value


def times(factor):
    return lambda baseline: baseline and baseline * factor


def over_nft(row):
    took = row['nft_set_load_ms']
    return took and row['rules'] / took * 1000


EMPTY = ('empty program', key('empty'))
PROBE = ('one exact hash probe', key('probe'))
SOURCES = {'one': 'one source', 'thousand': 'a thousand sources in turn', 'any': 'each source in turn'}

BUDGETS = [
    Budget('established TCP, by socket lookup', {'part': 'state', 'block': 'run', 'packet': ends('TCP, by socket')},
           'ns', key('net'), at_most(40), '≤ 40 ns', EMPTY),
    Budget('established, by connection table', {'part': 'state', 'block': 'run', 'packet': ends('by table')},
           'ns', key('net'), at_most(60), '≤ 60 ns', EMPTY),
    Budget('new flow, {rules:,} rules of 1 tuple, any destination',
           {'part': 'path', 'packet': ends('any destination')},
           'ns', key('net'), at_most(300), '≤ 300 ns', PROBE),
    Budget('new flow, {rules:,} rules of 32 tuples, uncached',
           {'part': 'rules', 'block': 'flow', 'kind': 'firewall', 'packets': 'random'},
           'ns', key('net'), at_most(1200), '≤ 1200 ns', PROBE),
    Budget('XDP drop, {rules:,} prefixes, {sources}', {'part': 'xdp', 'block': 'run', 'match': 'hit'},
           'ns', key('net'), times(1.2), '≤ 1.2 of it', ('xdp-filter, 10,000 hosts', key('tools_10k')), by='packets'),
    Budget('drop rate over veth, one CPU, {sources}', {'part': 'xdp', 'block': 'send'},
           'Mpps', key('splicer'), times(0.65), '≥ 65 % of it', ('bare XDP_DROP', key('bare')), True, by='packets'),
    Budget('load balancer, established', {'part': 'lb', 'block': 'run'},
           'ns', key('net'), at_most(50), '≤ 50 ns', EMPTY),
    Budget('flow accounting per packet', {'part': 'flow', 'block': 'run'},
           'ns', key('net'), at_most(60), '≤ 60 ns', EMPTY),
    Budget('UDP flood accepted over veth', {'part': 'state', 'block': 'flood'},
           'kpps', of_ns('splicer'), times(0.9), '≥ 90 % of it', ('no filter', of_ns('none')), True),
    Budget('map_update, one rule beside {rules:,}', {'part': 'rules', 'block': 'change'},
           'ms', lambda row: row['insert'] / 1000, lambda baseline: baseline + 0.5, '≤ it + 0.5 ms',
           ('/bin/true', lambda row: row['true'] / 1000), by='rules'),
    Budget('map_update -f, {rules:,} rules', {'part': 'rules', 'block': 'bulk'},
           'rules/s', key('load_rate'), at_most(150000), '≥ 150,000 rules/s', ('nft -f, set of intervals', over_nft),
           True, by='rules'),
    Budget('memory of all maps, no rules', {'part': 'rules', 'block': 'memory'},
           'MiB', lambda row: row['bytes_empty'] / MIB, at_most(32), '≤ 32 MiB'),
    Budget('memory per rule, {rules:,} rules', {'part': 'rules', 'block': 'memory', 'kind': 'firewall'},
           'B', key('bytes_per_rule'), at_most(384), '≤ 384 B'),
]


class Line:
    """A budget with one of the rows that it is for."""

    def __init__(self, budget, row):
        name, value = budget.baseline
        self.budget = budget
        self.work = budget.work.format(**row, sources=SOURCES.get(row.get('packets'), ''))
        self.case = case_of(row)
        self.rounds = row.get('rounds', 1)
        self.measured = budget.measured(row)
        self.baseline, self.baseline_name = value(row), name
        self.limit = budget.limit(self.baseline)

    @property
    def ratio(self):
        return self.measured / self.baseline if self.baseline else None

    @property
    def strain(self):
        """1: just within the budget. None: it is one of a baseline that is not here."""
        if not self.limit:
            return None
        return self.limit / self.measured if self.budget.at_least else self.measured / self.limit

    @property
    def met(self):
        return self.strain <= 1 if self.strain is not None else None


def case_of(row):
    if 'packet' in row:
        return row['packet']
    return f'IPv{row["ip"]}, {row["kind"]}'


def is_of(row, rows):
    return all(name in row and (want(row[name]) if callable(want) else row[name] == want)
               for name, want in rows.items())


def dearest(lines):
    """Of those that have the baseline, where some have."""
    beside = [line for line in lines if line.baseline] or lines
    return max(beside, key=lambda line: line.strain or 0)


def lines_of(rows):
    for budget in BUDGETS:
        groups = {}
        for row in rows:
            if is_of(row, budget.rows):
                groups.setdefault(row.get(budget.by), []).append(Line(budget, row))
        # of sources one, a thousand, any; of rules few to many
        order = list(SOURCES).index if budget.by == 'packets' else lambda value: value or 0
        for value in sorted(groups, key=order):
            yield dearest(groups[value])


# ---- what is printed ----

def figure(value, unit):
    if value is None:
        return '-'
    digits = {'Mpps': 2, 'ms': 2, 'MiB': 1}.get(unit, 0)
    return f'{value:,.{digits}f} {unit}'


def cells(line):
    unit = line.budget.unit
    return {
        'WORK': line.work,
        'BUDGET': line.budget.budget,
        'MEASURED': figure(line.measured, unit),
        'BASELINE': line.baseline_name or '-',
        'VALUE': figure(line.baseline, unit),
        'RATIO': f'{line.ratio:.2f}' if line.ratio is not None else '-',
        'MET': {True: 'yes', False: 'no', None: '-'}[line.met],
        'ROUNDS': str(line.rounds),
        'CASE': line.case,
    }


RIGHT = ('MEASURED', 'VALUE', 'RATIO', 'ROUNDS')


def processor():
    with open('/proc/cpuinfo', encoding='utf-8', errors='replace') as info:
        names = [line.split(':', 1)[1].strip() for line in info if line.startswith('model name')]
    return names[0] if names else os.uname().machine


def machine():
    return (f'Linux {os.uname().release}, {processor()}, {os.cpu_count()} processors, '
            f'{time.strftime("%Y-%m-%d")}.')


def table_print(lines):
    rows = [cells(line) for line in lines]
    width = {name: max(len(row[name]) for row in [*rows, {name: name}]) for name in rows[0]}
    for row in [{name: name for name in width}, *rows]:
        print('  '.join(text.rjust(width[name]) if name in RIGHT else text.ljust(width[name])
                        for name, text in row.items()).rstrip())
    print('\nns are net of the empty program. MEASURED and VALUE: medians of so many ROUNDS, in which both take turns.'
          '\nRATIO: of one to the other. Of several cases the dearest is shown.')
    print(machine())


def markdown_print(lines):
    print('| work | budget | measured | baseline in the same run | ratio | met |\n|---|---|---:|---|---:|---|')
    for line in lines:
        row = cells(line)
        beside = row['BASELINE'] if row['VALUE'] == '-' else f'{row["BASELINE"]}: {row["VALUE"]}'
        print('| ' + ' | '.join([row['WORK'], row['BUDGET'], row['MEASURED'], beside, row['RATIO'], row['MET']]) + ' |')
    rounds = sorted({line.rounds for line in lines if line.rounds > 1})
    print(f'\n{machine()} Medians of {", ".join(map(str, rounds))} rounds in which both take turns; of several cases,'
          '\nsuch as IPv4 and IPv6, the dearest. Nanoseconds are net of the empty program.')


def json_print(lines):
    for line in lines:
        print(json.dumps({
            'part': 'budgets', 'work': line.work, 'case': line.case, 'unit': line.budget.unit,
            'limit': line.limit, 'at_least': line.budget.at_least, 'measured': line.measured,
            'baseline': line.baseline_name or None, 'baseline_value': line.baseline, 'ratio': line.ratio,
            'met': line.met, 'rounds': line.rounds}, ensure_ascii=False))


def main():
    prints = {(): table_print, ('-j',): json_print, ('--markdown',): markdown_print}.get(tuple(sys.argv[1:]))
    if not prints:
        print(__doc__, end='', file=sys.stderr)
        return 2
    lines = list(lines_of([json.loads(row) for row in sys.stdin]))
    if not lines:
        print('budgets: no row that has a budget', file=sys.stderr)
        return 1
    prints(lines)
    return 0


sys.exit(main())
