"""The bench's training step in PyTorch: Qwen3 on flat batches, cross-entropy on completions, AdamW.

Started by `npm run bench` with a checkpoint folder, a file of token ids and the number of threads; needs PyTorch alone
(Debian: python3-torch). Reads commands from standard input, one a line, and answers each on standard output:
"step" with {"seconds", "loss"} of one training step. It is written as a good PyTorch user would: one fused matrix
product for q, k and v is left out, as transformers leaves it out; everything else that this PyTorch offers is used
(scaled_dot_product_attention, a foreach or fused AdamW).
"""

import json
import math
import struct
import sys
import time

import torch
import torch.nn.functional as F


def read_safetensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    weights = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        assert entry["dtype"] == "F32", f"{name} is {entry['dtype']}, not F32"
        values = torch.frombuffer(data[start:end], dtype=torch.float32)
        weights[name] = values.reshape(entry["shape"]).clone().requires_grad_(True)
    return weights


def rms_norm(x, weight, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin


def attention(q, k, v, mask):
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    return torch.softmax(scores + mask, -1) @ v


def hidden_states(weights, config, tokens):
    batch, length = tokens.shape
    heads, kv_heads, width = (
        config["num_attention_heads"],
        config["num_key_value_heads"],
        config["head_dim"],
    )
    eps = config["rms_norm_eps"]
    inverse = config["rope_theta"] ** (-torch.arange(0, width, 2) / width)
    angles = torch.outer(torch.arange(length), inverse)
    angles = torch.cat((angles, angles), -1)
    cos, sin = angles.cos(), angles.sin()
    mask = torch.full((length, length), -math.inf).triu(1)
    x = weights["model.embed_tokens.weight"][tokens]
    for layer in range(config["num_hidden_layers"]):
        w = lambda name: weights[f"model.layers.{layer}.{name}.weight"]
        h = rms_norm(x, w("input_layernorm"), eps)
        split = lambda y, n: y.view(batch, length, n, width)
        q = rms_norm(split(h @ w("self_attn.q_proj").T, heads), w("self_attn.q_norm"), eps).transpose(1, 2)
        k = rms_norm(split(h @ w("self_attn.k_proj").T, kv_heads), w("self_attn.k_norm"), eps).transpose(1, 2)
        v = split(h @ w("self_attn.v_proj").T, kv_heads).transpose(1, 2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        group = heads // kv_heads
        o = attention(q, k.repeat_interleave(group, 1), v.repeat_interleave(group, 1), mask)
        x = x + o.transpose(1, 2).reshape(batch, length, heads * width) @ w("self_attn.o_proj").T
        f = rms_norm(x, w("post_attention_layernorm"), eps)
        x = x + (F.silu(f @ w("mlp.gate_proj").T) * (f @ w("mlp.up_proj").T)) @ w("mlp.down_proj").T
    return rms_norm(x, weights["model.norm.weight"], eps)


def make_optimizer(parameters, lr):
    options = {"lr": lr, "betas": (0.9, 0.95), "eps": 1e-8, "weight_decay": 0.0}
    for fast in ({"fused": True}, {"foreach": True}, {}):
        try:
            return torch.optim.AdamW(parameters, **options, **fast)
        except (TypeError, RuntimeError):
            continue
    raise RuntimeError("this PyTorch has no AdamW")


def main():
    folder, batch_file, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    with open(f"{folder}/config.json") as file:
        config = json.load(file)
    with open(batch_file) as file:
        batch = json.load(file)
    weights = read_safetensors(f"{folder}/model.safetensors")
    tokens = torch.tensor(batch["tokens"])
    prompt = batch["prompt_tokens"]
    optimizer = make_optimizer(list(weights.values()), batch["lr"])
    print(json.dumps({"version": torch.__version__}), flush=True)
    for line in sys.stdin:
        if line.strip() != "step":
            break
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        # Only the hidden states that predict a completion's tokens meet the vocabulary.
        hidden = hidden_states(weights, config, tokens)[:, prompt - 1 : -1]
        logits = hidden @ weights["model.embed_tokens.weight"].T
        loss = F.cross_entropy(logits.flatten(0, 1), tokens[:, prompt:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(weights.values()), 1.0)
        optimizer.step()
        print(json.dumps({"seconds": time.perf_counter() - start, "loss": loss.item()}), flush=True)


main()
