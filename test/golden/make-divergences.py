"""Makes test/golden/divergences.json: generalised Jensen-Shannon and skewed divergences of random rows, with gradients.

python test/golden/make-divergences.py      (torch 2.15, trl 1.16)

Over the whole vocabulary the generalised Jensen-Shannon divergence is TRL's own GKDTrainer.generalized_jsd_loss, and the
skewed ones are torch.distributions' KL to the mixture (DistiLLM, arXiv 2402.03898). Truncated ones are the sums of the
definitions' terms over the teacher's k likeliest ids. Loss: mean over rows, float64; gradient: by the student's logits.
"""
import json, pathlib
import torch
from torch.distributions import Categorical, kl_divergence
from trl.experimental.gkd import GKDTrainer

ROWS, VOCABULARY, K = 5, 24, 6
BETAS, SKEWS = (0.0, 0.1, 0.5, 0.9, 1.0), (0.1, 0.3)


def truncated(p, log_q, ids):
    """sum over ids of p (log p - log q), mean over rows."""
    return (p * (p.log() - log_q)).gather(-1, ids).sum(-1).mean()


def jsd(student, teacher, ids, beta):
    p_s, p_t = student.softmax(-1), teacher.softmax(-1)
    if ids is None:
        # Without labels, batchmean divides by the first dimension: the rows.
        return GKDTrainer.generalized_jsd_loss(student, teacher, beta=beta)
    if beta == 0:
        return truncated(p_t, p_s.log(), ids)
    if beta == 1:
        return truncated(p_s, p_t.log(), ids)
    mixed = (beta * p_t + (1 - beta) * p_s).log()
    return beta * truncated(p_t, mixed, ids) + (1 - beta) * truncated(p_s, mixed, ids)


def skewed(student, teacher, ids, skew, forward):
    p_s, p_t = student.softmax(-1), teacher.softmax(-1)
    first, second = (p_t, p_s) if forward else (p_s, p_t)
    mixed = skew * first + (1 - skew) * second
    if ids is None:
        return kl_divergence(Categorical(probs=first), Categorical(probs=mixed)).mean()
    return truncated(first, mixed.log(), ids)


def main():
    torch.manual_seed(3)
    # Numbers that are float32, one row very sure of itself and one that its teacher agrees with.
    student = (2.5 * torch.randn(ROWS, VOCABULARY)).double()
    teacher = (0.6 * student + 1.5 * torch.randn(ROWS, VOCABULARY)).float().double()
    student[3] *= 8
    teacher[4] = student[4]
    top = teacher.topk(K, -1).indices
    cases = []
    for k, ids in ((VOCABULARY, None), (K, top)):
        kinds = [(("jsd", beta), lambda s, b=beta: jsd(s, teacher, ids, b)) for beta in BETAS]
        for skew in SKEWS:
            for name, forward in (("sfkl", True), ("srkl", False)):
                kinds.append(((name, skew), lambda s, w=skew, f=forward: skewed(s, teacher, ids, w, f)))
        for (kind, share), of in kinds:
            logits = student.clone().requires_grad_()
            loss = of(logits)
            loss.backward()
            gradient = [float(f"{x:.9g}") for x in logits.grad.flatten().tolist()]
            cases.append({"kind": kind, "share": share, "k": k, "loss": loss.item(), "gradient": gradient})
    golden = {"student": student.tolist(), "teacher": teacher.tolist(), "cases": cases}
    path = pathlib.Path(__file__).parent / "divergences.json"
    path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
