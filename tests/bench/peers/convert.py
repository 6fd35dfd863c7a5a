#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a quantised GGUF as a float32 Hugging Face folder, so that every peer reads equal weights.

convert.py SOURCE.gguf FOLDER [TARGET.gguf]: with TARGET as a float32 GGUF, too.
"""

import pathlib
import sys

import gguf
import torch
import transformers


def write_gguf(source, target):
    reader = gguf.GGUFReader(source)
    architecture = reader.get_field("general.architecture").contents()
    writer = gguf.GGUFWriter(target, architecture)
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name in ("general.architecture", "general.file_type", "general.quantization_version"):
            continue
        kind = field.types[0]
        writer.add_key_value(name, field.contents(), kind, sub_type=field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype("float32"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def plain(config):
    stated = config.to_dict()
    stated.pop("quantization_config", None)
    return type(config).from_dict(stated)


def main():
    source, folder, *targets = map(pathlib.Path, sys.argv[1:4])
    model = transformers.AutoModelForCausalLM.from_pretrained(source.parent, gguf_file=source.name, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
    fresh = transformers.AutoModelForCausalLM.from_config(plain(model.config), dtype=torch.float32)
    fresh.load_state_dict(model.state_dict())  # the loaded one counts as quantised and refuses to be saved
    fresh.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    for target in targets:
        write_gguf(source, target)


if __name__ == "__main__":
    main()
