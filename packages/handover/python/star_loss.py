"""Distillation from a teacher's stored top-k (STAR, arXiv 2602.03022, equations 3 to 5; skewed: DistiLLM, arXiv
2402.03898), as tinystar computes it.

The teacher's log-probabilities come from its full softmax and are not renormalised over the k ids; the student's are
gathered at the same ids from its own full softmax. No term is clamped: a truncated KL may be negative.
"""

import math

import torch


def tail_mass(logits, logprobs_at, teacher_ids, top_m):
    """Student's mass in its own top-m outside the teacher's top-k, [R]."""
    own = torch.topk(logits.detach(), min(top_m, logits.shape[-1]), dim=-1).indices  # [R, m]
    outside = torch.ones_like(logits).scatter(-1, teacher_ids, 0.0).gather(-1, own)
    return (logprobs_at(own).exp() * outside).sum(-1)


def adaptive_head(teacher_logprobs):
    """1 for the smallest prefix of sorted log-probabilities whose mass reaches 1/2, [R, k]."""
    before = teacher_logprobs.exp().cumsum(-1) - teacher_logprobs.exp()
    head = before < 0.5
    head[..., 0] = True
    return head.to(teacher_logprobs.dtype)


def mixture(student, teacher, share):
    """log(share p_T + (1 - share) p_S), [R, k]."""
    return torch.logaddexp(teacher + math.log(share), student + math.log1p(-share))


def distillation_rows(
    logits,  # [R, V]
    targets,  # [R]
    teacher_ids,  # [R, k]
    teacher_logprobs,  # [R, k]
    kd_kl_type="fkl",
    skew_lambda=0.1,
    kd_student_topm=100,
    kd_kl_l1_coef=10.0,
    kd_ratio=1.0,
):
    """Loss of each row [R], and its parts by their names, each [R]."""
    logits = logits.float()
    normaliser = logits.logsumexp(-1, keepdim=True)  # [R, 1]

    def logprobs_at(ids):
        return logits.gather(-1, ids) - normaliser

    student = logprobs_at(teacher_ids)
    teacher = teacher_logprobs.float()
    forward = (teacher.exp() * (teacher - student)).sum(-1)
    parts = {"fkl": forward, "teacher_mass": teacher.exp().sum(-1)}
    loss = forward
    if kd_kl_type == "sfkl":
        mixed = mixture(student, teacher, skew_lambda)
        parts["sfkl"] = loss = (teacher.exp() * (teacher - mixed)).sum(-1)
    elif kd_kl_type == "srkl":
        mixed = mixture(student, teacher, 1 - skew_lambda)
        parts["srkl"] = loss = (student.exp() * (student - mixed)).sum(-1)
    elif kd_kl_type != "fkl":
        reverse = (student.exp() * (student - teacher)).sum(-1)
        parts["rkl"] = loss = reverse
        if kd_kl_type == "akl":
            # The gates are not detached, as in STAR's code.
            gap = (student.exp() - teacher.exp()).abs()
            head = (gap * adaptive_head(teacher)).sum(-1)
            whole = gap.sum(-1)
            loss = (head * forward + (whole - head) * reverse) / whole.clamp_min(1e-9)
    if kd_kl_l1_coef > 0:
        parts["tail"] = tail_mass(logits, logprobs_at, teacher_ids, kd_student_topm)
        loss = loss + kd_kl_l1_coef * parts["tail"]
    if kd_ratio < 1:
        parts["ce"] = cross_entropy_rows(logits, targets)
        loss = kd_ratio * loss + (1 - kd_ratio) * parts["ce"]
    return loss, parts


def cross_entropy_rows(logits, targets):
    """-log p(target) of each row, [R]."""
    logits = logits.float()
    return logits.logsumexp(-1) - logits.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
