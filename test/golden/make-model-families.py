"""Makes test/golden/families/: logits, eight losses and every gradient of a random two-layer model of each family.

python test/golden/make-model-families.py      (torch 2.15, transformers 5.24; `--check` repeats the Qwen3 numbers)

The batch is that of test/fixtures/qwen3-2layer. Losses are written down here a second time, from their definitions
(STAR, arXiv 2602.03022; Rafailov et al., arXiv 2305.18290; Schulman's KL estimators), over transformers' own models.
Gradients are stored in f16 of each one's largest value, which is in expected.json.
"""
import json, pathlib, sys
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
import transformers as hf

HERE = pathlib.Path(__file__).parent
FIXTURE = HERE.parent / 'fixtures' / 'qwen3-2layer'
BATCH = load_file(FIXTURE / 'batch.safetensors')
# Old and reference policies lie as far from each model as those of the batch do from its Qwen3.
QWEN3 = F.log_softmax(BATCH['logits'][:, :-1], -1).gather(-1, BATCH['input_ids'][:, 1:, None].long())[..., 0]
SETTINGS = json.loads((FIXTURE / 'expected.json').read_text())

SHAPE = dict(vocab_size=96, hidden_size=24, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=256, bos_token_id=1, eos_token_id=2, pad_token_id=None,
             attn_implementation='eager')
FAMILIES = {
    'llama': lambda: hf.LlamaForCausalLM(hf.LlamaConfig(**SHAPE, head_dim=8, tie_word_embeddings=False, rms_norm_eps=1e-5,
        rope_parameters=dict(rope_theta=10000.0, rope_type='llama3', factor=8.0, low_freq_factor=1.0,
                             high_freq_factor=4.0, original_max_position_embeddings=16))),
    'qwen2': lambda: hf.Qwen2ForCausalLM(hf.Qwen2Config(**SHAPE, tie_word_embeddings=True,
        rope_parameters=dict(rope_theta=10000.0, rope_type='default'))),
    'gemma3': lambda: hf.Gemma3ForCausalLM(hf.Gemma3TextConfig(**SHAPE, head_dim=8, query_pre_attn_scalar=12, sliding_window=5,
        layer_types=['sliding_attention', 'full_attention'],
        rope_parameters=dict(sliding_attention=dict(rope_type='default', rope_theta=100.0),
                             full_attention=dict(rope_type='linear', factor=4.0, rope_theta=1000.0)))),
    'granite': lambda: hf.GraniteForCausalLM(hf.GraniteConfig(**SHAPE, tie_word_embeddings=True,
        embedding_multiplier=3.0, logits_scaling=4.0, residual_multiplier=0.25, attention_multiplier=0.3,
        rope_parameters=dict(rope_theta=10000.0, rope_type='default'))),
    'granitemoehybrid': lambda: hf.GraniteMoeHybridForCausalLM(hf.GraniteMoeHybridConfig(**SHAPE, tie_word_embeddings=True,
        embedding_multiplier=3.0, logits_scaling=4.0, residual_multiplier=0.25, attention_multiplier=0.3,
        shared_intermediate_size=32, mamba_n_heads=4, mamba_d_head=12, num_local_experts=0, num_experts_per_tok=0, position_embedding_type='rope',
        layer_types=['attention', 'attention'], rope_parameters=dict(rope_theta=10000.0, rope_type='default'))),
    'lfm2': lambda: hf.Lfm2ForCausalLM(hf.Lfm2Config(**{**SHAPE, 'pad_token_id': 0}, norm_eps=1e-5, tie_word_embeddings=True,
        conv_L_cache=3, block_auto_adjust_ff_dim=False, layer_types=['conv', 'full_attention'],
        rope_parameters=dict(rope_theta=10000.0, rope_type='default'))),
}


def random_weights(model):
    """Draws every weight, norms and biases included, so that none is left out by being one or zero."""
    torch.manual_seed(7)
    for name, weight in model.named_parameters():
        centre = 1.0 if 'norm' in name and model.config.model_type != 'gemma3_text' else 0.0
        with torch.no_grad():
            weight.copy_(centre + (0.3 if weight.dim() > 1 else 0.2) * torch.randn(weight.shape))


def losses(logits):
    """The eight objectives over rows under the loss mask: each a mean over tokens; DPO of the first two sequences."""
    ids, mask = BATCH['input_ids'].long(), BATCH['loss_mask'] == 1
    logp_all = F.log_softmax(logits[:, :-1], -1)
    targets = ids[:, 1:]
    logp = logp_all.gather(-1, targets[..., None])[..., 0]
    mean = lambda rows: rows[mask].mean()
    t_ids, t_logp = BATCH['teacher_topk_ids'].long(), BATCH['teacher_topk_logprobs']
    s_logp = logp_all.gather(-1, t_ids)
    p, q = t_logp.exp(), s_logp.exp()
    fkl = (p * (t_logp - s_logp)).sum(-1)
    rkl = (q * (s_logp - t_logp)).sum(-1)
    before = p.cumsum(-1) - p
    head = (before < 0.5).float()
    head[..., 0] = 1
    gap = (q - p).abs()
    g_head, g_all = (gap * head).sum(-1), gap.sum(-1)
    akl = (g_head * fkl + (g_all - g_head) * rkl) / g_all.clamp(min=1e-9)
    own_logp, own_ids = logp_all.topk(SETTINGS['top_m'], -1)
    outside = ~(own_ids[..., :, None] == t_ids[..., None, :]).any(-1)
    tail = (own_logp.exp() * outside).sum(-1)
    a = BATCH['advantages']
    old, ref = (logp.detach() + BATCH[f'{name}_logprobs'] - QWEN3 for name in ('old', 'ref'))
    ratio = (logp - old).exp()
    clip = SETTINGS['clip']
    policy = -torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    k2 = (0.5 * (logp - ref) ** 2).clamp(-10, 10)
    gains = ((logp - ref) * mask).sum(-1)
    others = {'old_logprobs': old.contiguous(), 'ref_logprobs': ref.contiguous()}
    return others, {
        'sft': mean(-logp), 'fkl': mean(fkl), 'rkl': mean(rkl), 'akl': mean(akl),
        'ckd': mean(fkl + SETTINGS['tail_coef'] * tail),
        'grpo': mean(policy + SETTINGS['kl_coef']['grpo'] * k2),
        'grpo_kl': mean(policy + SETTINGS['kl_coef']['grpo_kl'] * k2),
        'dpo': -F.logsigmoid(SETTINGS['dpo_beta'] * (gains[0] - gains[1])),
    }


def run(model):
    logits = model(input_ids=BATCH['input_ids'].long(), attention_mask=BATCH['attention_mask'].long()).logits
    others, values = losses(logits)
    gradients = {}
    for name, loss in values.items():
        model.zero_grad()
        loss.backward(retain_graph=True)
        gradients[name] = {k: v.grad.clone() for k, v in model.named_parameters()}
    others['logits'] = logits.detach()
    return others, {k: v.item() for k, v in values.items()}, gradients


def check():
    config = json.loads((FIXTURE / 'config.json').read_text())
    model = hf.Qwen3ForCausalLM(hf.Qwen3Config(**config, attn_implementation='eager'))
    model.load_state_dict(load_file(FIXTURE / 'model.safetensors'), strict=False)
    others, values, gradients = run(model.float())
    logits = others['logits']
    valid = BATCH['attention_mask'] == 1
    print('logits differ by', (logits - BATCH['logits'])[valid].abs().max().item())
    for name, value in values.items():
        want = load_file(FIXTURE / f'grads.{name}.safetensors')
        worst = max(((gradients[name][k] - want[k]).norm() / want[k].norm()).item() for k in want)
        print(f'{name}: {value} where {SETTINGS["losses"][name]} was; gradients differ by {worst:.1e} in norm')


if '--check' in sys.argv:
    check()
else:
    for name, make in FAMILIES.items():
        model = make().float()
        random_weights(model)
        stored, values, gradients = run(model)
        folder = HERE / 'families' / name
        folder.mkdir(parents=True, exist_ok=True)
        model.save_pretrained(folder)
        (folder / 'generation_config.json').unlink(missing_ok=True)
        config = json.loads((folder / 'config.json').read_text())
        scales = {}
        for loss, of in gradients.items():
            for parameter, grad in of.items():
                top = grad.abs().max().item()
                scales[f'{loss} {parameter}'] = top
                stored[f'{loss} {parameter}'] = (grad / top).half().contiguous()
        save_file(stored, folder / 'golden.safetensors')
        expected = dict(made_by=f'transformers {hf.__version__}, torch {torch.__version__.split("+")[0]}', losses=values, scales=scales)
        (folder / 'expected.json').write_text(json.dumps(expected, indent=1) + '\n')
        print(name, values, config['architectures'], sum(f.stat().st_size for f in folder.iterdir()))
