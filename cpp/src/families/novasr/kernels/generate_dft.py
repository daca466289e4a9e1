"""Generate the straight-line transforms of one tile size as C++ (tile_filter.hpp defines a tile).

    generate_dft.py POINTS OUTPUT

A tile turns POINTS + 1 rows into `3 * POINTS / 2` spectra, and the same number of products into POINTS - 9 rows. Both
are real discrete Fourier transforms. Each is a graph of additions and scalings without duplicate expressions. The
inverse is the transposed graph of a forward transform, so only one direction is written here.
"""

import math
import sys

TAPS = 11
ZERO = None  # a value is None or (sign, node)


class Graph:
    """Additions and scalings; each value is a sign and a node, so no node negates."""

    def __init__(self):
        self.nodes = []
        self._index = {}

    def _node(self, *key):
        if key not in self._index:
            self._index[key] = len(self.nodes)
            self.nodes.append(key)
        return self._index[key]

    def input(self, index):
        return (1, self._node("input", index))

    @staticmethod
    def negate(a):
        return None if a is None else (-a[0], a[1])

    def add(self, a, b):
        if a is None or b is None:
            return b if a is None else a
        (sign_a, node_a), (sign_b, node_b) = a, b
        if sign_a == sign_b:
            return (sign_a, self._node("add", min(node_a, node_b), max(node_a, node_b)))
        if node_a == node_b:
            return ZERO
        if ("sub", node_b, node_a) in self._index:
            return (sign_b, self._node("sub", node_b, node_a))
        return (sign_a, self._node("sub", node_a, node_b))

    def sub(self, a, b):
        return self.add(a, self.negate(b))

    def scale(self, factor, a):
        if a is None or abs(factor) < 1e-15:
            return ZERO
        sign = a[0] if factor > 0 else -a[0]
        if abs(abs(factor) - 1) < 1e-15:
            return (sign, a[1])
        return (sign, self._node("scale", abs(factor), a[1]))

    def weighted_sum(self, factors, values, start=ZERO):
        for factor, value in zip(factors, values):
            start = self.add(start, self.scale(factor, value))
        return start


def real_dft(g, x):
    """Return [(re, im)] for frequencies 0..N/2 of X_k = sum_n x_n exp(-2 pi i k n / N)."""
    if len(x) % 2:
        return odd_dft(g, x)
    if len(x) == 2:
        return [(g.add(*x), ZERO), (g.sub(*x), ZERO)]
    return split_radix_dft(g, x) if len(x) % 4 == 0 else twice_odd_dft(g, x)


def odd_dft(g, x):
    """N odd: the definition, with the inputs paired into even and odd parts."""
    n, half = len(x), range(1, len(x) // 2 + 1)
    even = [g.add(x[j], x[n - j]) for j in half]
    odd = [g.sub(x[j], x[n - j]) for j in half]
    result = [(g.weighted_sum([1.0] * len(even), even, x[0]), ZERO)]
    for k in half:
        angles = [2 * math.pi * (k * j % n) / n for j in half]
        result.append(
            (
                g.weighted_sum([math.cos(a) for a in angles], even, x[0]),
                g.weighted_sum([-math.sin(a) for a in angles], odd),
            )
        )
    return result


def twice_odd_dft(g, x):
    """N = 2 M, M odd: two transforms of length M and no twiddle factors (the prime factor algorithm)."""
    m = len(x) // 2
    sums = real_dft(g, [g.add(x[j], x[j + m]) for j in range(m)])
    differences = [g.sub(x[j], x[j + m]) if j % 2 == 0 else g.sub(x[j + m], x[j]) for j in range(m)]
    differences = real_dft(g, differences)
    result = [None] * (m + 1)
    for j in range(m // 2 + 1):
        result[2 * j] = sums[j]
        re, im = differences[j]
        result[m - 2 * j] = (re, g.negate(im))  # frequency M + 2j is the conjugate of M - 2j
    return result


def split_radix_dft(g, x):
    """N = 4 Q: one transform of length N/2 (even samples) and two of length Q (samples 4j+1 and 4j+3)."""
    n, q = len(x), len(x) // 4
    even, first, third = real_dft(g, x[0::2]), real_dft(g, x[1::4]), real_dft(g, x[3::4])

    def at(spectrum, length, k):
        k %= length
        if k <= length // 2:
            return spectrum[k]
        re, im = spectrum[length - k]
        return re, g.negate(im)

    def rotate(value, k):
        """Multiply by exp(-2 pi i k / N)."""
        c, s = math.cos(2 * math.pi * k / n), -math.sin(2 * math.pi * k / n)
        re, im = value
        if abs(abs(c) - abs(s)) < 1e-12:  # 1/8 of a turn: one factor for both parts
            tilted = g.negate(im) if s * c > 0 else im
            return g.scale(c, g.add(re, tilted)), g.scale(
                c, g.sub(im, g.negate(re) if s * c > 0 else re)
            )
        return g.sub(g.scale(c, re), g.scale(s, im)), g.add(g.scale(s, re), g.scale(c, im))

    result = [None] * (n // 2 + 1)

    def put(k, re, im):
        for index, imaginary in ((k % n, im), (-k % n, g.negate(im))):
            if index <= n // 2 and result[index] is None:
                result[index] = (re, imaginary)

    for k in range(n // 8 + 1):
        a, b = rotate(at(first, q, k), k), rotate(at(third, q, k), 3 * k)
        total = g.add(a[0], b[0]), g.add(a[1], b[1])
        difference = g.sub(a[0], b[0]), g.sub(a[1], b[1])
        low, high = at(even, n // 2, k), at(even, n // 2, k + q)
        put(k, g.add(low[0], total[0]), g.add(low[1], total[1]))
        put(k + 2 * q, g.sub(low[0], total[0]), g.sub(low[1], total[1]))
        put(k + q, g.add(high[0], difference[1]), g.sub(high[1], difference[0]))
        put(k + 3 * q, g.sub(high[0], difference[1]), g.add(high[1], difference[0]))
    return result


def transpose(graph, outputs, input_count):
    """Return the transposed linear map: (graph, outputs), with one input per element of `outputs`."""
    t = Graph()
    gathered = [ZERO] * len(graph.nodes)

    def gather(node, value):
        gathered[node] = t.add(gathered[node], value)

    for index, output in enumerate(outputs):
        if output is not None:
            gather(output[1], t.scale(output[0], t.input(index)))
    result = [ZERO] * input_count
    for node in reversed(range(len(graph.nodes))):
        value, (kind, *operands) = gathered[node], graph.nodes[node]
        if value is None:
            continue
        if kind == "input":
            result[operands[0]] = value
        elif kind == "scale":
            gather(operands[1], t.scale(operands[0], value))
        else:
            gather(operands[0], value)
            gather(operands[1], value if kind == "add" else t.negate(value))
    return t, result


def spectra(points):
    """Rows to spectra, in the order of tile_filter.hpp; the complex ones as (re + im, re, im)."""
    g = Graph()
    x = [g.input(i) for i in range(points + 1)]
    frequencies = real_dft(g, [x[points], *x[1:points]])
    outputs = [frequencies[0][0], frequencies[points // 2][0]]
    for re, im in frequencies[1 : points // 2]:
        outputs += [g.add(re, im), re, im]
    return g, [*outputs, g.sub(x[0], x[points])]


def rows(points):
    """Products to rows: y_t = sum_k re_k cos - im_k sin, re = p1 - p3, im = p1 + p2 for each triple of products."""
    g = Graph()
    count = points + 1 - (TAPS - 1)
    y = [g.input(i) for i in range(count)]
    frequencies = real_dft(g, y + [ZERO] * (points - count))
    outputs = [frequencies[0][0], frequencies[points // 2][0]]
    for re, im in frequencies[1 : points // 2]:
        outputs += [g.add(re, im), im, g.negate(re)]
    return transpose(g, [*outputs, y[0]], count)


class Emitter:
    """Writes a graph in construction order: one small transform after the other.

    This keeps fewer values alive and more operations independent than depth-first order from the outputs. A scaling
    used once becomes part of a fused multiply-add.
    """

    def __init__(self, graph, outputs, load, store):
        self.nodes, self.load, self.lines, self.names = graph.nodes, load, [], {}
        self.uses = self._count_uses(outputs)
        for node in sorted(self.uses):
            stores = [
                (index, sign) for index, (sign, output) in enumerate(outputs) if output == node
            ]
            if stores or not (self.nodes[node][0] == "input" or self.fusable(node)):
                name = self.emit(node)
                self.lines += [
                    store(index, name if sign > 0 else f"-{name}") for index, sign in stores
                ]

    def _count_uses(self, outputs):
        uses, pending = {}, [node for _, node in outputs]
        while pending:
            node = pending.pop()
            uses[node] = uses.get(node, 0) + 1
            if uses[node] == 1:
                kind, *operands = self.nodes[node]
                pending += {"input": [], "scale": operands[1:]}.get(kind, operands)
        return uses

    def emit(self, node):
        if node not in self.names:
            text = self.expression(node)
            self.names[node] = f"t{node}"
            self.lines.append(f"const Vec t{node} = {text};")
        return self.names[node]

    def expression(self, node):
        kind, *operands = self.nodes[node]
        if kind == "input":
            return self.load(operands[0])
        if kind == "scale":
            return f"{self.emit(operands[1])} * splat({operands[0]:.9e}f)"
        a, b = operands
        if self.fusable(b):
            factor = self.nodes[b][1] if kind == "add" else -self.nodes[b][1]
            left = self.emit(a)
            return f"multiply_add({self.emit(self.nodes[b][2])}, splat({factor:.9e}f), {left})"
        if self.fusable(a):
            right = self.emit(b)
            sign = "" if kind == "add" else "-"
            return f"multiply_add({self.emit(self.nodes[a][2])}, splat({self.nodes[a][1]:.9e}f), {sign}{right})"
        left, right = self.emit(a), self.emit(b)
        return f"{left} {'+' if kind == 'add' else '-'} {right}"

    def fusable(self, node):
        return self.nodes[node][0] == "scale" and self.uses[node] == 1 and node not in self.names


def function(signature, lines):
    body = "\n".join(f"  {line}" for line in lines)
    return f"NOVASR_NOINLINE void {signature} NOVASR_RT {{\n{body}\n}}\n"


def main(points, path):
    forward = Emitter(
        *spectra(points),
        lambda i: f"load(rows + {i} * kChannels)",
        lambda i, value: f"store(spectra + {i} * stride, {value});",
    )
    backward = Emitter(
        *rows(points),
        lambda i: f"load(products + {i} * stride)",
        lambda i, value: f"store(rows + {i} * kChannels, {value});",
    )
    with open(path, "w", encoding="utf-8") as file:
        file.write("// Written by generate_dft.py; do not edit.\n")
        arguments = "(const float* __restrict rows, float* __restrict spectra, size_t stride)"
        file.write(function(f"rows_to_spectra_{points}{arguments}", forward.lines))
        arguments = "(const float* __restrict products, size_t stride, float* __restrict rows)"
        file.write(function(f"products_to_rows_{points}{arguments}", backward.lines))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
