"""Writes arguments as models may write them, with what they are worth to ACEBench: Python itself is the judge of operations.

    python3.11 scripts/python-values.py packages/benchmarks/test/fixtures/python-values.jsonl.gz

Each line is {"text", "value"}: the argument, and its repr, or null where it has no value. A second argument is the seed, a third the
number of lines. What is no operation follows the benchmark's rules: names are texts, unary operators negate constants alone.
Subscripts outside of operations, which are texts too, and powers that are not whole, whose last digits depend on the C library, are left out.
"""

import ast
import gzip
import json
import random
import signal
import sys
import warnings


def value_of(node):
    if isinstance(node, ast.Constant):
        return "..." if node.value is Ellipsis else node.value
    if isinstance(node, ast.UnaryOp):
        return -node.operand.value
    if isinstance(node, (ast.List, ast.Tuple)):
        return (list if isinstance(node, ast.List) else tuple)(map(value_of, node.elts))
    if isinstance(node, ast.Dict):
        return {value_of(k): value_of(v) for k, v in zip(node.keys, node.values)}
    if isinstance(node, ast.BinOp):
        return eval(ast.unparse(node), {})
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Call):
        return {name_of(node.func): {k.arg: value_of(k.value) for k in node.keywords}}
    raise ValueError(node)


def name_of(node):
    if isinstance(node, ast.Attribute):
        return ".".join(filter(None, [name_of(node.value), node.attr]))
    return node.id if isinstance(node, ast.Name) else ""


def plain_nodes(node):
    """The nodes that are in no operation."""
    yield node
    if not isinstance(node, ast.BinOp):
        for child in ast.iter_child_nodes(node):
            yield from plain_nodes(child)


def judged(text):
    signal.setitimer(signal.ITIMER_REAL, 1)
    try:
        return repr(value_of(ast.parse(text, mode="eval").body))
    except Exception:
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def one(self, *options):
        return self.r.choice(options)

    def number(self):
        return self.one("0", "1", "2", "7", "10", "-3", "2.5", "1e3", "0.1", "True", "False", "1_000", "0x1F", "99", "3")

    def text(self):
        return self.one("''", "'a'", '"b c"', "'x,y'", "'12'", "' 7 '", "'1.5'", "'Straße'", "'%s'", "'%d of %s'", "'%.2f'", "'%05d|%-4s|%+d'", "'-'", "'100%%'")

    def items(self, depth):
        return ", ".join(self.any(depth - 1) for _ in range(self.r.randint(0, 3)))

    def list(self, depth):
        return f"[{self.items(depth)}]"

    def dict(self, depth):
        keys = [self.one("'a'", "'b'", "'c d'", "1", "True", "(1, 2)", "None") for _ in range(self.r.randint(0, 3))]
        return "{" + ", ".join(f"{k}: {self.any(depth - 1)}" for k in keys) + "}"

    def tuple(self, depth):
        return self.one("()", f"({self.any(depth - 1)},)", f"({self.any(depth - 1)}, {self.number()})")

    def sequence(self, depth):
        return self.one(self.list, self.list, self.tuple, self.dict)(depth) if self.r.random() < 0.8 else self.text()

    def call(self, depth):
        n, t, s = self.number, self.text, lambda: self.sequence(depth - 1)
        return self.one(
            lambda: f"int({self.one(n, t)()})",
            lambda: f"int({t()}, 16)",
            lambda: f"float({self.one(n, t)()})",
            lambda: f"str({self.any(depth - 1)})",
            lambda: f"bool({self.any(depth - 1)})",
            lambda: f"len({s()})",
            lambda: f"abs({n()})",
            lambda: f"round({n()}{self.one('', ', 1', ', -1', ', ndigits=2')})",
            lambda: f"{self.one('min', 'max')}({n()}, {n()})",
            lambda: f"{self.one('min', 'max')}({s()})",
            lambda: f"sum({s()})",
            lambda: f"sorted({s()}{self.one('', ', reverse=True')})",
            lambda: f"list({self.one(s, lambda: f'range({n()})')()})",
            lambda: f"tuple({s()})",
            lambda: f"dict({self.one('', 'a=1', self.dict(depth - 1), '[(1, 2)]', self.dict(1) + ', b=2')})",
            lambda: f"pow({n()}, {n()})",
            lambda: f"divmod({n()}, {n()})",
            lambda: f"{self.one('any', 'all')}({s()})",
            lambda: f"ord({t()})",
            lambda: f"chr({self.one('65', '97', '8364', n())})",
            lambda: f"{t()}.{self.one('upper', 'lower', 'strip', 'title', 'capitalize', 'split')}()",
            lambda: f"{t()}.join({s()})",
            lambda: f"{t()}.replace({t()}, {t()})",
            lambda: f"{self.dict(depth - 1)}.get({self.one(t(), n(), chr(39) + 'a' + chr(39) + ', 5')})",
            lambda: f"list({self.dict(depth - 1)}.{self.one('keys', 'values', 'items')}())",
            lambda: f"{s()}.count({n()})",
            lambda: f"list(zip({s()}, {s()}))",
            lambda: f"list(enumerate({s()}))",
            lambda: f"list(reversed({s()}))",
            lambda: f"open({t()})",
            lambda: f"made_up({n()})",
        )()

    def any(self, depth):
        if depth <= 0:
            return self.one(self.number, self.text)()
        kind = self.r.random()
        if kind < 0.3:
            return self.one(self.number, self.text)()
        if kind < 0.5:
            return self.one(self.list, self.dict, self.tuple)(depth)
        if kind < 0.65:
            return self.call(depth)
        if kind < 0.7:
            return f"{self.sequence(depth)}[{self.one('0', '-1', '1:', ':2', '::-1', '1:3', chr(39) + 'a' + chr(39), '5', '0:0')}]"
        if kind < 0.75:
            return f"({self.any(depth - 1)} {self.one('==', '!=', '<', '>=', 'in', 'not in', 'and', 'or')} {self.any(depth - 1)})"
        if kind < 0.78:
            return f"({self.any(depth - 1)} if {self.any(depth - 1)} else {self.any(depth - 1)})"
        if kind < 0.8:
            return f"(not {self.any(depth - 1)})"
        if kind < 0.82:
            return self.one("{1, 2}", "{'a'}", "set()", "None", "...", "name", "-5", "~3")
        return f"({self.operation(depth - 1)})"

    def operation(self, depth):
        operator = self.one("+", "+", "*", "-", "|", "&", "^", "%", "/", "//", "**", "<<", ">>", "@")
        if self.r.random() < 0.5:
            make = self.one(self.list, self.tuple, self.dict, self.call)
            a, b = make(depth), make(depth)
        else:
            a, b = self.any(depth), self.any(depth)
        if operator == "*":
            b = self.one(self.number(), b)
        return f"{a} {operator} {b}"


def main(path, seed="1", count="1500"):
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(TimeoutError()))
    maker, rows = Maker(int(seed)), {}
    while len(rows) < int(count):
        text = maker.operation(2) if maker.r.random() < 0.85 else maker.any(2)
        value = judged(text)
        if "[" in text and any(isinstance(n, ast.Subscript) for n in plain_nodes(ast.parse(text, mode="eval").body)):
            continue
        if value is not None and ("j" in value or ("**" in text or "pow" in text) and "." in value):
            continue
        # Of what has no value, one in ten; an iterator's repr is an address.
        if (value is not None or maker.r.random() < 0.1) and (value is None or (" at 0x" not in value and len(value) < 500)):
            rows[text] = value
    with gzip.GzipFile(path, "wb", mtime=0) as file:
        file.write("".join(json.dumps({"text": t, "value": v}) + "\n" for t, v in rows.items()).encode())


main(*sys.argv[1:])
