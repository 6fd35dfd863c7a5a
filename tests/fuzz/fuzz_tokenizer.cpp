// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: bytes as a tokenizer.json, or as a GGUF file when they begin like one; whatever opens encodes a
// text of every kind of character and decodes the ids again.
#include "core/tokenizer/tokenizer.h"

#include "tests/fuzz/scratch_folder.h"

#include <algorithm>
#include <string_view>

using namespace paretoscope;

namespace {

constexpr std::string_view kText =
    "<s> The  pound \xc2\xa3"
    "5, na\xc3\xafve \xe4\xb8\xad\xe6\x96\x87 \xf0\x9f\x99\x82\r\n\t12345 don't\xff</s> x";

bool isGguf(std::span<const std::uint8_t> bytes)
{
    constexpr std::string_view kMagic = "GGUF";
    return bytes.size() >= kMagic.size() && std::equal(kMagic.begin(), kMagic.end(), bytes.begin());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const fuzz::ScratchFolder folder;
    const std::span bytes(data, size);
    const std::filesystem::path written = folder.write(isGguf(bytes) ? "model.gguf" : "tokenizer.json", bytes);
    const auto tokenizer = core::Tokenizer::load(isGguf(bytes) ? written : folder.path());
    if (!tokenizer.ok()) {
        if (tokenizer.error().message.empty() || tokenizer.error().hint.empty())
            std::abort(); // every refusal says what and what to do
        return 0;
    }
    for (const bool special : {false, true}) {
        const std::vector<std::int32_t> ids = tokenizer.value().encode(kText, special);
        if (!tokenizer.value().decode(ids, special).ok())
            std::abort(); // it does not know its own ids
    }
    return 0;
}
