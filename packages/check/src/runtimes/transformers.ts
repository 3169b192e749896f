/**
 * transformers in Python: its Jinja, its tokenizer, PyTorch; it has no reader of calls, so tinystar's reads what it writes.
 * Version 5.24 takes the head size of Qwen3's GGUF files to be 128, so that it is told.
 */
import { basename, dirname, resolve } from 'node:path';
import { isGguf } from '../../../../src/model/checkpoint/checkpoint-path.ts';
import { startProgram } from '../child.ts';
import type { Runtime } from '../runtime.ts';

const SOURCE = `import json, sys
given = json.loads(sys.argv[1])
import torch, transformers
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()
torch.set_num_threads(given["threads"])
file = {} if given["file"] is None else {"gguf_file": given["file"]}
tokenizer = AutoTokenizer.from_pretrained(given["folder"], **file)
config, about = AutoConfig.from_pretrained(given["folder"], **file), transformers.__version__
if given["file"] is not None:
    from gguf import GGUFReader
    fields = GGUFReader(given["folder"] + "/" + given["file"]).fields
    length = fields.get(fields["general.architecture"].contents() + ".attention.key_length")
    if length is not None and config.head_dim != length.contents():
        config.head_dim = length.contents()
        about += ", told the head_dim, which it does not read"
model = AutoModelForCausalLM.from_pretrained(given["folder"], config=config, dtype=torch.float32, **file).eval()
ends = [tokenizer.eos_token_id] if given["file"] is not None else model.generation_config.eos_token_id
def tell(value):
    print(json.dumps(value), flush=True)
tell({"about": about})
for line in sys.stdin:
    asked, told = json.loads(line), {}
    try:
        tools = [{"type": "function", "function": tool} for tool in asked["tools"]]
        messages = [{"role": "user", "content": asked["request"]}]
        told["prompt"] = tokenizer.apply_chat_template(messages, tools=tools, add_generation_prompt=True, tokenize=False)
        told["tokens"] = tokenizer(told["prompt"], add_special_tokens=False).input_ids
        ids = torch.tensor([told["tokens"]])
        with torch.no_grad():
            made = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=given["maxTokens"], eos_token_id=ends, pad_token_id=tokenizer.eos_token_id)[0, ids.shape[1]:].tolist()
        while made and made[-1] in (ends if isinstance(ends, list) else [ends]):
            made.pop()
        told["written"] = tokenizer.decode(made, skip_special_tokens=False)
    except Exception as thrown:
        told["fault"] = f"{type(thrown).__name__}: {thrown}"
    tell(told)
`;

export const transformers: Runtime = {
  name: 'transformers',
  async find({ model, maxTokens, threads, python, signal }) {
    if (python === undefined) return 'give --python with a Python that has torch, transformers and gguf';
    const whole = resolve(model);
    const place = isGguf(model)
      ? { folder: dirname(whole), file: basename(whole) }
      : { folder: whole, file: null };
    const given = { ...place, maxTokens, threads };
    return startProgram({ ending: 'py', source: SOURCE, interpreter: python, given }, signal);
  },
};
