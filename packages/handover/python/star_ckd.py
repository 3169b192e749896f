"""STAR's distillation loss for verl, registered as star_ckd: VERL_USE_EXTERNAL_MODULES=star_ckd, loss_mode=star_ckd.

verl looks its top-k loss up when it is called, so that function is replaced where the mode is star_ckd; its aggregation
clamps each token's loss at 0, which a truncated KL is not bounded by, so ours does not.
"""

import json
import os

import torch

from star_loss import distillation_rows

_HERE = os.path.dirname(os.path.abspath(__file__))
NAME = "star_ckd"


def loss_options():
    """Options of the loss, from star_loss.json beside this file."""
    with open(os.environ.get("STAR_LOSS", os.path.join(_HERE, "star_loss.json"))) as file:
        return json.load(file)


def compute_star_topk(student_logits, teacher_topk_log_probs, teacher_topk_ids, config, data_format, options=None):
    """Loss of each token [1, T] from nested top-k of the teacher, with verl's diagnostics."""
    ids = teacher_topk_ids.values().unsqueeze(0)  # [1, T, K]
    logprobs = teacher_topk_log_probs.values().unsqueeze(0)
    rows = student_logits.reshape(-1, student_logits.shape[-1])
    k = ids.shape[-1]
    flat_ids = ids.reshape(-1, k).to(torch.int64)
    loss, parts = distillation_rows(
        rows, None, flat_ids, logprobs.reshape(-1, k), **(loss_options() if options is None else options), kd_ratio=1.0
    )
    with torch.no_grad():
        own = rows.float().log_softmax(-1)
        student = own.gather(-1, flat_ids)
        top = torch.topk(own, k, dim=-1).indices
        overlap = (flat_ids.unsqueeze(-1) == top.unsqueeze(-2)).any(-1)
        count = overlap.sum(-1)
        teacher = logprobs.reshape(-1, k).float()
        gain = -(teacher.exp() * (teacher - student)) * overlap
    shape = student_logits.shape[:2]
    outputs = {
        "distillation_losses": loss,
        "student_mass": student.exp().sum(-1),
        "teacher_mass": parts["teacher_mass"],
        "overlap_count": count,
        "overlap_token_advantage": gain.sum(-1) / count.clamp_min(1),
    }
    return {name: value.reshape(shape) for name, value in outputs.items()}


def register():
    """Registers the loss with verl, once."""
    import verl.trainer.distillation.fsdp.losses as fsdp
    from verl.trainer.distillation import losses

    if NAME in losses.DISTILLATION_LOSS_REGISTRY:
        return
    theirs = fsdp.compute_forward_kl_topk

    def by_mode(*args, config, **kwargs):
        ours = config.distillation_loss.loss_mode == NAME
        return (compute_star_topk if ours else theirs)(*args, config=config, **kwargs)

    fsdp.compute_forward_kl_topk = by_mode

    @losses.register_distillation_loss(losses.DistillationLossSettings(names=[NAME], use_topk=True))
    def star_ckd(config, distillation_config, model_output, data):
        """Losses [batch, response] that were computed with the logits, unclamped, and their metrics."""
        of = {name: losses.no_padding_2_padding(model_output[name], data) for name in ("distillation_losses", "student_mass", "teacher_mass")}
        mask = data["response_mask"]
        mask = (mask.bool().to_padded_tensor(False) if mask.is_nested else mask.bool())
        metrics = {
            "distillation/student_mass": of["student_mass"][mask].mean().item(),
            "distillation/teacher_mass": of["teacher_mass"][mask].mean().item(),
        }
        return of["distillation_losses"], metrics


register()
