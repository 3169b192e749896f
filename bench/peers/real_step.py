"""What the peers of `npm run bench -- --real` have in common: the model, the optimiser, and how a step is asked for.

A peer answers each line "step" on standard input with one line of JSON: seconds of each phase, loss, tokens, peak memory.
"""

import json
import resource
import sys

import torch
import transformers


def open_model(folder, lr, threads):
    """The checkpoint in this folder in f32, ready to be trained, and its optimiser."""
    torch.set_num_threads(threads)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model.train()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=lr, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.0, fused=True
    )
    return model, optimizer


def completion_logits(model, sequences, prompts):
    """Logits of the tokens after each sequence's prompt, sequence after sequence; as a good user would, of no others."""
    tokens = torch.nn.utils.rnn.pad_sequence(sequences, batch_first=True)
    # Padding stands behind, where causal attention never looks.
    hidden = model.model(input_ids=tokens).last_hidden_state
    predictors = [hidden[i, n - 1 : len(row) - 1] for i, (row, n) in enumerate(zip(sequences, prompts))]
    return model.lm_head(torch.cat(predictors))


def update(model, optimizer):
    """Clips the gradients and takes one step."""
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()


def serve(step):
    """Answers steps; `step()` returns seconds of each phase, the loss and the tokens that were computed."""
    versions = f"PyTorch {torch.__version__}, transformers {transformers.__version__}"
    print(json.dumps({"version": versions}), flush=True)
    for line in sys.stdin:
        if line.strip() != "step":
            break
        phases, loss, tokens = step()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"phases": phases, "loss": loss, "tokens": tokens, "peak": peak}), flush=True)
