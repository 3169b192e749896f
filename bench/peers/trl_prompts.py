"""What TRL's SFTTrainer makes of requests before it trains on their answers. For bench/runtimes.ts.

Started with a checkpoint folder and a file of requests, {"messages", "tools"} a line; prints {"prompt"} a line: the text
in front of the first token that has a label.
"""

import json
import sys
import tempfile

from datasets import Dataset
from transformers import AutoTokenizer
from trl import SFTConfig, SFTTrainer

folder, requests = sys.argv[1:]
with open(requests) as lines:
    rows = [json.loads(line) for line in lines]
# Tools as text, since Arrow would give each schema the keys of all.
data = Dataset.from_list(
    [
        {
            "prompt": row["messages"],
            "completion": [{"role": "assistant", "content": "."}],
            "tools": json.dumps(row["tools"], ensure_ascii=False),
        }
        for row in rows
    ]
)
tokenizer = AutoTokenizer.from_pretrained(folder)
config = SFTConfig(tempfile.mkdtemp(), report_to=[], max_length=None, use_cpu=True, bf16=False, disable_tqdm=True)
trainer = SFTTrainer(model=folder, args=config, train_dataset=data, processing_class=tokenizer)
for row in trainer.train_dataset:
    first = next(i for i, label in enumerate(row["labels"]) if label != -100)
    print(json.dumps({"prompt": tokenizer.decode(row["input_ids"][:first])}), flush=True)
