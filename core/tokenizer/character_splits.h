// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tokenizer/pre_tokenizer.h"

#include <memory>

namespace paretoscope::core {

class PartReader;

// The pre-tokenizers that look at single characters. Errors: as makePreTokenizer.
Result<std::unique_ptr<PreTokenizer>> makeBertPreTokenizer(PartReader& part); ///< white space gone, punctuation alone
Result<std::unique_ptr<PreTokenizer>> makeCharDelimiterSplit(PartReader& part);
Result<std::unique_ptr<PreTokenizer>> makeDigits(PartReader& part);
Result<std::unique_ptr<PreTokenizer>> makeFixedLength(PartReader& part);
Result<std::unique_ptr<PreTokenizer>> makePunctuation(PartReader& part);
Result<std::unique_ptr<PreTokenizer>> makeUnicodeScripts(PartReader& part);
Result<std::unique_ptr<PreTokenizer>> makeWhitespace(PartReader& part); ///< \w+|[^\w\s]+
Result<std::unique_ptr<PreTokenizer>> makeWhitespaceSplit(PartReader& part);

} // namespace paretoscope::core
