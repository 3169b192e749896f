"""One Sim-RL step in PyTorch and transformers, for `npm run bench -- --real`: samples drawn by `generate`, then a
clipped policy gradient with a k3 KL to the reference, flat batches, gradients accumulated, AdamW.

Started with a checkpoint folder (f32), a file of prompts, and the number of threads. The loss is GRPO's (arXiv
2402.03300, equation 3) with the mean over all tokens of the step. Advantages are given, as what rewards cost is not in
question; the reference is the model that draws, so that its log-probabilities are those of the draw.
"""

import json
import sys
import time

import torch

from real_step import completion_logits, open_model, serve, update


def rollout(model, prompts, samples, length):
    """Sequences of `length` tokens, `samples` a prompt, with the log-probabilities that they were drawn with."""
    width = max(len(prompt) for prompt in prompts)
    ids = torch.tensor([[0] * (width - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    model.eval()
    drawn = model.generate(
        input_ids=ids,
        attention_mask=mask,
        do_sample=True,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
        num_return_sequences=samples,
        min_new_tokens=length,
        max_new_tokens=length,
        pad_token_id=0,
        return_dict_in_generate=True,
        output_logits=True,
    )
    model.train()
    completions = drawn.sequences[:, width:]
    logprobs = [
        torch.log_softmax(logits, -1).gather(-1, completions[:, at : at + 1])
        for at, logits in enumerate(drawn.logits)
    ]
    return completions, torch.cat(logprobs, 1)


def policy_gradient(logprobs, old, reference, advantages, clip, kl):
    ratio = (logprobs - old).exp()
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    apart = reference - logprobs
    return (kl * (apart.exp() - apart - 1) - surrogate).sum()


def main():
    folder, batch_file, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with open(batch_file) as file:
        batch = json.load(file)
    model, optimizer = open_model(folder, batch["lr"], threads)
    prompts, samples = batch["prompts"], batch["samples"]

    def step():
        start = time.perf_counter()
        completions, old = rollout(model, prompts, samples, batch["length"])
        between = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        owner = [i // samples for i in range(len(completions))]
        sequences = [torch.tensor(prompts[p] + row.tolist()) for p, row in zip(owner, completions)]
        advantages = torch.tensor([1.0 if (i % samples + p) % 2 == 0 else -1.0 for i, p in enumerate(owner)])
        total = 0.0
        for at in range(0, len(sequences), batch["micro_batch"]):
            part = slice(at, at + batch["micro_batch"])
            logits = completion_logits(model, sequences[part], [len(prompts[p]) for p in owner[part]])
            chosen = completions[part].reshape(-1, 1)
            logprobs = torch.log_softmax(logits, -1).gather(-1, chosen).view(-1, batch["length"])
            loss = policy_gradient(
                logprobs, old[part], old[part], advantages[part, None], batch["clip"], batch["kl"]
            )
            (loss / completions.numel()).backward()
            total += loss.item() / completions.numel()
        learned = time.perf_counter()
        update(model, optimizer)
        end = time.perf_counter()
        phases = {"rollout": between - start, "gradients": learned - between, "update": end - learned}
        return phases, total, sum(len(row) for row in sequences)

    serve(step)


main()
