#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the sequences of a JSON file through a folder as transformers loads it, in float32 on the CPU.

transformers_logits.py FOLDER TOKENS.json OUT.safetensors
"""

import json
import sys

import torch
import transformers
from safetensors.torch import save_file


def main():
    folder, tokens, out = sys.argv[1:4]
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, device_map="cpu").eval()
    sequences = json.load(open(tokens, encoding="utf-8"))["sequences"]
    with torch.inference_mode():
        logits = {f"logits_{i}": model(torch.tensor([sequence])).logits[0].float().contiguous()
                  for i, sequence in enumerate(sequences)}
    save_file(logits, out)


if __name__ == "__main__":
    main()
