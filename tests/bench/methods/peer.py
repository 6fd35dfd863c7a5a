#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One method of LLM Compressor or GPTQModel on CPU with the settings of methods.py; saves the model, prints its seconds.

4 bit are asymmetric in groups of 64; GPTQ has static activation order; pruning is 50 % unstructured. The last line on
standard output is JSON.
"""

import argparse
import json
import sys
import time

import torch
import transformers


def weights(symmetric=False):
    return {"group_0": {"targets": ["Linear"], "weights": {"num_bits": 4, "type": "int", "symmetric": symmetric,
                                                          "strategy": "group", "group_size": 64}}}


def llmcompressor_recipe(method):
    if method == "rtn":
        from llmcompressor.modifiers.quantization import QuantizationModifier
        return QuantizationModifier(ignore=["lm_head"], config_groups=weights())
    if method == "gptq":
        from llmcompressor.modifiers.quantization import GPTQModifier
        return GPTQModifier(ignore=["lm_head"], actorder="static", config_groups=weights())
    if method == "awq":
        from llmcompressor.modifiers.awq import AWQModifier
        return AWQModifier(ignore=["lm_head"], config_groups=weights())
    if method == "wanda":
        from llmcompressor.modifiers.pruning import WandaPruningModifier
        return WandaPruningModifier(sparsity=0.5, targets=["Linear"], ignore=["lm_head"])
    from llmcompressor.modifiers.pruning import SparseGPTModifier
    return SparseGPTModifier(sparsity=0.5, targets=["Linear"], ignore=["lm_head"])


def llmcompressor(options, windows):
    from datasets import Dataset
    from llmcompressor import oneshot
    model = transformers.AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(options.model)
    data = Dataset.from_dict({"input_ids": windows, "attention_mask": [[1] * len(window) for window in windows]})
    recipe = llmcompressor_recipe(options.method)
    begin = time.monotonic()
    oneshot(model=model, tokenizer=tokenizer, dataset=data, recipe=recipe, max_seq_length=len(windows[0]),
            num_calibration_samples=len(windows))
    seconds = time.monotonic() - begin
    model.save_pretrained(options.out, save_compressed=True)
    return seconds


def gptqmodel(options, windows):
    from gptqmodel import GPTQModel, QuantizeConfig
    model = GPTQModel.load(options.model, QuantizeConfig(bits=4, group_size=64, sym=False, desc_act=False))
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
    parser.add_argument("model")
    parser.add_argument("tokens", help="JSON: lists of token ids")
    parser.add_argument("out")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    windows = json.load(open(options.tokens, encoding="utf-8"))
    out, sys.stdout = sys.stdout, sys.stderr  # their progress is not our document
    seconds = {"llmcompressor": llmcompressor, "gptqmodel": gptqmodel}[options.package](options, windows)
    print(json.dumps({"seconds": seconds}), file=out)


if __name__ == "__main__":
    main()
