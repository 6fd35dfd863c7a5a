#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the checkpoints of this folder and their golden values with Hugging Face transformers (pip: torch, transformers).

    python3 generate.py FOLDER [MODEL...]     (all models when none is named)
"""

import json
import pathlib
import re
import sys

import torch
import transformers
from safetensors.torch import load_file, save_file

COMMON = {"vocab_size": 48, "num_attention_heads": 4, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2}
SMALL = COMMON | {"hidden_size": 16, "intermediate_size": 24, "num_attention_heads": 2, "num_key_value_heads": 1,
                  "max_position_embeddings": 64, "rope_theta": 10000.0, "hidden_act": "silu", "rms_norm_eps": 1e-6,
                  "num_experts_per_tok": 2}
DEEPSEEK = SMALL | {"num_hidden_layers": 3, "num_key_value_heads": 2, "q_lora_rank": None, "kv_lora_rank": 8,
                    "qk_nope_head_dim": 8, "qk_rope_head_dim": 4, "v_head_dim": 6, "n_routed_experts": 6,
                    "n_shared_experts": 1, "moe_intermediate_size": 12, "moe_layer_freq": 2, "norm_topk_prob": True}
LLAMA_LIKE = COMMON | {"hidden_size": 32, "intermediate_size": 24, "num_hidden_layers": 2, "num_key_value_heads": 2,
                       "rope_theta": 10000.0, "hidden_act": "silu"}

# name: (configuration in the spelling of config.json, whether it is kept as written, note)
VARIANTS = {
    "opt_post_norm": (
        COMMON | {"model_type": "opt", "hidden_size": 16, "ffn_dim": 24, "num_hidden_layers": 2,
                  "max_position_embeddings": 40, "do_layer_norm_before": False, "word_embed_proj_dim": 12},
        False, "post-norm blocks without a final norm, embeddings narrower than the stream, as in OPT-350M"),
    "phi3_longrope": (
        LLAMA_LIKE | {"model_type": "phi3", "max_position_embeddings": 128, "original_max_position_embeddings": 16,
                      "partial_rotary_factor": 0.5, "rms_norm_eps": 1e-5, "sliding_window": None,
                      "tie_word_embeddings": True,
                      "rope_scaling": {"type": "longrope", "short_factor": [1.0, 1.25], "long_factor": [2.5, 7.0]}},
        True, "longrope over half of a head: sequence 0 is within the original 16 positions, sequence 1 beyond"),
    "qwen2_yarn": (
        LLAMA_LIKE | {"model_type": "qwen2", "num_hidden_layers": 3, "max_position_embeddings": 64,
                      "rms_norm_eps": 1e-6, "use_sliding_window": True, "sliding_window": 6, "max_window_layers": 1,
                      "tie_word_embeddings": False,
                      "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}},
        True, "yarn scaling; sliding window of 6 switched on from layer 1"),
    "gpt_neox_sequential": (
        COMMON | {"model_type": "gpt_neox", "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
                  "num_attention_heads": 2, "max_position_embeddings": 64, "rotary_pct": 0.5,
                  "use_parallel_residual": False, "attention_bias": False, "hidden_act": "gelu_new"},
        False, "use_parallel_residual false, no attention biases, rotary over half of a head, tanh GELU"),
    "gpt2_prefixed": (
        {"model_type": "gpt2", "vocab_size": 48, "n_embd": 16, "n_inner": 40, "n_layer": 2, "n_head": 4,
         "n_positions": 40, "activation_function": "relu", "bos_token_id": 0, "eos_token_id": 1},
        False, "names with the prefix `transformer.`, n_inner stated, ReLU"),
    "gemma3_linear": (
        COMMON | {"model_type": "gemma3_text", "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3,
                  "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8, "max_position_embeddings": 64,
                  "query_pre_attn_scalar": 12, "rope_theta": 1000000.0, "rope_local_base_freq": 10000.0,
                  "rope_scaling": {"rope_type": "linear", "factor": 8.0}, "sliding_window": 5,
                  "sliding_window_pattern": 2, "final_logit_softcapping": 9.0,
                  "hidden_activation": "gelu_pytorch_tanh", "rms_norm_eps": 1e-6},
        True, "linear scaling on the global layers only, scale from query_pre_attn_scalar, capped logits"),
    "llama_biased": (
        COMMON | {"model_type": "llama", "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
                  "num_key_value_heads": 1, "head_dim": 6, "max_position_embeddings": 64, "attention_bias": True,
                  "mlp_bias": True, "hidden_act": "gelu", "tie_word_embeddings": True},
        False, "biases everywhere, one key/value head, head_dim 6 beside hidden size 16, exact GELU, tied head"),
    "deepseek_v2_normalised": (
        DEEPSEEK | {"model_type": "deepseek_v2", "first_k_dense_replace": 0, "topk_method": "greedy",
                    "scoring_func": "softmax", "routed_scaling_factor": 4.0},
        True, "norm_topk_prob in place of routed_scaling_factor, experts in layers 0 and 2: as the published code "
              "reads norm_topk_prob and moe_layer_freq, which transformers does not"),
    "deepseek_v3_frequency": (
        DEEPSEEK | {"model_type": "deepseek_v3", "first_k_dense_replace": 1, "topk_method": "noaux_tc", "n_group": 2,
                    "topk_group": 1, "scoring_func": "sigmoid", "routed_scaling_factor": 2.5,
                    "num_nextn_predict_layers": 0},
        True, "experts in layer 2 alone: as the published code reads moe_layer_freq, which transformers does not"),
    "qwen2_moe_window": (
        SMALL | {"model_type": "qwen2_moe", "num_hidden_layers": 3, "num_experts": 6, "moe_intermediate_size": 12,
                 "shared_expert_intermediate_size": 10, "mlp_only_layers": [1], "use_sliding_window": True,
                 "sliding_window": 6, "max_window_layers": 2},
        True, "sliding window in layer 0: of the layers before max_window_layers every other one"),
    "qwen3_moe_window": (
        SMALL | {"model_type": "qwen3_moe", "num_hidden_layers": 2, "num_experts": 6, "moe_intermediate_size": 12,
                 "head_dim": 8, "norm_topk_prob": True, "use_sliding_window": True, "sliding_window": 6,
                 "max_window_layers": 1},
        True, "sliding window in every layer; max_window_layers is not read"),
    "gpt2_scaled": (
        {"model_type": "gpt2", "vocab_size": 48, "n_embd": 16, "n_layer": 3, "n_head": 2, "n_positions": 40,
         "scale_attn_weights": False, "scale_attn_by_inverse_layer_idx": True, "reorder_and_upcast_attn": True,
         "bos_token_id": 0, "eos_token_id": 1},
        False, "attention is scaled by 1 / (layer + 1) alone"),
    "llama_dynamic": (
        LLAMA_LIKE | {"model_type": "llama", "max_position_embeddings": 16, "rms_norm_eps": 1e-6,
                      "rope_scaling": {"type": "dynamic", "factor": 3.0}},
        True, "dynamic scaling: sequence 0 is within the 16 positions, theta grows for sequence 1"),
    "granitemoeshared": (
        SMALL | {"model_type": "granitemoeshared", "num_hidden_layers": 2, "intermediate_size": 12,
                 "num_local_experts": 6, "shared_intermediate_size": 10, "embedding_multiplier": 3.0,
                 "attention_multiplier": 0.4, "residual_multiplier": 0.6, "logits_scaling": 2.0,
                 "tie_word_embeddings": True},
        True, "a shared expert beside the stacked ones, multipliers"),
    "phimoe": (
        SMALL | {"model_type": "phimoe", "num_hidden_layers": 2, "intermediate_size": 12, "num_local_experts": 6,
                 "router_jitter_noise": 0.15, "input_jitter_noise": 0.1, "attention_bias": True, "lm_head_bias": True,
                 "sliding_window": None, "max_position_embeddings": 128, "original_max_position_embeddings": 16,
                 "rope_scaling": {"type": "longrope", "short_factor": [1.0, 1.25, 1.5, 2.0],
                                  "long_factor": [2.5, 4.0, 5.5, 7.0], "short_mscale": 1.1, "long_mscale": 1.3,
                                  "original_max_position_embeddings": 16}},
        True, "SparseMixer; longrope with its own factors on cos and sin: sequence 0 is within the original 16 "
              "positions, sequence 1 beyond, where the long factors count as in the published code and not the short "
              "ones as in transformers"),
}


def follow_published_code():
    """Where today's classes do not read what the code released with the models reads, they are taught to."""
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
    from transformers.models.deepseek_v2 import modeling_deepseek_v2 as v2
    from transformers.models.deepseek_v3 import modeling_deepseek_v3 as v3
    from transformers.models.phimoe import modeling_phimoe as phimoe

    def keep_layers_dense(layer_class, mlp_class):
        make_layer = layer_class.__init__

        def init(self, config, layer_idx):
            make_layer(self, config, layer_idx)
            if layer_idx % config.moe_layer_freq != 0:
                self.mlp = mlp_class(config)

        layer_class.__init__ = init

    keep_layers_dense(v2.DeepseekV2DecoderLayer, v2.DeepseekV2MLP)
    keep_layers_dense(v3.DeepseekV3DecoderLayer, v3.DeepseekV3MLP)

    make_router, choose = v2.DeepseekV2TopkRouter.__init__, v2.DeepseekV2TopkRouter.forward

    def init_router(self, config):
        make_router(self, config)
        self.is_normalised = config.norm_topk_prob and config.num_experts_per_tok > 1

    def choose_normalised(self, hidden):
        logits, weights, experts = choose(self, hidden)
        if self.is_normalised:
            weights = weights / self.routed_scaling_factor
            weights = weights / (weights.sum(-1, keepdim=True) + 1e-20)
        return logits, weights, experts

    v2.DeepseekV2TopkRouter.__init__, v2.DeepseekV2TopkRouter.forward = init_router, choose_normalised

    rotate = phimoe.PhimoeRotaryEmbedding.forward

    def rotate_by_length(self, x, position_ids=None):
        scale, length = ROPE_INIT_FUNCTIONS[self.rope_type], int(position_ids.max()) + 1
        self.rope_init_fn = lambda config, device=None: scale(config, device, seq_len=length)
        return rotate(self, x, position_ids)

    phimoe.PhimoeRotaryEmbedding.forward = rotate_by_length


def randomise(model, is_gemma):
    """Weights large enough that every part shows in the logits; norm weights around the identity."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            is_norm = "norm" in name or "ln_" in name
            if parameter.ndim >= 2:
                parameter.normal_(0, 0.35)
            elif is_norm and name.endswith("weight") and not is_gemma:
                parameter.normal_(1, 0.3)
            else:
                parameter.normal_(0, 0.3)
        for name, buffer in model.named_buffers():
            if name.endswith("e_score_correction_bias"):
                buffer.normal_(0, 0.2)
    model.tie_weights()


def watch_router(seen, name, output):
    """The experts of every token by falling weight, equal weights by expert, and the weights; add_routers does it where
    the module does not return its choice."""
    index = next((value for value in output if not value.is_floating_point()), None)
    if index is None:
        return
    weights = next(value for value in output if value.is_floating_point() and value.shape == index.shape)
    index, order = index.sort(-1)
    weights, by_weight = weights.gather(-1, order).sort(dim=-1, descending=True, stable=True)
    layer = re.search(r"layers\.(\d+)\.", name).group(1)
    seen[f"layer_{layer}_index"] = index.gather(-1, by_weight).int().contiguous()
    seen[f"layer_{layer}_weight"] = weights.float().contiguous()


def forward(model, ids):
    """Logits, the stream entering block 0 and leaving every block, and what routers decide."""
    seen, routed = {}, {}
    layers = next(m for n, m in model.named_modules() if n == "h" or n.endswith((".layers", ".h")))
    first = lambda module, args, kwargs: seen.__setitem__("embed", args[0] if args else kwargs["hidden_states"])
    hooks = [layers[0].register_forward_pre_hook(first, with_kwargs=True)]
    for index, layer in enumerate(layers):
        hooks.append(layer.register_forward_hook(
            lambda module, args, out, index=index: seen.__setitem__(
                f"block_{index}", out[0] if isinstance(out, tuple) else out)))
    for name, module in model.named_modules():
        if type(module).__name__.lower().endswith("router"):
            hooks.append(module.register_forward_hook(
                lambda module, args, out, name=name: watch_router(routed, name, out)))
    with torch.no_grad():
        logits = model(torch.tensor([ids]), use_cache=False).logits[0].float()
    for hook in hooks:
        hook.remove()
    return logits, {name: value.reshape(-1, value.shape[-1]).contiguous() for name, value in seen.items()}, routed


def write_golden(folder, name, note, seed, model=None):
    model = model or transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32,
                                                                       attn_implementation="eager").eval()
    generator = torch.Generator().manual_seed(seed)
    sequences = [torch.randint(0, model.config.vocab_size, (length,), generator=generator).tolist()
                 for length in (12, 28)]
    tensors, nll, tolerance = {}, [], []
    for index, ids in enumerate(sequences):
        logits, hidden, routed = forward(model, ids)
        tensors[f"logits_{index}"] = logits.contiguous()
        tensors |= {f"router_{index}_{place}": value for place, value in routed.items()}
        if index == 0:
            tensors |= {f"hidden_0_{place}": value for place, value in hidden.items()}
        chosen = torch.log_softmax(logits.double(), -1)[:-1].gather(1, torch.tensor(ids)[1:, None])
        nll.append(float(-chosen.mean()))
        tolerance.append(5e-5 * float(logits.abs().max()))
    save_file(tensors, folder / "golden.safetensors")
    golden = {"name": name, "note": note, "sequences": sequences, "mean_nll": nll,
              "computed_with": {"transformers": transformers.__version__, "torch": torch.__version__,
                                "dtype": "float32", "attention": "eager", "device": "cpu"},
              "tolerance": {"logits_abs": tolerance, "hidden_rel_to_max": 5e-5, "mean_nll_abs": 1e-4}}
    if routed:
        golden["tolerance"]["router_weight_abs"] = 1e-4
    (folder / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")


def add_routers(folder, model, routers, weigh, chosen):
    """Adds to golden.* which experts every token was sent to, and with what weight, by falling weight."""
    golden = json.loads((folder / "golden.json").read_text())
    tensors = load_file(folder / "golden.safetensors")
    margin = float("inf")
    for index, ids in enumerate(golden["sequences"]):
        seen = {}
        hooks = [module.register_forward_hook(
            lambda module, args, out, layer=layer: seen.__setitem__(layer, torch.nn.functional.linear(
                args[0].reshape(-1, args[0].shape[-1]), module.weight, module.bias)))
            for layer, module in routers.items()]
        with torch.no_grad():
            model(torch.tensor([ids]), use_cache=False)
        for hook in hooks:
            hook.remove()
        for layer, logits in seen.items():
            values, experts = logits.topk(chosen + 1)
            margin = min(margin, float((values[:, chosen - 1] - values[:, chosen]).min()))
            tensors[f"router_{index}_layer_{layer}_index"] = experts[:, :chosen].to(torch.int32).contiguous()
            tensors[f"router_{index}_layer_{layer}_weight"] = weigh(values[:, :chosen]).contiguous()
    assert margin > 5e-4, f"{golden['name']}: two experts are too close ({margin})"
    save_file(tensors, folder / "golden.safetensors")
    golden["router_min_margin"] = margin
    golden["tolerance"]["router_weight_abs"] = 1e-4
    (folder / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")


LLAMA4 = {"model_type": "llama4_text", "vocab_size": 48, "hidden_size": 24, "intermediate_size": 16,
          "intermediate_size_mlp": 28, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 6,
          "hidden_act": "silu", "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
          "num_local_experts": 4, "tie_word_embeddings": False, "bos_token_id": 0, "eos_token_id": 1,
          "pad_token_id": 2, "router_jitter_noise": 0.0, "for_llm_compressor": False}


def llama4_routers(model):
    layers = model.model.layers
    return {i: layer.feed_forward.router for i, layer in enumerate(layers) if layer.is_moe_layer}


def make_llama4_text(folder, name):
    config = LLAMA4 | {"num_hidden_layers": 4, "num_experts_per_tok": 2, "interleave_moe_layer_step": 2,
                       "no_rope_layers": [], "no_rope_layer_interval": 3, "attention_chunk_size": 8,
                       "use_qk_norm": True, "attn_temperature_tuning": True, "floor_scale": 4, "attn_scale": 0.4,
                       "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                                        "high_freq_factor": 4.0, "original_max_position_embeddings": 32}}
    (folder / "config.json").write_text(json.dumps(config))
    read = transformers.AutoConfig.from_pretrained(folder)
    torch.manual_seed(7100)
    model = transformers.AutoModelForCausalLM.from_config(read, attn_implementation="eager").float().eval()
    randomise(model, False)
    keep_spelling(folder, model, config)
    write_golden(folder, name, "two experts of four, weighted at their input, and a shared one in every second layer; "
                 "no rotation but a temperature in layer 2, chunks of 8 in the others; norms behind the rotation", 100)
    text = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32,
                                                             attn_implementation="eager").eval()
    add_routers(folder, text, llama4_routers(text), torch.sigmoid, 2)


def make_llama4(folder, name):
    text = LLAMA4 | {"num_hidden_layers": 3, "num_experts_per_tok": 1, "moe_layers": [0, 2],
                     "no_rope_layers": [1, 1, 0], "attention_chunk_size": 16, "use_qk_norm": False,
                     "attn_temperature_tuning": False, "attention_bias": True}
    vision = {"model_type": "llama4_vision_model", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2,
              "intermediate_size": 32, "vision_output_dim": 8, "image_size": 8, "patch_size": 4,
              "projector_input_dim": 8, "projector_output_dim": 8, "rope_theta": 10000.0}
    config = {"model_type": "llama4", "architectures": ["Llama4ForConditionalGeneration"], "boi_token_index": 44,
              "eoi_token_index": 45, "image_token_index": 46, "tie_word_embeddings": False, "text_config": text,
              "vision_config": vision}
    (folder / "config.json").write_text(json.dumps(config))
    read = transformers.AutoConfig.from_pretrained(folder)
    read._attn_implementation = "eager"
    torch.manual_seed(7101)
    model = transformers.Llama4ForConditionalGeneration(read).float().eval()
    randomise(model, False)
    keep_spelling(folder, model, config)
    model = transformers.Llama4ForConditionalGeneration.from_pretrained(folder, dtype=torch.float32,
                                                                        attn_implementation="eager").eval()
    write_golden(folder, name, "a text model beside a vision tower, names with the prefix `language_model.`; one "
                 "expert of four in layers 0 and 2, no norms of query and key, no temperature, biases", 101,
                 model.language_model)
    add_routers(folder, model.language_model, llama4_routers(model.language_model), torch.sigmoid, 1)
    ids = torch.tensor([json.loads((folder / "golden.json").read_text())["sequences"][1]])
    with torch.no_grad():
        assert torch.equal(model(input_ids=ids).logits, model.language_model(ids).logits)


def make_gpt_oss_mxfp4(folder, name):
    config = COMMON | {"model_type": "gpt_oss", "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2,
                       "num_key_value_heads": 2, "head_dim": 8, "num_local_experts": 4, "num_experts_per_tok": 2,
                       "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "rope_theta": 150000.0,
                       "rope_scaling": {"rope_type": "yarn", "factor": 8.0, "beta_fast": 32.0, "beta_slow": 1.0,
                                        "truncate": False, "original_max_position_embeddings": 16},
                       "sliding_window": 6, "swiglu_limit": 7.0, "attention_bias": True, "hidden_act": "silu",
                       "tie_word_embeddings": False}
    (folder / "config.json").write_text(json.dumps(config))
    read = transformers.AutoConfig.from_pretrained(folder)
    torch.manual_seed(7102)
    model = transformers.AutoModelForCausalLM.from_config(read, attn_implementation="eager").float().eval()
    randomise(model, False)
    tensors = {}
    for key, value in model.state_dict().items():
        if not key.endswith(("experts.gate_up_proj", "experts.down_proj")):
            tensors[key] = value.contiguous()
            continue
        experts, inputs, outputs = value.shape
        tensors[key + "_blocks"] = torch.randint(0, 256, (experts, outputs, inputs // 32, 16), dtype=torch.uint8)
        tensors[key + "_scales"] = torch.randint(121, 126, (experts, outputs, inputs // 32), dtype=torch.uint8)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config["quantization_config"] = {
        "quant_method": "mxfp4",
        "modules_to_not_convert": ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens",
                                   "lm_head"]}
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager",
        quantization_config=transformers.Mxfp4Config(dequantize=True)).float().eval()
    write_golden(folder, name, "experts stored in MXFP4 as in the released models, dequantised by transformers", 102,
                 model)


def keep_spelling(folder, model, config):
    """The published spelling, and beside it that of today's transformers."""
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    (folder / "config.json").rename(folder / "config_new_spelling.json")
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


MIXTURES = {"llama4_text": make_llama4_text, "llama4": make_llama4, "gpt_oss_mxfp4": make_gpt_oss_mxfp4}


def main():
    follow_published_code()
    wanted = sys.argv[2:] or list(VARIANTS | MIXTURES)
    for name in wanted:
        if name in MIXTURES:
            folder = pathlib.Path(sys.argv[1]) / name
            folder.mkdir(parents=True, exist_ok=True)
            MIXTURES[name](folder, name)
    for index, (name, (config, is_kept, note)) in enumerate(VARIANTS.items()):
        if name not in wanted:
            continue
        folder = pathlib.Path(sys.argv[1]) / name
        folder.mkdir(parents=True, exist_ok=True)
        written = folder / "config.json"
        written.write_text(json.dumps(config))
        read = transformers.AutoConfig.from_pretrained(folder)
        torch.manual_seed(7000 + index)
        model = transformers.AutoModelForCausalLM.from_config(read, attn_implementation="eager").float().eval()
        randomise(model, "gemma" in name)
        model.save_pretrained(folder)
        (folder / "generation_config.json").unlink(missing_ok=True)
        if is_kept:  # the published spelling, and beside it that of today's transformers
            written.rename(folder / "config_new_spelling.json")
            written.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
        write_golden(folder, name, note, index)


main()
