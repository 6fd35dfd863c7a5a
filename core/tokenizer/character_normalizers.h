// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tokenizer/normalizer.h"

#include <memory>

namespace paretoscope::core {

class PartReader;

// The normalizers that look at single characters. Errors: as makeNormalizer.
Result<std::unique_ptr<Normalizer>> makeLowercase(PartReader& part);
Result<std::unique_ptr<Normalizer>> makeStrip(PartReader& part); ///< white space at the ends
Result<std::unique_ptr<Normalizer>> makeStripAccents(PartReader& part);
Result<std::unique_ptr<Normalizer>> makeNmt(PartReader& part);
Result<std::unique_ptr<Normalizer>> makeBertNormalizer(PartReader& part);

} // namespace paretoscope::core
