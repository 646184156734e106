#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Draws what a new flow costs over the size of the rule set: JSON Lines of the part "rules" in, SVG out."""
import json
import math
import sys

WIDTH, HEIGHT = 760, 430
LEFT, RIGHT, TOP, BOTTOM = 70, 170, 50, 50
GREY = '#808890'  # to be read on light and on dark ground alike

# kind and IP version of a curve, its name, colour and dashes
SPLICER_CURVES = [
    (('hostile', 4), 'hostile', '#d1495b', ''),
    (('firewall', 4), 'firewall', '#d98e04', ''),
    (('router', 6), 'router, IPv6', '#3a9d8f', ''),
    (('router', 4), 'router', '#2b7fc4', ''),
]


def points(rows, kind, key):
    return [(row['rules'], row[key]) for row in rows if (row['kind'], row['ip']) == kind and row[key]]


def curves(rows):
    """(name, colour, dashes, points) of each. Those of splicer and nft are of frames that go up the stack: that is the
    one way to measure both alike."""
    flow = [row for row in rows if row['block'] == 'flow' and row['packets'] == 'random']
    live = [row for row in rows if row['block'] == 'live']
    found = [(name, colour, dashes, points(live, kind, 'splicer')) for kind, name, colour, dashes in SPLICER_CURVES]
    found.append(('one hash probe', GREY, '2 4', points(flow, ('router', 4), 'probe')))
    found.append(('nft, router, one set', '#8e5bb5', '7 4', points(live, ('router', 4), 'nft_set')))
    found.append(('nft, router, two sets', '#b58bd0', '7 4', points(live, ('router', 4), 'nft_split')))
    return [curve for curve in found if curve[3]]


class Axes:
    """Both logarithmic; whole powers of ten."""

    def __init__(self, drawn):
        xs = [x for curve in drawn for x, _ in curve[3]]
        ys = [max(y, 1) for curve in drawn for _, y in curve[3]]
        self.x = (math.floor(math.log10(min(xs))), math.ceil(math.log10(max(xs))))
        self.y = (math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys))))

    def place(self, x, y):
        across = (math.log10(x) - self.x[0]) / (self.x[1] - self.x[0])
        up = (math.log10(max(y, 1)) - self.y[0]) / (self.y[1] - self.y[0])
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)


def text(x, y, content, anchor='start', colour=GREY):
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}">{content}</text>'


def line(start, end):
    return (f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" '
            f'stroke="{GREY}" stroke-opacity="0.3"/>')


def count_name(power):
    return {0: '1', 1: '10', 2: '100', 3: '1k', 4: '10k', 5: '100k', 6: '1M'}.get(power, f'1e{power}')


def time_name(power):
    return {0: '1 ns', 1: '10 ns', 2: '100 ns', 3: '1 µs', 4: '10 µs', 5: '100 µs', 6: '1 ms'}.get(power, f'1e{power} ns')


def draw_axes(axes):
    left, right, low, high = 10.0 ** axes.x[0], 10.0 ** axes.x[1], 10.0 ** axes.y[0], 10.0 ** axes.y[1]
    for power in range(axes.x[0], axes.x[1] + 1):
        x, y = axes.place(10.0 ** power, low)
        yield line((x, y), axes.place(10.0 ** power, high))
        yield text(x, y + 18, count_name(power), 'middle')
    for power in range(axes.y[0], axes.y[1] + 1):
        x, y = axes.place(left, 10.0 ** power)
        yield line((x, y), axes.place(right, 10.0 ** power))
        yield text(x - 8, y + 4, time_name(power), 'end')
    yield text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, 'rules', 'middle')
    yield text(LEFT, 24, 'New flow, random packet: time per packet, net of a filter that drops at once')


def draw_curve(axes, curve):
    _, colour, dashes, values = curve
    places = [axes.place(x, y) for x, y in sorted(values)]
    path = ' '.join(f'{x:.1f},{y:.1f}' for x, y in places)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ''
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>'
    for x, y in places:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'


def draw_names(axes, drawn):
    """Beside the ends of the curves, from the top down, moved apart where they would touch."""
    ends = sorted((axes.place(*max(curve[3]))[1], curve) for curve in drawn)
    last = 0
    for y, (name, colour, _, _) in ends:
        last = max(y, last + 16)
        yield text(WIDTH - RIGHT + 12, last + 4, name, colour=colour)


def draw(rows):
    drawn = curves(rows)
    axes = Axes(drawn)
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
           f'height="{HEIGHT}" font-family="sans-serif" font-size="13">')
    yield from draw_axes(axes)
    for curve in drawn:
        yield from draw_curve(axes, curve)
    yield from draw_names(axes, drawn)
    yield '</svg>'


def main():
    rows = [json.loads(row) for row in sys.stdin]
    print('\n'.join(draw([row for row in rows if row.get('part') == 'rules'])))


main()
