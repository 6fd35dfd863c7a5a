#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Perplexity of windows of 512 tokens with transformers, float32 on CPU; prints tokens per second as JSON."""

import argparse
import json
import math
import time

import torch
import transformers


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("corpus")
    parser.add_argument("--windows", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = transformers.AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(options.model)
    begin = time.monotonic()
    ids = tokenizer(open(options.corpus, encoding="utf-8").read(), add_special_tokens=False, return_tensors="pt").input_ids[0]
    tokenized = time.monotonic()
    means = []
    with torch.inference_mode():
        for window in ids[: options.windows * 512].view(-1, 512):
            logits = model(window[None]).logits[0, :-1]
            losses = torch.logsumexp(logits, -1) - logits.gather(-1, window[1:, None])[:, 0]
            means.append(losses.double().mean().item())
    seconds = time.monotonic() - tokenized
    print(json.dumps({"tokens_per_second": options.windows * 511 / seconds, "perplexity": math.exp(sum(means) / len(means)),
                      "tokenize_seconds": tokenized - begin, "attention": model.config._attn_implementation,
                      "transformers": transformers.__version__, "torch": torch.__version__}))


if __name__ == "__main__":
    main()
