"""Asks an OpenAI-compatible server by the official BFCL v3 program's own handler for OpenAI's API, and judges what it answers.

    python3 -m venv venv && venv/bin/pip install --no-deps bfcl-eval==2025.7.9 && venv/bin/pip install openai mpmath==1.3.0 overrides tenacity
    npx tinystar serve bases/fit-student --port 8321
    venv/bin/python scripts/bfcl-handler.py ask http://127.0.0.1:8321/v1 simple,multiple,java,irrelevance 40 answers
    npx tinystar eval bfcl --data bfcl --responses answers/responses.jsonl --out run
    venv/bin/python scripts/bfcl-handler.py compare answers run

Asks for the first entries of each category, and says which official verdicts on the answers are not those of tinystar.
"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openai  # noqa: E402, F401  before what is absent stands for its optional parts
import tenacity  # noqa: E402, F401
import bfcl_official  # noqa: E402, F401
import bfcl_eval  # noqa: E402
from bfcl_eval.eval_checker.ast_eval.ast_checker import ast_checker  # noqa: E402
from bfcl_eval.model_handler.api_inference.openai_completion import OpenAICompletionsHandler  # noqa: E402
from bfcl_eval.utils import is_empty_output, is_function_calling_format_output  # noqa: E402

# A name whose configuration says that dots of names are underscores in tools.
MODEL = "gpt-4o-2024-11-20-FC"
DATA = Path(bfcl_eval.__file__).parent / "data"
LANGUAGES = {"java": "Java", "javascript": "JavaScript"}


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def verdict(handler, category, entry, answer, result):
    try:
        decoded = handler.decode_ast(result, LANGUAGES.get(category, "Python"))
        is_broken = False
    except Exception:
        decoded, is_broken = None, True
    if "relevance" in category:
        called = not is_broken and not is_empty_output(decoded)
        return None if called == ("irrelevance" not in category) else ("irrelevance_error:decoder_success" if "irrelevance" in category else "relevance_error:decoder_failed")
    if is_broken:
        return "ast_decoder:decoder_failed"
    if not is_function_calling_format_output(decoded):
        return "ast_decoder:decoder_wrong_output_format"
    checked = ast_checker(entry["function"], decoded, answer, LANGUAGES.get(category, "Python"), category, MODEL)
    return None if checked["valid"] else checked["error_type"]


def ask(url, categories, limit, out):
    os.environ.setdefault("OPENAI_API_KEY", "none")
    os.environ["OPENAI_BASE_URL"] = url
    handler = OpenAICompletionsHandler(MODEL, 0.001)
    handler.is_fc_model = True
    Path(out).mkdir(parents=True, exist_ok=True)
    responses, verdicts = [], []
    for category in categories.split(","):
        entries = read(DATA / f"BFCL_v3_{category}.json")[: int(limit)]
        path = DATA / "possible_answer" / f"BFCL_v3_{category}.json"
        answers = {one["id"]: one["ground_truth"] for one in read(path)} if path.exists() else {}

        def answer(entry):
            return handler.inference(json.loads(json.dumps(entry)), False, True)[0]

        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(answer, entries))
        errors = [verdict(handler, category, entry, answers.get(entry["id"]), result) for entry, result in zip(entries, results)]
        responses += [{"id": entry["id"], "result": result} for entry, result in zip(entries, results)]
        verdicts += [{"id": entry["id"], "error": error} for entry, error in zip(entries, errors)]
        called = sum(isinstance(result, list) for result in results)
        print(f"{category}: {errors.count(None)} of {len(entries)} right, {called} with calls")
    for name, lines in (("responses", responses), ("official", verdicts)):
        (Path(out) / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def compare(answers, run):
    ours = {one["id"]: one for one in read(Path(run) / "verdicts.jsonl")}
    results = {one["id"]: one["result"] for one in read(Path(answers) / "responses.jsonl")}
    official = read(Path(answers) / "official.jsonl")
    others = [one for one in official if ours[one["id"]]["valid"] != (one["error"] is None)]
    called = [one for one in official if isinstance(results[one["id"]], list)]
    # Words alone fail elsewhere in the handler of a served model than in that of a local one, which tinystar takes texts for.
    named = [one for one in called if ours[one["id"]].get("error") != one["error"]]
    for one in (*others, *named):
        print(f"{one['id']}: officially {one['error']}, by tinystar {ours[one['id']]}")
    print(f"{len(official) - len(others)} of {len(official)} verdicts are the official ones")
    print(f"{len(called) - len(named)} of {len(called)} answers with calls have the official error, or none")
    return 1 if others or named else 0


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    sys.exit({"ask": ask, "compare": compare}[command](*rest))
