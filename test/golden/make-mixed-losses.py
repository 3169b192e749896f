"""Writes mixed-losses.json.br: LUFFY's objective and GRPO with CKD beside it, with their gradients, by PyTorch in float64.

Written from the papers (LUFFY: arXiv 2504.14945; STAR: arXiv 2602.03022), answer by answer, with nothing of tinystar in
it. Run: python test/golden/make-mixed-losses.py (with PyTorch 2, and node for the compression).
"""

import json
import pathlib
import subprocess

import torch

VOCABULARY, LENGTH = 11, 9
generator = torch.Generator().manual_seed(20261130)


def numbers(*shape, scale=1.0):
    """Normal numbers that float32 holds exactly."""
    drawn = torch.randn(*shape, generator=generator, dtype=torch.float64) * scale
    return drawn.float().double()


def answer(length, **facts):
    logits = numbers(length, VOCABULARY, scale=1.5)
    targets = torch.randint(VOCABULARY, (length,), generator=generator)
    chosen = logits.log_softmax(-1).gather(-1, targets[:, None])[:, 0]
    near = lambda: (chosen + numbers(length, scale=0.4)).float().double()
    return {"logits": logits.requires_grad_(), "targets": targets, "old": near(), "ref": near(), **facts}


def chosen(one):
    return one["logits"].log_softmax(-1).gather(-1, one["targets"][:, None])[:, 0]


def entropy(one):
    logprobs = one["logits"].log_softmax(-1)
    return -(logprobs.exp() * logprobs).sum(-1)


def luffy(groups, gamma, entropy_coef):
    """Sum over an answer's tokens by the fixed length, mean over answers; the bonus is a mean over tokens."""
    answers = [one for group in groups for one in group]
    losses = []
    for group in groups:
        mean = sum(one["reward"] for one in group) / len(group)
        for one in group:
            advantage = one["reward"] - mean
            if one["off_policy"]:
                p = chosen(one).exp()
                factor = p / (p + gamma)
            else:
                factor = (chosen(one) - one["old"]).exp()
            losses.append((-advantage * factor).sum() / LENGTH)
    bonus = torch.cat([entropy(one) for one in answers]).mean()
    return torch.stack(losses).mean() - entropy_coef * bonus


def policy(answers, clip, kl_coef):
    """PPO's clipped loss with the estimator k2, as a mean over tokens."""
    losses = []
    for one in answers:
        ratio = (chosen(one) - one["old"]).exp()
        advantage = one["advantage"]
        surrogate = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
        losses.append(-surrogate + kl_coef * 0.5 * (chosen(one) - one["ref"]) ** 2)
    return torch.cat(losses).mean()


def ckd(answers, top_m, tail_coef):
    """Forward KL over the teacher's top k, and the student's mass in its own top m beside them, as a mean over tokens."""
    losses = []
    for one in answers:
        student = one["logits"].log_softmax(-1)
        teacher = one["teacher_logprobs"]
        at = student.gather(-1, one["teacher_ids"])
        forward = (teacher.exp() * (teacher - at)).sum(-1)
        own = torch.zeros_like(student).scatter(-1, student.topk(top_m, -1).indices, 1.0)
        outside = own.scatter(-1, one["teacher_ids"], 0.0)
        losses.append(forward + tail_coef * (student.exp() * outside).sum(-1))
    return torch.cat(losses).mean()


def taught(length, k):
    one = answer(length)
    top = numbers(length, VOCABULARY, scale=1.5).log_softmax(-1).topk(k, -1)
    return {**one, "teacher_ids": top.indices, "teacher_logprobs": top.values.float().double()}


def plain(value):
    return value.tolist() if isinstance(value, torch.Tensor) else value


def written(answers):
    return [
        {**{name: plain(value) for name, value in one.items()}, "gradient": one["logits"].grad.tolist()}
        for one in answers
    ]


groups = [
    [answer(n, reward=r, off_policy=off) for n, r, off in group]
    for group in (
        [(3, 0.25, False), (5, -1.0, False), (2, 0.0, False), (4, 1.0, True)],
        [(4, 1.0, False), (1, 0.5, False), (3, 0.5, True), (6, 1.0, True)],
    )
]
luffy_loss = luffy(groups, gamma=0.1, entropy_coef=0.001)
luffy_loss.backward()

drawn = [answer(n, advantage=a) for n, a in ((3, 1.25), (5, -0.75), (2, -0.5))]
lessons = [taught(n, k=4) for n in (4, 7)]
joint_loss = policy(drawn, clip=0.2, kl_coef=0.05) + 0.3 * ckd(lessons, top_m=5, tail_coef=10.0)
joint_loss.backward()

facts = {
    "luffy": {
        "length": LENGTH,
        "options": {"off_policy_gamma": 0.1, "entropy_coef": 0.001},
        "loss": luffy_loss.item(),
        "groups": [written(group) for group in groups],
    },
    "joint": {
        "options": {
            "eps_clip": 0.2,
            "init_kl_coef": 0.05,
            "kl_estimator": "k2",
            "kd_topk": 4,
            "kd_student_topm": 5,
            "kd_kl_l1_coef": 10,
            "kd_kl_coef": 0.3,
        },
        "loss": joint_loss.item(),
        "drawn": written(drawn),
        "taught": written(lessons),
    },
}
program = "const z=require('node:zlib');const fs=require('node:fs');fs.writeFileSync(process.argv[1],z.brotliCompressSync(fs.readFileSync(0)))"
path = pathlib.Path(__file__).parent / "mixed-losses.json.br"
subprocess.run(["node", "-e", program, path], check=True, input=json.dumps(facts).encode())
