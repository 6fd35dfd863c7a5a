#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the sequences of a JSON file through a pack-quantized folder whose weights compressed-tensors unpacks.

compressed_tensors_logits.py FOLDER TOKENS.json OUT.safetensors

transformers cannot load asymmetric weights of this format: it expects zero points that are not packed, which is not how
compressed-tensors (and vLLM) stores them. Here the model is built without its quantisation, and filled.
"""

import json
import pathlib
import sys

import torch
import transformers
from safetensors.torch import load_file, save_file

try:
    from compressed_tensors.compressors.pack_quantized import unpack_from_int32
except ImportError:
    from compressed_tensors.compressors.quantized_compressors.pack_quantized import unpack_from_int32


def unpacked(tensors, module, bits):
    shape = torch.Size(tensors[module + ".weight_shape"].tolist())
    scales = tensors[module + ".weight_scale"].float()
    codes = unpack_from_int32(tensors[module + ".weight_packed"], bits, shape).float()
    width = shape[1] // scales.shape[1]
    if module + ".weight_zero_point" in tensors:
        zeros = unpack_from_int32(tensors[module + ".weight_zero_point"], bits, scales.shape, packed_dim=0).float()
        codes -= zeros.repeat_interleave(width, 1)
    return codes * scales.repeat_interleave(width, 1)


def main():
    folder, tokens, out = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    tensors = {}
    for shard in sorted(folder.glob("*.safetensors")):
        tensors |= load_file(shard)
    config = json.loads((folder / "config.json").read_text())
    groups = config.pop("quantization_config")["config_groups"].values()
    bits = {module: group["weights"]["num_bits"] for group in groups for module in group["targets"]}
    weights = {name: values.float() for name, values in tensors.items() if ".weight_" not in name}
    weights |= {module + ".weight": unpacked(tensors, module, width) for module, width in bits.items()}
    model = transformers.AutoModelForCausalLM.from_config(transformers.AutoConfig.for_model(**config), dtype=torch.float32).eval()
    missing, unexpected = model.load_state_dict(weights, strict=False)
    if unexpected or [name for name in missing if name != "lm_head.weight"]:
        sys.exit(f"missing {missing}, unexpected {unexpected}")
    model.tie_weights()
    sequences = json.load(open(tokens, encoding="utf-8"))["sequences"]
    with torch.inference_mode():
        logits = {f"logits_{i}": model(torch.tensor([sequence])).logits[0].contiguous()
                  for i, sequence in enumerate(sequences)}
    save_file(logits, out)


if __name__ == "__main__":
    main()
