#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the sequences of a JSON file through a GGUF file as llama.cpp loads it, on the CPU.

llama_cpp_logits.py MODEL.gguf TOKENS.json OUT.safetensors

With llama-cpp-python, or with llama-cpp-cffi, which comes with llama.cpp built. Keys and values are kept in float32, so
that what differs is what the weights' types make of it.
"""

import json
import sys

import numpy
from safetensors.numpy import save_file

GGML_TYPE_F32 = 0


def by_llama_cpp_python(model, sequences):
    import llama_cpp
    length = max(map(len, sequences))
    program = llama_cpp.Llama(model_path=model, n_ctx=length, n_batch=length, n_ubatch=length, logits_all=True, verbose=False,
                              type_k=GGML_TYPE_F32, type_v=GGML_TYPE_F32)
    for sequence in sequences:
        program.reset()
        program.eval(sequence)
        yield numpy.array(program.scores[:len(sequence)], dtype=numpy.float32)


def by_llama_cpp_cffi(model, sequences):
    from llama._llama_cpp_cpu import ffi, lib
    length = max(map(len, sequences))
    lib.llama_backend_init()
    loaded = lib.llama_model_load_from_file(model.encode(), lib.llama_model_default_params())
    settings = lib.llama_context_default_params()
    settings.n_ctx = settings.n_batch = settings.n_ubatch = length
    settings.type_k = settings.type_v = GGML_TYPE_F32
    context = lib.llama_init_from_model(loaded, settings)
    vocabulary = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(loaded))
    for sequence in sequences:
        lib.llama_kv_cache_clear(context)
        batch = lib.llama_batch_init(len(sequence), 0, 1)
        batch.n_tokens = len(sequence)
        for i, token in enumerate(sequence):
            batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.logits[i] = token, i, 1, 1
            batch.seq_id[i][0] = 0
        if lib.llama_decode(context, batch) != 0:
            sys.exit("llama_decode failed")
        logits = ffi.buffer(lib.llama_get_logits(context), len(sequence) * vocabulary * 4)
        yield numpy.frombuffer(logits, dtype=numpy.float32).reshape(len(sequence), vocabulary).copy()
        lib.llama_batch_free(batch)


def main():
    model, tokens, out = sys.argv[1:4]
    sequences = json.load(open(tokens, encoding="utf-8"))["sequences"]
    try:
        import llama_cpp  # noqa: F401
        logits = by_llama_cpp_python
    except ImportError:
        logits = by_llama_cpp_cffi
    save_file({f"logits_{i}": values for i, values in enumerate(logits(model, sequences))}, out)


if __name__ == "__main__":
    main()
