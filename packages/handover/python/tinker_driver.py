"""CKD or SFT on Tinker, from data/train.parquet: `python tinker_driver.py config.json`.

Only forward and backward passes and optimiser steps are asked of the service; order, schedule and loss are here.
"""

import json
import os
import random
import sys

import tinker
import torch
from datasets import load_dataset
from tinker import types

from star_schedule import learning_rate
from tinker_graph import loss_function

IGNORED = -100


def adaptive_head(logprobs):
    """1 for the smallest prefix of sorted log-probabilities whose mass reaches 1/2, [T, K]."""
    before = logprobs.exp().cumsum(-1) - logprobs.exp()
    return (before < 0.5).float()


def datum_of(row, k, weight, with_head):
    """Sequence as the service takes it: at each position the teacher's ids for the next token, weighted where it counts."""
    ids, labels = row["input_ids"], row["labels"][1:]
    counts = torch.tensor([label != IGNORED for label in labels])
    inputs = {"weights": counts.float() * weight}
    if k is None:
        inputs["target_tokens"] = torch.tensor(ids[1:])
    else:
        targets = torch.arange(k).repeat(len(labels), 1)
        logprobs = torch.full((len(labels), k), -1.0)
        targets[counts] = torch.tensor(row["teacher_ids"]).view(-1, k)
        logprobs[counts] = torch.tensor(row["teacher_logprobs"], dtype=torch.float32).view(-1, k)
        inputs.update(target_tokens=targets, teacher_logprobs=logprobs)
        if with_head:
            inputs["teacher_head"] = adaptive_head(logprobs)
    return types.Datum(
        model_input=types.ModelInput.from_ints(ids[:-1]),
        loss_fn_inputs={name: types.TensorData.from_torch(value) for name, value in inputs.items()},
    )


def main():
    with open(sys.argv[1]) as file:
        config = json.load(file)
    k = config.get("kd_topk")
    data = load_dataset("parquet", data_files=config["data"], split="train")
    service = tinker.ServiceClient(base_url=os.environ.get("TINKER_BASE_URL"))
    client = service.create_lora_training_client(
        config["base_model"], rank=config["lora_rank"], seed=config["seed"] % 2**31
    ).result()
    loss = None
    with_head = False
    if k is not None:
        with open("loss.json") as file:
            described = json.load(file)
        ranks = {one["name"]: one["rank"] for one in described["inputs"]}
        with_head = "teacher_head" in ranks
        loss = service.create_custom_loss(loss_function(described), input_ranks=ranks).result()
    batch = config["batch_size"]
    total = max(1, len(data) * config["max_epochs"] // batch)
    total = min(total, config.get("max_steps", total))
    peak = config["adam"]["learning_rate"]
    order = []
    for step in range(total):
        while len(order) < batch:
            epoch = list(range(len(data)))
            random.Random(config["seed"] + step).shuffle(epoch)
            order += epoch
        rows = [data[index] for index in order[:batch]]
        order = order[batch:]
        tokens = sum(label != IGNORED for row in rows for label in row["labels"][1:])
        examples = [datum_of(row, k, 1 / max(1, tokens), with_head) for row in rows]
        # The losses of a batch are added up: weights make that the mean over its tokens.
        if loss is None:
            done = client.forward_backward(examples, "cross_entropy")
        else:
            done = client.forward_backward_custom(examples, loss)
        rate = peak * learning_rate(step, total, **config["schedule"])
        stepped = client.optim_step(adam_params=types.AdamParams(**{**config["adam"], "learning_rate": rate}))
        print(json.dumps({"step": step + 1, "of": total, "lr": rate, **done.result().metrics}), flush=True)
        stepped.result()
        if (step + 1) % config["save_steps"] == 0:
            client.save_state(f"{config['name']}-{step + 1}").result()
    path = client.save_weights_external(f"{config['name']}-final").result().path
    with open("trained.txt", "w") as file:
        file.write(f"{path}\n")
    print(f"The trained weights are {path}.", flush=True)


if __name__ == "__main__":
    main()
