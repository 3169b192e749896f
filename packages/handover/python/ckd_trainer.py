"""CKD and SFT by transformers.Trainer, on data/train.parquet: `accelerate launch ckd_trainer.py config.yaml`.

The loss is star_loss.py's, a mean over all tokens of an optimiser step that are trained on. Logits are made in chunks of
those tokens and computed again for the gradient, so that [tokens, vocabulary] is never in memory as a whole. The loss is
inside of the model's forward pass, where FSDP has the vocabulary's matrix at hand.
"""

import glob
import os
import shutil
import sys
import types

import torch
import yaml
from datasets import load_dataset
from tinystar_events import StepEvents
from torch.utils.checkpoint import checkpoint
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

from star_loss import cross_entropy_rows, distillation_rows
from star_schedule import learning_rate

IGNORED = -100
# Files of the tokenizer go with the result as they are.
TOKENIZER_FILES = [
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    "special_tokens_map.json",
    "added_tokens.json",
    "generation_config.json",
]


def chunk_loss(head, scale, softcap, options, hidden, targets, teacher_ids, teacher_logprobs):
    """Sums over a chunk of rows: the loss, and its parts by their names."""
    logits = head(hidden).float() * scale
    if softcap:
        logits = softcap * torch.tanh(logits / softcap)
    if teacher_ids is None:
        loss = cross_entropy_rows(logits, targets)
        return loss.sum(), {"ce": loss.detach().sum()}
    loss, parts = distillation_rows(logits, targets, teacher_ids, teacher_logprobs, **options)
    return loss.sum(), {name: part.detach().sum() for name, part in parts.items()}


def with_loss(model, options, chunk_rows):
    """Model whose forward pass gives the sum of the loss over all tokens with a label."""
    scale = 1.0 / getattr(model.config, "logits_scaling", 1.0)
    softcap = getattr(model.config, "final_logit_softcapping", None)

    def forward(self, input_ids, attention_mask, labels, teacher_ids=None, teacher_logprobs=None, **_):
        hidden = self.model(input_ids=input_ids, attention_mask=attention_mask, use_cache=False)
        counts = labels[:, 1:] != IGNORED
        rows = hidden.last_hidden_state[:, :-1][counts]  # [R, D]
        targets = labels[:, 1:][counts]  # [R]
        total, sums = 0.0, {}
        for start in range(0, rows.shape[0], chunk_rows):
            part = slice(start, start + chunk_rows)
            taught = teacher_ids is not None
            loss, parts = checkpoint(
                chunk_loss,
                self.get_output_embeddings(),
                scale,
                softcap,
                options,
                rows[part],
                targets[part],
                teacher_ids[part] if taught else None,
                teacher_logprobs[part] if taught else None,
                use_reentrant=False,
            )
            total = total + loss
            for name, value in parts.items():
                sums[name] = sums.get(name, 0.0) + value
        return {"loss": total, **sums}

    model.forward = types.MethodType(forward, model)
    return model


def collate(rows, k, pad):
    """Batch of sequences: padded tokens and labels, and the teacher's entries of all of them one behind the other."""
    longest = max(len(row["input_ids"]) for row in rows)

    def padded(name, value):
        return torch.tensor([row[name] + [value] * (longest - len(row[name])) for row in rows])

    batch = {
        "input_ids": padded("input_ids", pad),
        "labels": padded("labels", IGNORED),
        "attention_mask": torch.tensor(
            [[1] * len(row["input_ids"]) + [0] * (longest - len(row["input_ids"])) for row in rows]
        ),
    }
    if k is not None:
        ids = torch.cat([torch.tensor(row["teacher_ids"], dtype=torch.int64) for row in rows])
        logprobs = torch.cat([torch.tensor(row["teacher_logprobs"], dtype=torch.float32) for row in rows])
        batch["teacher_ids"] = ids.view(-1, k)
        batch["teacher_logprobs"] = logprobs.view(-1, k)
    return batch


class Scheduled:
    """Part of a Trainer: the recipe's learning-rate schedule."""

    schedule = {}

    def create_scheduler(self, num_training_steps, optimizer=None):
        if self.lr_scheduler is None:
            self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(
                self.optimizer if optimizer is None else optimizer,
                lambda step: learning_rate(step, num_training_steps, **self.schedule),
            )
        return self.lr_scheduler


class CkdTrainer(Scheduled, Trainer):
    """Trainer whose loss is a mean over all tokens of an optimiser step, whichever process they are on."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # Tokens of a whole step are counted by their labels, and handed to compute_loss.
        self.model_accepts_loss_kwargs = True
        self.sums = {}

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        outputs = model(**inputs)
        processes = self.accelerator.num_processes
        counted = (inputs["labels"] != IGNORED).sum()
        tokens = num_items_in_batch if num_items_in_batch is not None else counted * processes
        for name, value in {**outputs, "tokens": counted}.items():
            self.sums[name] = self.sums.get(name, 0.0) + value.detach().float()
        # Gradients are averaged over processes.
        loss = outputs["loss"] * processes / tokens
        return (loss, outputs) if return_outputs else loss

    def log(self, logs, *args, **kwargs):
        if self.sums and "loss" in logs:
            sums = self.accelerator.reduce(dict(sorted(self.sums.items())), reduction="sum")
            tokens = sums.pop("tokens")
            logs = {**logs, **{name: (value / tokens).item() for name, value in sums.items()}}
            self.sums = {}
        super().log(logs, *args, **kwargs)


def last_checkpoint(folder):
    """Folder of the last checkpoint, if there is one."""
    found = glob.glob(os.path.join(folder, "checkpoint-*"))
    return max(found, key=lambda path: int(path.rsplit("-", 1)[1])) if found else None


def finish(trainer, source, output):
    """Leaves a Hugging Face folder behind: whole weights, adapters merged, the tokenizer's files as they were."""
    trainer.model.config.use_cache = True
    if hasattr(trainer.model, "merge_and_unload"):
        trainer.model = trainer.model.merge_and_unload()
        if trainer.is_world_process_zero():
            trainer.model.save_pretrained(output)
    else:
        trainer.save_model(output)
    if trainer.is_world_process_zero():
        for name in TOKENIZER_FILES:
            if os.path.exists(os.path.join(source, name)):
                shutil.copyfile(os.path.join(source, name), os.path.join(output, name))


def main():
    with open(sys.argv[1]) as file:
        config = yaml.safe_load(file)
    # A schedule is stretched over the whole run, of which a test takes a few steps.
    arguments = {**config["training"], "use_cpu": not torch.cuda.is_available()}
    if "MAX_STEPS" in os.environ:
        arguments["max_steps"] = int(os.environ["MAX_STEPS"])
    source = config["model"]
    model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
    model.config.use_cache = False
    model = with_loss(model, config.get("loss", {}), config["chunk_rows"])
    if "lora" in config:
        from peft import LoraConfig, get_peft_model

        model = get_peft_model(model, LoraConfig(**config["lora"]))
    data = load_dataset("parquet", data_files=config["data"], split="train")
    pad = model.config.eos_token_id or 0
    pad = pad[0] if isinstance(pad, list) else pad
    k = config.get("kd_topk")
    trainer = CkdTrainer(
        model=model,
        args=TrainingArguments(**arguments),
        callbacks=[StepEvents()],
        train_dataset=data,
        data_collator=lambda rows: collate(rows, k, pad),
    )
    trainer.schedule = config["schedule"]
    trainer.train(resume_from_checkpoint=last_checkpoint(arguments["output_dir"]))
    finish(trainer, source, config["output"])


if __name__ == "__main__":
    main()
