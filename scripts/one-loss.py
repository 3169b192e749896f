"""Losses and gradients of a batch in the engines' own code, on the CPU: `python scripts/one-loss.py BATCH.json`.

Reads {rows, cases} from a file and prints one JSON object a line: {"engine", "case", "loss", "gradient"}, or {"engine",
"why"} for an engine that cannot be run here. AXOLOTL names a folder with Axolotl's unpacked wheel.
"""

import json
import os
import sys
import types

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "packages", "handover", "python"))


def say(engine, case, loss, logits):
    loss.backward()
    gradient = logits.grad.reshape(-1).tolist()
    print(json.dumps({"engine": engine, "case": case, "loss": loss.item(), "gradient": gradient}), flush=True)


def trainer(case, options, logits, targets, ids, logprobs, _):
    """ckd_trainer.py's model around logits that are given as hidden states, in chunks of two rows."""
    from ckd_trainer import with_loss

    class Given(torch.nn.Module):
        config = types.SimpleNamespace()

        def model(self, **_):
            padded = torch.cat([logits, logits[:1].detach()]).unsqueeze(0)
            return types.SimpleNamespace(last_hidden_state=padded)

        def get_output_embeddings(self):
            return torch.nn.Identity()

    model = with_loss(Given(), options, 2)
    labels = torch.cat([torch.tensor([-100]), targets]).unsqueeze(0)
    outputs = model.forward(labels, torch.ones_like(labels), labels, ids, logprobs)
    say("ckd_trainer.py", case, outputs["loss"] / len(targets), logits)


def verl(case, options, logits, targets, ids, logprobs, _):
    """verl's own functions from the logits to each token's loss, with star_ckd registered."""
    if options["kd_ratio"] < 1:
        raise NotImplementedError("verl's distillation has no cross-entropy")
    import star_ckd
    from tensordict import TensorDict
    from verl.trainer.distillation import losses

    star_ckd.loss_options = lambda: {name: value for name, value in options.items() if name != "kd_ratio"}

    def nested(values):
        return torch.nested.nested_tensor([values], layout=torch.jagged)

    def longer(values):
        return torch.cat([values, values[:1]])

    loss = types.SimpleNamespace(loss_mode=star_ckd.NAME, topk=ids.shape[-1])
    config = types.SimpleNamespace(distillation_loss=loss)
    count = len(targets)
    data = TensorDict(
        {
            "teacher_logprobs": nested(longer(logprobs)),
            "teacher_ids": nested(longer(ids)),
            "prompts": nested(torch.zeros(1, dtype=torch.int64)),
            "responses": nested(targets),
            "response_mask": torch.ones(1, count, dtype=torch.bool),
        },
        batch_size=[1],
    )
    outputs = losses.compute_topk_loss(
        types.SimpleNamespace(strategy="fsdp"), config, data, longer(logits).unsqueeze(0), "thd"
    )
    model_output = {name: value.squeeze(0) for name, value in outputs.items()}
    rows, _ = losses.get_distillation_loss_fn(star_ckd.NAME)(
        config=None, distillation_config=config, model_output=model_output, data=data
    )
    say("verl, star_ckd", case, rows.sum() / count, logits)


def kernel():
    """Axolotl's KD kernel, whose package does not install on every Python: its two modules are loaded by themselves."""
    folder = os.environ.get("AXOLOTL")
    if not folder:
        raise RuntimeError("AXOLOTL names no folder with Axolotl's unpacked wheel")
    for name in ("axolotl", "axolotl.integrations", "axolotl.integrations.kd", "axolotl.integrations.kd.kernels"):
        module = sys.modules.setdefault(name, types.ModuleType(name))
        module.__path__ = [os.path.join(folder, *name.split("."))]
    base = sys.modules.setdefault("axolotl.integrations.base", types.ModuleType("axolotl.integrations.base"))
    base.BasePlugin = type("BasePlugin", (), {})
    from axolotl.integrations.kd.kernels.liger import LigerFusedLinearKLTopKLogprobFunction

    return LigerFusedLinearKLTopKLogprobFunction


def axolotl(case, options, logits, targets, ids, logprobs, _):
    """Axolotl's chunked kernel with star_tail's loss; hidden states are the logits, the head is the identity."""
    function = kernel()
    import star_tail

    ratio = options["kd_ratio"]
    own = {name: value for name, value in options.items() if name != "kd_ratio"}
    function.distillation_loss_fn = staticmethod(star_tail.star_loss_of(own))
    labels = torch.cat([torch.tensor([-100]), targets]).unsqueeze(0)
    padded = torch.cat([logits, logits[:1].detach()]).unsqueeze(0)

    def shifted(values, none):
        return torch.cat([values, none.expand(1, values.shape[-1])]).unsqueeze(0)

    mask = torch.cat([torch.ones_like(ids), torch.zeros_like(ids[:1])]).unsqueeze(0)
    k = ids.shape[-1]
    loss = function.apply(
        padded,
        torch.eye(logits.shape[-1]),
        shifted(ids, torch.arange(k)),
        shifted(logprobs, torch.full((1,), -1.0)),
        mask,
        labels,
        None,
        1 - ratio,
        ratio,
        -100,
        1.0,
        0.0,
        False,
        2,
        ratio < 1,
        False,
    )
    say("Axolotl's kernel, star_tail", case, loss / len(targets), logits)


def tinker(case, options, logits, targets, ids, logprobs, graph):
    """Tinker's graph, traced again by torch.fx as its client traces it."""
    from tinker_graph import loss_function

    if graph is None:
        raise NotImplementedError("the loss sees the teacher's ids alone: no cross-entropy, and the tail is the whole rest")
    traced = torch.fx.symbolic_trace(loss_function(graph))
    normaliser = logits.logsumexp(-1, keepdim=True)
    student = logits.gather(-1, ids) - normaliser
    weights = torch.full((len(targets),), 1 / len(targets))
    before = logprobs.exp().cumsum(-1) - logprobs.exp()
    heads = [(before < 0.5).float()] if options["kd_kl_type"] == "akl" else []
    loss, _ = traced(student, logprobs, weights, *heads)
    say("Tinker's graph", case, loss, logits)


def main():
    with open(sys.argv[1]) as file:
        given = json.load(file)
    rows = given["rows"]
    targets = torch.tensor([row["target"] for row in rows])
    ids = torch.tensor([row["teacherIds"] for row in rows])
    logprobs = torch.tensor([row["teacherLogprobs"] for row in rows], dtype=torch.float32)
    for engine in (trainer, verl, axolotl, tinker):
        for case in given["cases"]:
            logits = torch.tensor([row["logits"] for row in rows], dtype=torch.float32, requires_grad=True)
            try:
                engine(case["name"], case["options"], logits, targets, ids, logprobs, case.get("graph"))
            except Exception as error:
                print(json.dumps({"engine": engine.__name__, "case": case["name"], "why": str(error)}), flush=True)


if __name__ == "__main__":
    main()
