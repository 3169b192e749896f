"""One CKD step in PyTorch and transformers, for `npm run bench -- --real`: flat batches, gradients accumulated, AdamW.

Started with a checkpoint folder (f32), a file of sequences with a teacher's top-k, and the number of threads. The loss is
STAR's (arXiv 2602.03022, equations 3 to 5): forward KL on the teacher's top-k, and lambda times the student's mass in
its own top-m outside of them, the mean over all tokens of the step.
"""

import json
import sys
import time

import torch

from real_step import completion_logits, open_model, serve, update


def ckd(logits, ids, teacher, top_m, tail):
    logprobs = torch.log_softmax(logits, -1)
    forward = (teacher.exp() * (teacher - logprobs.gather(-1, ids))).sum(-1)
    own = logits.detach().topk(top_m, -1).indices
    outside = torch.ones_like(logits).scatter_(-1, ids, 0.0).gather(-1, own)
    mass = (logprobs.gather(-1, own).exp() * outside).sum(-1)
    return (forward + tail * mass).sum()


def main():
    folder, batch_file, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with open(batch_file) as file:
        batch = json.load(file)
    model, optimizer = open_model(folder, batch["lr"], threads)
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

    def step():
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        total = 0.0
        for at in range(0, len(rows), batch["micro_batch"]):
            part = rows[at : at + batch["micro_batch"]]
            loss = ckd(
                completion_logits(model, [row["tokens"] for row in part], [row["prompt"] for row in part]),
                torch.cat([row["ids"] for row in part]),
                torch.cat([row["logprobs"] for row in part]),
                batch["top_m"],
                batch["tail"],
            )
            (loss / counted).backward()
            total += loss.item() / counted
        between = time.perf_counter()
        update(model, optimizer)
        phases = {"gradients": between - start, "update": time.perf_counter() - between}
        return phases, total, sum(len(row["tokens"]) for row in rows)

    serve(step)


main()
