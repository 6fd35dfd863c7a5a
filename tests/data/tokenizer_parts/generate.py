#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes cases.json: what each part of tokenizer.json does, as the reference library says.

Needs the PyPI packages tokenizers==0.23.3, sentencepiece and protobuf. Run it in this folder.
"""
import base64
import io
import json
import tempfile
import unicodedata

import sentencepiece
import tokenizers
from sentencepiece import sentencepiece_model_pb2

TEXTS = [
    "", " ", "  two  spaces ", "\t\r\n\x0b\x0c\x85 ends\u2028", "Hello, World!", "don't STOP ' now", "a-b--c - d",
    "1,234.5 v2 2nd", "½ ² ³ Ⅷ ٣٤ ①", "café cafe\u0301 Å\u212b", "İstanbul ıI ß ẞ Σσς", "ﬁne ﬃ Ａ１ ㍿",
    "中文 mixed混 text", "ひらがなカタカナー漢字", "한국어 a", "Привет мир", "שלום ב", "हिन्दी", "😀👩🏽\u200d🚀🇫🇷 x",
    "\u200b\u200d\ufeff\u00ad\u180e", "\x00\x01\x7f\ufffd\U000e0001", "a\u00a0b\u3000c", "▁under▁ _x_", "<s>in</s> <s> out </s>",
    "xHello HelloX Hello", "aaaa aaa aa", "hello\nhello\n\n", "##word @@ </w>", "<0x41>A", "e\u0323\u0302 q\u0307",
]


def model():
    """One token per character; the mark shows where pieces begin."""
    characters = set("".join(TEXTS)) | set("▁Ġ<>xy") | {chr(c) for c in range(0xA1, 0x144)}
    for text in TEXTS:
        for form in ("NFC", "NFD", "NFKC", "NFKD"):
            folded = unicodedata.normalize(form, text)
            characters |= set(folded) | set(folded.lower())
    vocab = {"<unk>": 0}
    for character in sorted(characters):
        vocab[character] = len(vocab)
        vocab["@@" + character] = len(vocab)
    return {"type": "BPE", "unk_token": "<unk>", "continuing_subword_prefix": "@@", "vocab": vocab, "merges": []}


CHARACTERS = model()
METASPACE = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}


def charsmap():
    """A small set of rules compiled by sentencepiece."""
    rules = {"ﬁ": "fi", "é": "e", "é": "e", "中": "<zh>", "ẞ": "", "  ": " ", "Ａ": "A", "क": "k"}
    with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="utf-8") as table, io.BytesIO() as trained:
        for source, target in rules.items():
            table.write(" ".join(f"{ord(c):X}" for c in source) + "\t" + " ".join(f"{ord(c):X}" for c in target) + "\n")
        table.flush()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(["hello world"] * 20), model_writer=trained, vocab_size=12,
            normalization_rule_tsv=table.name, minloglevel=2)
        proto = sentencepiece_model_pb2.ModelProto()
        proto.ParseFromString(trained.getvalue())
    return base64.b64encode(proto.normalizer_spec.precompiled_charsmap).decode()


def normalizers():
    for name in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt", "ByteLevel"):
        yield {"type": name}
    yield {"type": "Strip", "strip_left": True, "strip_right": False}
    yield {"type": "Strip", "strip_left": False, "strip_right": True}
    for accents in (True, False, None):
        yield {"type": "BertNormalizer", "clean_text": accents is not True, "handle_chinese_chars": accents is not False,
               "strip_accents": accents, "lowercase": accents is None}
    yield {"type": "Prepend", "prepend": "▁x"}
    for pattern in ({"String": "aa"}, {"String": ""}, {"Regex": r"\s+"}, {"Regex": r"\W"}, {"Regex": "^|$"},
                    {"Regex": r"\b"}, {"Regex": r"[^\w\s]"}, {"Regex": r"\d{1,2}+"}, {"Regex": "x*"}):
        yield {"type": "Replace", "pattern": pattern, "content": "<>"}
    yield {"type": "Precompiled", "precompiled_charsmap": charsmap()}
    yield {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"}]}


def pre_tokenizers():
    for name in ("Whitespace", "WhitespaceSplit", "BertPreTokenizer", "UnicodeScripts"):
        yield {"type": name}
    yield {"type": "CharDelimiterSplit", "delimiter": "-"}
    yield {"type": "FixedLength", "length": 3}
    for individual in (True, False):
        yield {"type": "Digits", "individual_digits": individual}
    for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        yield {"type": "Punctuation", "behavior": behavior}
        for invert in (True, False):
            yield {"type": "Split", "pattern": {"Regex": r"\s"}, "behavior": behavior, "invert": invert}
    for pattern in ({"String": "a"}, {"Regex": r"\w+"}, {"Regex": r"(?i:'T|s|K)"}, {"Regex": r"(?=\p{N})"},
                    {"Regex": r"\p{Hiragana}|\p{^L}"}, {"Regex": r"(?<=a).|$"}, {"Regex": r"[\S]{2,3}"}):
        yield {"type": "Split", "pattern": pattern, "behavior": "Isolated", "invert": False}
    for prefix in (True, False):
        yield {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": prefix}
    for scheme in ("always", "first", "never"):
        yield {**METASPACE, "prepend_scheme": scheme, "split": scheme != "always"}
    yield {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {**METASPACE, "prepend_scheme": "first"},
                                                 {"type": "Digits", "individual_digits": True}]}


def post_processors():
    bert = {"sep": ["@@\x00", 5], "cls": ["\x01", 6]}
    yield {"type": "BertProcessing", **bert}
    yield {"type": "Sequence", "processors": [
        {"type": "RobertaProcessing", **bert, "trim_offsets": True, "add_prefix_space": True},
        {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "a", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                                                  {"SpecialToken": {"id": "b", "type_id": 0}}],
         "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
         "special_tokens": {"a": {"id": "a", "ids": [1, 2], "tokens": ["x", "y"]}, "b": {"id": "b", "ids": [3], "tokens": ["z"]}}},
        {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True}]}


def decoders():
    yield {"type": "BPEDecoder", "suffix": "@@"}
    for cleanup in (True, False):
        yield {"type": "WordPiece", "prefix": "@@", "cleanup": cleanup}
        yield {"type": "CTC", "pad_token": "a", "word_delimiter_token": "@", "cleanup": cleanup}
        yield {"type": "Metaspace", "replacement": "@", "prepend_scheme": "always" if cleanup else "never", "split": True}
    yield {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"Regex": "@@"}, "content": ""}, {"type": "ByteFallback"},
                                            {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
    yield {"type": "Strip", "content": "a", "start": 0, "stop": 1}
    yield {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}


def added_tokens(flags):
    size = len(CHARACTERS["vocab"])
    known = [c for c in ("a", "▁") if c in CHARACTERS["vocab"]]
    tokens = [(CHARACTERS["vocab"][c], c) for c in known]
    tokens += [(size + i, c) for i, c in enumerate(("<s>", "</s>", "Hello", "aa", "aaa", " b"))]
    return [{"id": i, "content": c, "single_word": bool(flags & 1), "lstrip": bool(flags & 2), "rstrip": bool(flags & 4),
             "normalized": bool(flags & 8), "special": False} for i, c in tokens]


def bpe(**options):
    vocab = {"<unk>": 0}
    if options.get("byte_fallback"):
        for byte in range(0xC4):  # not all: what begins with a higher byte stays unknown
            vocab[f"<0x{byte:02X}>"] = len(vocab)
    prefix = options.get("continuing_subword_prefix") or ""
    suffix = options.get("end_of_word_suffix") or ""
    for character in "▁abcdeHhlorw<>/s中😀":
        for token in (character, prefix + character, character + suffix, prefix + character + suffix):
            vocab.setdefault(token, len(vocab))
    merges = []
    for left, right in (("l", "o"), ("l", "l"), ("e", "l"), ("h", "e"), ("he", "ll"), ("hell", "o"), ("a", "a"), ("aa", "a"), ("▁", "h")):
        pair = (left if left == "h" or not prefix else prefix + left, prefix + right)
        merged = pair[0] + right
        if pair[0] in vocab and pair[1] in vocab:
            vocab.setdefault(merged, len(vocab))
            merges.append(list(pair))
    if options.pop("whole_words", False):
        vocab["World"] = len(vocab)
    return {"type": "BPE", "unk_token": "<unk>", **options, "vocab": vocab, "merges": merges}


def unigram(byte_fallback):
    vocab = [["<unk>", 0.0]]
    if byte_fallback:
        vocab += [[f"<0x{byte:02X}>", -20.0] for byte in range(0xC4)]
    vocab += [[c, -3.0 - i / 7] for i, c in enumerate("▁abcdeHhlorw中")]
    vocab += [["▁a", -4.5], ["aa", -3.63692325208413973], ["aaa", -5.1], ["hello", -9.25], ["ell", -7.125], ["lo", -6.6], ["aa", -6.1]]
    return {"type": "Unigram", "unk_id": 0, "vocab": vocab, "byte_fallback": byte_fallback}


def word_piece():
    vocab = {"[UNK]": 0}
    for token in list("abcdeHhlorw,!'中1") + ["##" + c for c in "abcdehlorwn1"] + ["hello", "##llo", "##orld", "don", "now"]:
        vocab.setdefault(token, len(vocab))
    return {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 6, "vocab": vocab}


def models():
    fallback = {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, METASPACE]}
    for fuse in (True, False):
        for byte_fallback in (True, False):
            yield {"model": bpe(fuse_unk=fuse, byte_fallback=byte_fallback), "pre_tokenizer": METASPACE, "decoder": fallback}
    yield {"model": bpe(ignore_merges=True, whole_words=True), "pre_tokenizer": {"type": "WhitespaceSplit"}}
    yield {"model": bpe(end_of_word_suffix="</w>"), "pre_tokenizer": {"type": "Whitespace"}, "decoder": {"type": "BPEDecoder", "suffix": "</w>"}}
    yield {"model": bpe(continuing_subword_prefix="##"), "pre_tokenizer": {"type": "Whitespace"}, "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True}}
    legacy = bpe()
    legacy["merges"] = [" ".join(pair) for pair in legacy["merges"]]
    del legacy["type"]
    yield {"model": legacy, "pre_tokenizer": METASPACE}
    for byte_fallback in (True, False):
        yield {"model": unigram(byte_fallback), "pre_tokenizer": METASPACE, "decoder": fallback}
    yield {"model": word_piece(), "pre_tokenizer": {"type": "BertPreTokenizer"}, "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True}}
    yield {"model": {"type": "WordLevel", "unk_token": "[UNK]", "vocab": {"[UNK]": 3, "hello": 0, "World": 1, "!": 2}}, "pre_tokenizer": {"type": "Whitespace"}}


def all_parts():
    yield from ({"normalizer": part} for part in normalizers())
    yield from ({"pre_tokenizer": part} for part in pre_tokenizers())
    yield from ({"post_processor": part} for part in post_processors())
    yield from ({"decoder": part} for part in decoders())
    for flags in range(16):
        lower = {"type": "Sequence", "normalizers": [{"type": "Lowercase"}, {"type": "Prepend", "prepend": "▁"}]}
        yield {"added_tokens": added_tokens(flags), "pre_tokenizer": {**METASPACE, "prepend_scheme": "first"},
               "normalizer": lower if flags & 8 else None}
    yield from models()


def case(parts):
    document = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
                "pre_tokenizer": None, "post_processor": None, "decoder": None, "model": CHARACTERS, **parts}
    tokenizer = tokenizers.Tokenizer.from_str(json.dumps(document))
    ids = [tokenizer.encode(text, add_special_tokens=True).ids for text in TEXTS]
    return {"parts": parts, "ids": ids, "decoded": [tokenizer.decode(i, skip_special_tokens=False) for i in ids]}


def main():
    with open("cases.json", "w", encoding="ascii") as out:
        out.write(json.dumps({"tokenizers": tokenizers.__version__, "texts": TEXTS, "model": CHARACTERS})[:-1])
        out.write(',\n"cases": [\n' + ",\n".join(json.dumps(case(parts), separators=(",", ":")) for parts in all_parts()) + "\n]}\n")


if __name__ == "__main__":
    main()
