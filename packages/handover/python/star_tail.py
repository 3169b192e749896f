"""Plugin for Axolotl: STAR's distillation loss in place of that of its KD kernel, which has no tail and no adaptive KL."""

import json
import os

from axolotl.integrations.base import BasePlugin
from axolotl.integrations.kd.kernels.liger import LigerFusedLinearKLTopKLogprobFunction

from star_loss import distillation_rows

_HERE = os.path.dirname(os.path.abspath(__file__))


def loss_options():
    """Options of the loss, from star_loss.json beside this file."""
    with open(os.environ.get("STAR_LOSS", os.path.join(_HERE, "star_loss.json"))) as file:
        return json.load(file)


def star_loss_of(options):
    """Function with the signature of the kernel's own: the sum over a chunk's rows that are trained on."""

    def star_loss(logits, ids, logprobs, mask, beta=0.0, normalize_topk=False):
        loss, _ = distillation_rows(logits, None, ids, logprobs, **options, kd_ratio=1.0)
        live = mask.bool().any(-1)
        return (loss * live).sum()

    return star_loss


class StarTailPlugin(BasePlugin):
    """Replaces the kernel's loss before a trainer is made."""

    def __init__(self):
        super().__init__()
        LigerFusedLinearKLTopKLogprobFunction.distillation_loss_fn = staticmethod(star_loss_of(loss_options()))
