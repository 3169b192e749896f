"""What transformers makes of requests, as TRL asks: apply_chat_template, then generate, greedily. For bench/runtimes.ts.

Started with a checkpoint folder and a file of requests, {"messages", "tools"} a line; prints {"prompt", "text"} a line.
"""

import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

folder, requests, longest = sys.argv[1], sys.argv[2], int(sys.argv[3])
torch.set_num_threads(1)
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
with open(requests) as lines:
    for line in lines:
        request = json.loads(line)
        prompt = tokenizer.apply_chat_template(
            request["messages"], tools=request["tools"], add_generation_prompt=True, tokenize=False
        )
        ids = tokenizer(prompt, return_tensors="pt", add_special_tokens=False)
        written = model.generate(**ids, max_new_tokens=longest, do_sample=False)[0][ids["input_ids"].shape[1] :]
        print(json.dumps({"prompt": prompt, "text": tokenizer.decode(written)}), flush=True)
