"""GRPO by TRL's GRPOTrainer on data/train.jsonl, with rewards over HTTP: `accelerate launch grpo.py config.yaml`."""

import os
import sys

import torch
import yaml
from datasets import load_dataset
from tinystar_events import StepEvents
from transformers import AutoTokenizer
from trl import GRPOConfig, GRPOTrainer

from ckd_trainer import Scheduled, finish, last_checkpoint
from star_reward import reward


class ScheduledGrpo(Scheduled, GRPOTrainer):
    """GRPOTrainer with the recipe's learning-rate schedule."""


def main():
    with open(sys.argv[1]) as file:
        config = yaml.safe_load(file)
    source = config["model"]
    arguments = {**config["training"], "use_cpu": not torch.cuda.is_available()}
    if "MAX_STEPS" in os.environ:
        arguments["max_steps"] = int(os.environ["MAX_STEPS"])
    peft = None
    if "lora" in config:
        from peft import LoraConfig

        peft = LoraConfig(**config["lora"])
    trainer = ScheduledGrpo(
        model=source,
        reward_funcs=reward,
        args=GRPOConfig(model_init_kwargs={"dtype": "float32"}, **arguments),
        callbacks=[StepEvents()],
        train_dataset=load_dataset("json", data_files=config["data"], split="train"),
        processing_class=AutoTokenizer.from_pretrained(source),
        peft_config=peft,
    )
    trainer.schedule = config["schedule"]
    trainer.train(resume_from_checkpoint=last_checkpoint(arguments["output_dir"]))
    finish(trainer, source, config["output"])


if __name__ == "__main__":
    main()
