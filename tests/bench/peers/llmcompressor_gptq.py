#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""GPTQ with LLM Compressor on CPU: 4 bit, groups of 64, static activation order; prints the seconds of oneshot as JSON."""

import argparse
import json
import sys
import time
from importlib.metadata import version

import torch
import transformers
from datasets import Dataset
from llmcompressor import oneshot
from llmcompressor.modifiers.quantization import GPTQModifier


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("corpus")
    parser.add_argument("--sequences", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = transformers.AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(options.model)
    ids = tokenizer(open(options.corpus, encoding="utf-8").read(), add_special_tokens=False).input_ids
    windows = [ids[begin:begin + 512] for begin in range(0, options.sequences * 512, 512)]
    data = Dataset.from_dict({"input_ids": windows, "attention_mask": [[1] * 512] * len(windows)})
    recipe = GPTQModifier(targets="Linear", ignore=["lm_head"], actorder="static", config_groups={"group_0": {
        "targets": ["Linear"],
        "weights": {"num_bits": 4, "type": "int", "symmetric": False, "strategy": "group", "group_size": 64}}})
    out, sys.stdout = sys.stdout, sys.stderr  # its progress is not our document
    begin = time.monotonic()
    oneshot(model=model, tokenizer=tokenizer, dataset=data, recipe=recipe, max_seq_length=512, num_calibration_samples=options.sequences)
    seconds = time.monotonic() - begin
    print(json.dumps({"seconds": seconds, "llmcompressor": version("llmcompressor"), "torch": torch.__version__}), file=out)


if __name__ == "__main__":
    main()
