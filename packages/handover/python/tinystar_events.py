"""Steps of a transformers Trainer as the JSON lines that `tinystar submit` follows.

A line is {"event": "step", "step": 3, "steps": 100, "seconds": 1.5, "tokens": 4096, "loss": 0.7, ...}, with metrics under
tinystar's names; further ones are let be. A script that is no Trainer prints such lines itself.
"""

import json
import math
import time

from transformers import TrainerCallback

# Names of transformers and TRL that tinystar has others for.
NAMES = {
    "learning_rate": "lr",
    "completions/mean_length": "completion_tokens",
    "completions/clipped_ratio": "truncated",
    "clip_ratio/region_mean": "clip_fraction",
}
NO_METRICS = {"epoch", "step_time", "num_tokens"}


class StepEvents(TrainerCallback):
    """Prints a line for every step that is logged."""

    def __init__(self):
        self.since = time.monotonic()
        self.tokens = 0

    def on_log(self, args, state, control, logs=None, **_):
        if not state.is_world_process_zero or not logs or "loss" not in logs:
            return
        now = time.monotonic()
        tokens = logs.get("num_tokens", self.tokens)
        metrics = {
            NAMES.get(name, name): value
            for name, value in logs.items()
            if name not in NO_METRICS and isinstance(value, (int, float)) and math.isfinite(value)
        }
        line = {
            "event": "step",
            "step": state.global_step,
            "steps": state.max_steps,
            "seconds": now - self.since,
            "tokens": tokens - self.tokens,
            **metrics,
        }
        print(json.dumps(line), flush=True)
        self.since, self.tokens = now, tokens
