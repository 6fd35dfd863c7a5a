// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/sha256.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// Text to token ids and back, as tokenizer.json or GGUF metadata state it. Immutable; `encode` may be called from
/// several threads.
class Tokenizer
{
public:
    /// From a Hugging Face folder (one with only tokenizer files will do) or a .gguf file.
    /// Errors: NotFound, Corrupt, Unsupported (names the part of tokenizer.json that is not known; never guessed).
    static Result<Tokenizer> load(const std::filesystem::path& model);

    Tokenizer(Tokenizer&&) noexcept;
    Tokenizer& operator=(Tokenizer&&) noexcept;
    ~Tokenizer();

    /// `text` is UTF-8; invalid bytes are replaced by U+FFFD as the reference library does.
    /// `addSpecial` applies the post-processor (BOS, EOS, [CLS] ...). Special tokens written in the text are
    /// recognised.
    std::vector<std::int32_t> encode(std::string_view text, bool addSpecial = false) const;
    /// Errors: InvalidArgument (an id outside the vocabulary, named).
    Result<std::string> decode(std::span<const std::int32_t> ids, bool skipSpecial = false) const;

    std::int64_t vocabularySize() const; ///< largest id + 1
    std::optional<std::int32_t> bosId() const;
    std::optional<std::int32_t> eosId() const;
    /// Identity of everything that changes ids: SHA-256 of tokenizer.json, or of the canonical GGUF tokenizer metadata.
    const Sha256Digest& digest() const;

    struct Impl;

private:
    explicit Tokenizer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> m_impl;
};

} // namespace paretoscope::core
