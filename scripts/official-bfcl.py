"""Judges made-up answers with the official program of BFCL v3 and writes the verdicts that test/eval/bfcl/official.test.ts compares with.

    python3 -m venv venv && venv/bin/pip install --no-deps bfcl-eval==2025.7.9 && venv/bin/pip install mpmath==1.3.0 overrides
    venv/bin/python scripts/official-bfcl.py packages/benchmarks/test/fixtures/bfcl-official.jsonl.gz

Functions, answers and requests are written here, none of them is the benchmark's. A second argument is the seed, a third the number of
answers a kind, for a look at other answers than the kept ones.
"""

import contextlib
import copy
import gzip
import io
import json
import random
import sys
import tempfile
from pathlib import Path

import bfcl_official  # noqa: F401  before what it makes importable
from bfcl_eval.eval_checker import eval_runner
from bfcl_eval.model_handler.api_inference.openai_completion import OpenAICompletionsHandler
from bfcl_eval.model_handler.local_inference.qwen_fc import QwenFCHandler

SERVICE, LOCAL = "gpt-4o-2024-11-20-FC", "Qwen/Qwen3-8B-FC"


def handler(kind, name):
    made = object.__new__(kind)
    made.model_name, made.is_fc_model = name, True
    return made


HANDLERS = {SERVICE: handler(OpenAICompletionsHandler, SERVICE), LOCAL: handler(QwenFCHandler, LOCAL)}


def judge(category, entry, result):
    """The official name of the error, or None."""
    model = LOCAL if isinstance(result, str) else SERVICE
    prompt = [{**copy.deepcopy(entry), "id": "x_0"}]
    answer = [{"id": "x_0", "ground_truth": entry.get("ground_truth")}]
    rows = [{"id": "x_0", "result": copy.deepcopy(result)}]
    language = {"java": "Java", "javascript": "JavaScript"}.get(category, "Python")
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        out = Path(folder)
        name = model.replace("/", "_")
        if "relevance" in category:
            eval_runner.relevance_file_runner(HANDLERS[model], rows, prompt, name, category, out)
        elif "multi_turn" in category:
            prompt[0]["id"] = f"{category}_{judge.calls}"
            eval_runner.multi_turn_runner(HANDLERS[model], rows, prompt, answer, name, category, out)
        else:
            eval_runner.ast_file_runner(HANDLERS[model], rows, prompt, answer, language, category, name, out)
        judge.calls += 1
        head, *wrong = [json.loads(line) for line in next(out.rglob("*.json")).read_text().splitlines()]
    if head["correct_count"] == 1:
        return None
    [row] = wrong
    return row["error_type"] if "error_type" in row else row["error"]["error_type"]


judge.calls = 0


def doc(name, properties, required):
    typed = {key: {"type": kind, **({"items": {"type": items}} if items else {})} for key, (kind, items) in properties.items()}
    return {
        "name": name,
        "description": "Made up.",
        "parameters": {"type": "dict", "properties": typed, "required": required},
    }


PYTHON = [
    (
        doc("garden.water", {"bed": ("string", None), "litres": ("integer", None), "rate": ("float", None)}, ["bed"]),
        {"bed": ["north bed", "North"], "litres": [5, ""], "rate": [1.5, 2, ""]},
    ),
    (
        doc("shop.stock.count", {"tags": ("array", "string"), "limits": ("array", "float"), "deep": ("boolean", None)}, ["tags"]),
        {"tags": [["red", "Big Box"], ["red"]], "limits": [[1.5, 2.5], ""], "deep": [True, ""]},
    ),
    (
        doc("plan", {"day": ("dict", None), "steps": ("array", "dict"), "pair": ("tuple", "integer")}, []),
        {
            "day": [{"from": ["9:00", "nine"], "to": ["12:00"], "note": ["", "short"], "n": [1]}, ""],
            "steps": [[{"do": ["walk"], "km": [3, 3.5]}, {"do": ["rest"], "km": [""]}], ""],
            "pair": [[1, 2], ""],
        },
    ),
    (doc("say", {"what": ("any", None), "to": ("string", None)}, ["what"]), {"what": ["hello", 3], "to": [["a"], ""]}),
    (doc("a.b_c.d", {}, []), {}),
]
JAVA = [
    (
        doc(
            "Box.pack",
            {"ids": ("Array", "integer"), "names": ("ArrayList", "String"), "map": ("HashMap", None), "size": ("double", None)},
            ["ids"],
        ),
        {
            "ids": [[2, 7, 11], []],
            "names": [["ann", "bob"], ["ann", ""], ""],
            "map": [{"limit": [50, 50.0], "on": [True], "name": ["a b", ""]}, ""],
            "size": [4.0, 60.0, "4.", ""],
        },
    ),
    (
        doc(
            "Net.send",
            {"port": ("integer", None), "wait": ("long", None), "part": ("float", None), "raw": ("Array", "double"), "any": ("any", None), "c": ("char", None), "ok": ("boolean", None)},
            [],
        ),
        {"port": [80, ""], "wait": [9, ""], "part": [1.5, ""], "raw": [[60.0, 30.0], ""], "any": ["x.y", ""], "c": ["'a'", ""], "ok": [True, ""]},
    ),
]
JAVASCRIPT = [
    (
        doc("on.event", {"options": ("dict", None), "list": ("array", "integer"), "grid": ("array", "array"), "name": ("String", None)}, []),
        {
            "options": [{"stop": [True], "n": [3, "3"], "name": ["a", ""], "list": [["x", 1]]}, {"stop": [False]}, ""],
            "list": [[1, 2], ""],
            "grid": [[[1, 2], [3, 4]], ""],
            "name": ["it", ""],
        },
    ),
    (
        doc("draw", {"x": ("float", None), "big": ("Bigint", None), "ok": ("Boolean", None), "rows": ("array", "dict"), "any": ("any", None)}, []),
        {"x": [1.5, 60.0, ""], "big": [12, ""], "ok": [True, ""], "rows": [[{"a": [1]}, {"b": ["x"]}], ""], "any": ["z", ""]},
    ),
]


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def some(self, *options):
        return self.r.choice(options)

    def value(self, accepted):
        """An accepted value as a model could give it, at times changed."""
        choice = self.r.choice(accepted)
        if isinstance(choice, dict):
            made = {k: self.r.choice(v) for k, v in choice.items() if "" not in v or self.r.random() < 0.5}
            return self.changed_dict(made)
        if isinstance(choice, list):
            return self.changed_list([self.value([x]) if isinstance(x, (dict, list)) else x for x in choice])
        return self.changed(choice)

    def changed(self, value):
        if self.r.random() > 0.25:
            return value
        if isinstance(value, str):
            return self.some(value.upper(), value + ".", value + "!", "", [value], value.replace(" ", "-"), None, 7)
        if isinstance(value, bool):
            return self.some(not value, str(value), int(value))
        if isinstance(value, (int, float)):
            return self.some(float(value), int(value), -value, str(value), value + 1, None, True)
        return value

    def changed_dict(self, made):
        keys = list(made)
        while self.r.random() < 0.35:
            key = self.r.choice(keys) if keys else "k"
            act = self.some("drop", "change", "change", "add", "order")
            if act == "drop":
                made.pop(key, None)
            elif act == "change":
                made[key] = self.some("wrong", 1, 1.0, None, [], {"a": 1}, True)
            elif act == "add":
                made[self.some("extra", key.upper())] = self.some(1, "x")
            else:
                made = dict(reversed(made.items()))
        return made

    def changed_list(self, made):
        if self.r.random() < 0.3:
            act = self.some("drop", "double", "turn", "empty", "mix")
            made = {"drop": made[:-1], "double": made * 2, "turn": made[::-1], "empty": [], "mix": made + [self.some(1, 1.5, "x", None, True)]}[act]
        return made

    def arguments(self, entry):
        function, accepted = entry
        given = {}
        for key, values in accepted.items():
            if "" in values and self.r.random() < 0.4 or self.r.random() < 0.04:
                continue
            given[key] = self.value([v for v in values if v != ""] or [""])
        if self.r.random() < 0.05:
            given["unknown"] = 1
        return given

    def named(self, name):
        if self.r.random() < 0.85:
            return name.replace(".", "_")
        return self.some(name, name.replace(".", "-"), name.split(".")[-1], name.replace("_", "."), "f")

    def element(self, entry):
        """An element of the list that a service leaves."""
        args = json.dumps(self.arguments(entry))
        name = self.named(entry[0]["name"])
        kind = self.r.random()
        if kind < 0.8:
            return {name: args}
        return self.some(
            {name: json.loads(args)},
            {name: args, "second": "{}"},
            {"second": "{}", name: args},
            {name: args, "second": {}},
            {},
            name,
            None,
            [name, args],
            {name: args + "}"},
            {name: f" {args}\n"},
            {name: "[]"},
            {name: "null"},
            {name: ""},
            {name: None},
            {name: 3},
            {name: json.dumps(args)},
            {name: args.replace("1.5", "NaN")},
            {"name": name, "arguments": args},
            {"function": {"name": name, "arguments": args}},
        )

    def listed(self):
        category = self.some("simple", "multiple", "parallel", "parallel_multiple", "live_simple", "irrelevance", "live_relevance")
        picked = self.r.sample(PYTHON, 1 if "multiple" not in category else 3)
        wanted = picked[: 1 + (category in ("parallel", "parallel_multiple") and self.r.random() < 0.7)]
        if category == "parallel":
            wanted = wanted[:1] * self.r.randint(1, 2)
        entry = {"function": [copy.deepcopy(d) for d, _ in picked], "ground_truth": [{d["name"]: a} for d, a in wanted]}
        self.r.shuffle(entry["function"]) if "multiple" in category else None
        result = [self.element(one) for one in wanted]
        change = self.r.random()
        if change < 0.1:
            result = self.some([], result[:-1], result * 2, [{}], None, [[]], [{}, *result], [*result, {}])
        if "relevance" in category:
            entry["ground_truth"] = []
            if self.r.random() < 0.3:
                result = None
        return category, entry, result

    def texted(self):
        """Answers of a local model, whose names keep their dots, and null."""
        one = self.r.choice(PYTHON)
        category = self.some("simple", "live_simple", "irrelevance", "live_relevance")
        entry = {"function": [copy.deepcopy(one[0])], "ground_truth": [] if "relevance" in category else [{one[0]["name"]: one[1]}]}
        name = self.some(one[0]["name"], one[0]["name"], one[0]["name"].replace(".", "_"))
        call = json.dumps({"name": name, "arguments": self.arguments(one)})
        result = self.some(f"<tool_call>\n{call}\n</tool_call>", f"<tool_call>\n{call}\n</tool_call>", call, None, "")
        return category, entry, result

    def literal(self):
        return self.some(
            "1", "2", "+50", "-3", "4.", ".5", "60.", "3.5", "1e5", "1_000", "7L", "9f", "1.5F", "2.f", "12n", "nan", "inf", "true", "false", "null",
            '"true"', "'true'", '"a"', "'b'", '"a b"', '"3"', "'1.5'", "x.y", '"', "''", '""', "it", "", "Map.of()", '"a]b"', '"p, q"', '"k: v"',
        )

    def written(self, value):
        """A value as a literal, with quotes that it should not have, or another one."""
        right = json.dumps(value)
        bare = right.strip('"')
        return self.some(right, right, right, f'"{bare}"', f"'{bare}'", self.literal())

    def spaced(self, items):
        comma = self.some(",", ", ", " , ", ",\n")
        return comma.join(items) + self.some("", "", "", ",", ",,", " ")

    def java(self, kind, items, right):
        if self.r.random() < 0.5:
            inside = [json.dumps(x) if not isinstance(x, str) or items in (None, "String") else x for x in right] if isinstance(right, list) else None
        else:
            inside = None
        inside = inside if inside is not None else [self.literal() for _ in range(self.r.randint(0, 3))]
        if kind == "Array":
            return f"new {self.some('int', 'String', 'double')}[]{self.some('', ' ')}{{{self.spaced(inside)}}}"
        if kind == "ArrayList":
            adds = " ".join(f"add({x});" for x in inside)
            return self.some(f"new ArrayList<String>(Arrays.asList({self.spaced(inside)}))", f"new ArrayList<>() {{{{ {adds} }}}}", "new ArrayList<>()")
        if kind == "HashMap":
            pairs = right if isinstance(right, dict) else {}
            puts = [f'put("{k}", {self.written(v)});' for k, v in pairs.items()]
            if puts and self.r.random() < 0.4:
                puts.pop(self.r.randrange(len(puts)))
            if self.r.random() < 0.2:
                puts.append(f'put("extra", {self.literal()});')
            return self.some(f"new HashMap<String, Object>() {{{{ {' '.join(puts)} }}}}", f"new HashMap<>(){{{''.join(puts)}}}", "new HashMap<>()", f"new HashMap<String, Object>() {{{{{' '.join(puts)}}}}}")
        suffix = {"long": "L", "float": "f"}.get(kind, "")
        return self.some(f"{json.dumps(right)}{suffix}", str(right), self.literal())

    def javascript(self, kind, items, right):
        if kind == "array":
            if isinstance(right, list) and self.r.random() < 0.6:
                inner = [self.javascript("dict", None, x) if isinstance(x, dict) else f"[{self.spaced(map(str, x))}]" if isinstance(x, list) else json.dumps(x) for x in right]
            else:
                inner = [self.literal() for _ in range(self.r.randint(0, 3))]
            return self.some("[%s]", "[%s]", "new Array(%s)", "[ %s ]") % self.spaced(inner)
        if kind == "dict":
            pairs = []
            for key, value in (right if isinstance(right, dict) else {}).items():
                written = self.javascript("array", None, value) if isinstance(value, list) else self.written(value)
                quote = self.some("", '"', "'")
                pairs.append(f"{quote}{key}{quote}:{self.some('', ' ')}{written}")
            if pairs and self.r.random() < 0.4:
                pairs.pop(self.r.randrange(len(pairs)))
            if self.r.random() < 0.2:
                pairs.append(f"extra: {self.literal()}")
            return "{" + self.spaced(pairs) + "}"
        return self.some(json.dumps(right), str(right), f'"{right}"', f"'{right}'", f"{right}n", self.literal())

    def typed(self):
        language = self.some("java", "javascript")
        function, accepted = self.r.choice(JAVA if language == "java" else JAVASCRIPT)
        given = {}
        for key, values in accepted.items():
            if "" in values and self.r.random() < 0.4:
                continue
            right = self.r.choice([v for v in values if v != ""])
            if isinstance(right, dict):
                right = {k: self.r.choice(v) for k, v in right.items()}
            elif isinstance(right, list):
                right = [{k: self.r.choice(v) for k, v in x.items()} if isinstance(x, dict) else x for x in right]
            spec = function["parameters"]["properties"][key]
            given[key] = getattr(self, language)(spec["type"], spec.get("items", {}).get("type"), right)
            if self.r.random() < 0.03:
                given[key] = self.some(1, None, [], True)
        entry = {"function": [copy.deepcopy(function)], "ground_truth": [{function["name"]: accepted}]}
        if self.r.random() < 0.5:
            return language, entry, [{function["name"].replace(".", "_"): json.dumps(given)}]
        call = json.dumps({"name": function["name"], "arguments": given})
        return language, entry, f"<tool_call>\n{call}\n</tool_call>"

    def flight(self):
        """A date is iterated over, whatever it is."""
        date = lambda: self.some(
            "2024-11-16", "2024-11-15", ["2024", "11"], ["2", "4"], ["1"], ["٣", "1"], [], {}, {"2": 1}, {"1": 0, "3": 0}, {"date": "2024"}, ["a", "1"],
            [1, 2], [["1"]], [None], None, 5, 2.5, True, "", "abc", "²", ["²"], ["x1"], ["12", "3"], {"12": "a", "x": "y"}, [["2", "4"]], "٣", "１2",
        )
        wanted, tried = date(), None
        tried = wanted if self.r.random() < 0.3 else date()
        place = self.some(("SFO", "LAX"), ("SFO", "LAX"), ("RMS", "SBK"), ("LAX", "CIA"), (["SFO"], "LAX"))
        kind = self.some("economy", "business", "first", "first", "other", None)
        call = {"travel_from": place[0], "travel_to": place[1], "travel_date": tried, "travel_class": kind}
        text = ", ".join(f"{k}={v!r}" for k, v in {**call, "travel_date": wanted}.items())
        entry = {
            "initial_config": {"TravelAPI": {"credit_card_list": {}, "booking_record": {}, "access_token": "t", "token_type": "Bearer", "token_expires_in": 9, "token_scope": "x", "user_first_name": "A", "user_last_name": "B", "budget_limit": 1000.0}},
            "involved_classes": ["TravelAPI"],
            "question": [[{"role": "user", "content": "How much?"}]],
            "ground_truth": [[f"get_flight_cost({text})"]],
        }
        step = self.some([{"get_flight_cost": json.dumps(call)}], [{"get_flight_cost": call}], {"get_flight_cost": call})
        extra = self.some([], [None], [5], ["Done."], [[{}]], [[None]], [True])
        return "multi_turn_base", entry, [[*extra, step]]


def main(path, seed="1", count="330"):
    maker, rows = Maker(int(seed)), []
    for kind in ("listed", "typed", "texted", "flight"):
        for i in range(int(count) if kind in ("listed", "typed") else int(count) // 2):
            category, entry, result = getattr(maker, kind)()
            try:
                error = judge(category, entry, result)
            except Exception as problem:  # The official program itself gives up: there is no verdict.
                print(kind, type(problem).__name__, problem, file=sys.stderr)
                continue
            rows.append({"id": f"{category}_{i}", "kind": kind, "category": category, **entry, "result": result, "error": error})
    with gzip.GzipFile(path, "wb", mtime=0) as file:
        file.write("".join(json.dumps(row) + "\n" for row in rows).encode())


main(*sys.argv[1:])
