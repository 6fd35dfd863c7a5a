#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares two files of logits (`logits_<i>`, float32 [tokens, vocabulary]); prints JSON."""

import json
import sys

import numpy
from safetensors.numpy import load_file


def log_probabilities(logits):
    shifted = logits.astype(numpy.float64) - logits.max(axis=-1, keepdims=True)
    return shifted - numpy.log(numpy.exp(shifted).sum(axis=-1, keepdims=True))


def main():
    ours, theirs = load_file(sys.argv[1]), load_file(sys.argv[2])
    names = sorted(name for name in ours if name.startswith("logits_"))
    tokens = same = 0
    largest = divergence = 0.0
    for name in names:
        a, b = ours[name], theirs[name]
        width = min(a.shape[1], b.shape[1])  # some readers pad the vocabulary
        a, b = a[:, :width], b[:, :width]
        tokens += len(a)
        same += int((a.argmax(-1) == b.argmax(-1)).sum())
        largest = max(largest, float(numpy.abs(a - b).max()))
        p = log_probabilities(a)
        divergence += float((numpy.exp(p) * (p - log_probabilities(b))).sum())
    print(json.dumps({"tokens": tokens, "same_best": same, "largest_logit_difference": largest,
                      "kl_divergence": divergence / tokens, "is_another_model": same * 2 < tokens}))


if __name__ == "__main__":
    main()
