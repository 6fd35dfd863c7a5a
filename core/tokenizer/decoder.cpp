// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/decoder.h"

#include "core/tokenizer/byte_level.h"
#include "core/tokenizer/part_reader.h"
#include "core/tokenizer/utf8.h"

#include <array>
#include <utility>

namespace paretoscope::core {

namespace {

using Made = Result<std::unique_ptr<Decoder>>;

class ByteLevelDecoder : public Decoder
{
public:
    std::vector<std::string> decode(std::vector<std::string> tokens) const override
    {
        std::string bytes;
        for (const std::string& token : tokens)
            append(token, bytes);
        return {replaceInvalidUtf8(bytes)};
    }

private:
    /// A token with any character outside the alphabet (an added token) stands as it is.
    static void append(const std::string& token, std::string& bytes)
    {
        const std::size_t start = bytes.size();
        std::size_t at = 0;
        while (at < token.size()) {
            const auto byte = byteOfCharacter(nextCodePoint(token, at));
            if (!byte) {
                bytes.resize(start);
                bytes += token;
                return;
            }
            bytes += static_cast<char>(*byte);
        }
    }
};

Made makeByteLevel(PartReader& part)
{
    for (const std::string_view key : {"add_prefix_space", "trim_offsets", "use_regex"})
        part.ignore(key);
    PSC_TRY(part.finish());
    return Made(std::make_unique<ByteLevelDecoder>());
}

} // namespace

Made makeDecoder(const Json& json, std::string_view place)
{
    constexpr std::array<std::pair<std::string_view, Made (*)(PartReader&)>, 1> kTypes {{
        {"ByteLevel", makeByteLevel},
    }};
    PartReader part(json, std::string(place));
    const std::string type = part.type();
    std::vector<std::string> known;
    for (const auto& [name, make] : kTypes) {
        if (name == type)
            return make(part);
        known.emplace_back(name);
    }
    if (!json.is_object())
        return part.finish().error();
    return unknownPart(place, type, known);
}

} // namespace paretoscope::core
