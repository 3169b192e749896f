"""One CKD step in PyTorch and transformers, for `npm run bench -- --real`: flat batches, gradients accumulated, AdamW.

Started with a checkpoint folder (f32), a file of sequences with a teacher's top-k, and the number of threads. Answers
each line "step" on standard input with one line of JSON: seconds of each phase, loss, tokens, peak memory. The loss is
STAR's (arXiv 2602.03022, equations 3 to 5): forward KL on the teacher's top-k, and lambda times the student's mass in
its own top-m outside of them, the mean over all tokens of the step. As a good user would, it asks for logits of the
completions alone.
"""

import json
import resource
import sys
import time

import torch
import transformers


def ckd(logits, ids, teacher, top_m, tail):
    logprobs = torch.log_softmax(logits, -1)
    forward = (teacher.exp() * (teacher - logprobs.gather(-1, ids))).sum(-1)
    own = logits.detach().topk(top_m, -1).indices
    outside = torch.ones_like(logits).scatter_(-1, ids, 0.0).gather(-1, own)
    mass = (logprobs.gather(-1, own).exp() * outside).sum(-1)
    return (forward + tail * mass).sum()


def main():
    folder, batch_file, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    torch.set_num_threads(threads)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    with open(batch_file) as file:
        batch = json.load(file)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model.train()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=batch["lr"], betas=(0.9, 0.95), eps=1e-8, weight_decay=0.0, fused=True
    )
    rows = [
        {
            "prompt": len(row["prompt"]),
            "tokens": torch.tensor(row["prompt"] + row["completion"]),
            "ids": torch.tensor(row["teacher_ids"]).view(len(row["completion"]), -1),
            "logprobs": torch.tensor(row["teacher_logprobs"]).view(len(row["completion"]), -1),
        }
        for row in batch["rows"]
    ]
    rows.sort(key=lambda row: len(row["tokens"]))
    counted = sum(len(row["ids"]) for row in rows)
    versions = f"PyTorch {torch.__version__}, transformers {transformers.__version__}"
    print(json.dumps({"version": versions}), flush=True)
    for line in sys.stdin:
        if line.strip() != "step":
            break
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        total = 0.0
        for at in range(0, len(rows), batch["micro_batch"]):
            part = rows[at : at + batch["micro_batch"]]
            tokens = torch.nn.utils.rnn.pad_sequence([row["tokens"] for row in part], batch_first=True)
            # Padding stands behind, where causal attention never looks.
            hidden = model.model(input_ids=tokens).last_hidden_state
            predictors = torch.cat(
                [hidden[i, row["prompt"] - 1 : len(row["tokens"]) - 1] for i, row in enumerate(part)]
            )
            loss = ckd(
                model.lm_head(predictors),
                torch.cat([row["ids"] for row in part]),
                torch.cat([row["logprobs"] for row in part]),
                batch["top_m"],
                batch["tail"],
            )
            (loss / counted).backward()
            total += loss.item() / counted
        between = time.perf_counter()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        end = time.perf_counter()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        answer = {
            "phases": {"gradients": between - start, "update": end - between},
            "loss": total,
            "tokens": sum(len(row["tokens"]) for row in rows),
            "peak": peak,
        }
        print(json.dumps(answer), flush=True)


main()
