"""Learning-rate schedule of tinystar's recipes."""

import math


def learning_rate(step, total, lr_scheduler, warmup_ratio, min_lr_ratio):
    """Share of the peak learning rate at the 0-based step; the first step is not at 0."""
    warmup = math.ceil(warmup_ratio * total)
    if step < warmup:
        return (step + 1) / warmup
    if lr_scheduler == "constant":
        return 1.0
    progress = min(1.0, (step - warmup) / max(1, total - warmup))
    return min_lr_ratio + (1 - min_lr_ratio) * 0.5 * (1 + math.cos(math.pi * progress))
