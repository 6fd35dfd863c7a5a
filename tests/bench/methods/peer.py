#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One method of LLM Compressor or GPTQModel on CPU; saves the model, prints seconds, peak memory and versions.

Settings have our names: bits, group_size, symmetric, activation_order, damping, sparsity, pattern; what is not given is
our default where there is one. The last line on standard output is JSON.
"""

import argparse
import importlib.metadata
import json
import os
import resource
import sys
import time

import torch
import transformers


def load(options):
    model = transformers.AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32)
    return model, transformers.AutoTokenizer.from_pretrained(options.model)


def weights(settings):
    return {"group_0": {"targets": ["Linear"], "weights": {
        "num_bits": settings["bits"], "type": "int", "symmetric": settings.get("symmetric", False), "strategy": "group",
        "group_size": settings["group_size"]}}}


def pruning(settings):
    pattern = settings.get("pattern")
    kept, group = map(int, pattern.split(":")) if pattern else (0, 0)
    return {"sparsity": settings.get("sparsity", 0.5), "mask_structure": f"{group - kept}:{group}", "targets": ["Linear"],
            "ignore": ["re:.*lm_head"]}


def llmcompressor_recipe(method, settings):
    if method == "rtn":
        from llmcompressor.modifiers.quantization import QuantizationModifier
        return QuantizationModifier(ignore=["lm_head"], config_groups=weights(settings))
    if method == "gptq":
        from llmcompressor.modifiers.gptq import GPTQModifier
        order = settings.get("activation_order", "static")
        return GPTQModifier(ignore=["lm_head"], actorder=None if order == "none" else order,
                            dampening_frac=settings.get("damping", 0.01), config_groups=weights(settings))
    if method == "awq":
        from llmcompressor.modifiers.quantization import QuantizationModifier
        from llmcompressor.modifiers.transform.awq import AWQModifier
        return [AWQModifier(), QuantizationModifier(ignore=["lm_head"], config_groups=weights(settings))]
    if method == "wanda":
        from llmcompressor.modifiers.pruning.wanda import WandaPruningModifier
        return WandaPruningModifier(**pruning(settings))
    from llmcompressor.modifiers.pruning.sparsegpt import SparseGPTModifier
    return SparseGPTModifier(dampening_frac=settings.get("damping", 0.01), **pruning(settings))


def llmcompressor(options, settings, windows):
    from datasets import Dataset
    from llmcompressor import oneshot
    if not torch.cuda.is_available():  # its AWQ pins activations whether there is a card or not
        torch.Tensor.pin_memory = lambda tensor: tensor
    model, tokenizer = load(options)
    data = None if options.method == "rtn" else Dataset.from_dict(
        {"input_ids": windows, "attention_mask": [[1] * len(window) for window in windows]})
    recipe = llmcompressor_recipe(options.method, settings)
    begin = time.monotonic()
    oneshot(model=model, tokenizer=tokenizer, dataset=data, recipe=recipe, max_seq_length=len(windows[0]),
            num_calibration_samples=len(windows), shuffle_calibration_samples=False)
    seconds = time.monotonic() - begin
    model.save_pretrained(options.out, save_compressed="bits" in settings)  # zeros stay in dense weights
    return seconds


def gptqmodel(options, settings, windows):
    from gptqmodel import GPTQModel, QuantizeConfig
    order = settings["activation_order"]
    model = GPTQModel.load(options.model, QuantizeConfig(
        bits=settings["bits"], group_size=settings["group_size"], sym=settings.get("symmetric", False),
        desc_act=order != "none", static_groups=order == "static", act_group_aware=False, damp_percent=settings["damping"]))
    data = [{"input_ids": window, "attention_mask": [1] * len(window)} for window in windows]
    begin = time.monotonic()
    model.quantize(data, batch_size=1)
    seconds = time.monotonic() - begin
    model.save(options.out)
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", choices=["llmcompressor", "gptqmodel"])
    parser.add_argument("method", choices=["rtn", "gptq", "awq", "wanda", "sparsegpt"])
    parser.add_argument("settings", type=json.loads, help="JSON")
    parser.add_argument("model")
    parser.add_argument("tokens", help="JSON: lists of token ids")
    parser.add_argument("out")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with open(options.tokens, encoding="utf-8") as file:
        windows = json.load(file)
    out, sys.stdout = sys.stdout, sys.stderr  # their progress is not our document
    seconds = {"llmcompressor": llmcompressor, "gptqmodel": gptqmodel}[options.package](options, options.settings, windows)
    print(json.dumps({"seconds": seconds, "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                      "version": importlib.metadata.version(options.package), "torch": torch.__version__,
                      "transformers": transformers.__version__}), file=out)


if __name__ == "__main__":
    main()
