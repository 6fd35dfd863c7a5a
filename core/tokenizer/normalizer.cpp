// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/normalizer.h"

#include "core/tokenizer/byte_level.h"
#include "core/tokenizer/character_normalizers.h"
#include "core/tokenizer/part_reader.h"
#include "core/tokenizer/precompiled_charsmap.h"
#include "core/tokenizer/unicode_form.h"

#include <array>
#include <utility>
#include <vector>

namespace paretoscope::core {

namespace {

using Made = Result<std::unique_ptr<Normalizer>>;

class UnicodeFormNormalizer : public Normalizer
{
public:
    explicit UnicodeFormNormalizer(UnicodeForm form)
        : m_form(form)
    {}
    std::string normalize(std::string text, PatternWorkspace&) const override { return toUnicodeForm(text, m_form); }
    double growth() const override { return 12; } // U+FDFA becomes 33 bytes

private:
    UnicodeForm m_form;
};

template <UnicodeForm kForm>
Made makeUnicodeForm(PartReader& part)
{
    PSC_TRY(part.finish());
    return Made(std::make_unique<UnicodeFormNormalizer>(kForm));
}

class Prepend : public Normalizer
{
public:
    explicit Prepend(std::string prefix)
        : m_prefix(std::move(prefix))
    {}
    std::string normalize(std::string text, PatternWorkspace&) const override
    {
        return text.empty() ? text : m_prefix + text;
    }
    double growth() const override { return 1 + static_cast<double>(m_prefix.size()); }

private:
    std::string m_prefix;
};

Made makePrepend(PartReader& part)
{
    std::string prefix = part.string("prepend");
    PSC_TRY(part.finish());
    return Made(std::make_unique<Prepend>(std::move(prefix)));
}

class Replace : public Normalizer
{
public:
    Replace(Pattern pattern, std::string content)
        : m_pattern(std::move(pattern))
        , m_content(std::move(content))
    {}
    std::string normalize(std::string text, PatternWorkspace& workspace) const override
    {
        return m_pattern.replaceAll(text, m_content, workspace);
    }
    double growth() const override { return m_pattern.growth(m_content); }

private:
    Pattern m_pattern;
    std::string m_content;
};

Made makeReplace(PartReader& part)
{
    const Json& pattern = part.object("pattern");
    std::string content = part.string("content");
    PSC_TRY(part.finish());
    PSC_ASSIGN(Pattern compiled, Pattern::fromJson(pattern, part.placeOf("pattern")));
    return Made(std::make_unique<Replace>(std::move(compiled), std::move(content)));
}

class ByteLevelNormalizer : public Normalizer
{
public:
    std::string normalize(std::string text, PatternWorkspace&) const override
    {
        std::string out;
        appendByteLevel(text, out);
        return out;
    }
    double growth() const override { return 2; }
};

Made makeByteLevel(PartReader& part)
{
    PSC_TRY(part.finish());
    return Made(std::make_unique<ByteLevelNormalizer>());
}

class Precompiled : public Normalizer
{
public:
    explicit Precompiled(PrecompiledCharsmap map)
        : m_map(std::move(map))
    {}
    std::string normalize(std::string text, PatternWorkspace&) const override { return m_map.normalize(text); }
    double growth() const override { return m_map.growth(); }

private:
    PrecompiledCharsmap m_map;
};

Made makePrecompiled(PartReader& part)
{
    const std::string encoded = part.string("precompiled_charsmap");
    PSC_TRY(part.finish());
    PSC_ASSIGN(PrecompiledCharsmap map, PrecompiledCharsmap::fromBase64(encoded, part.placeOf("precompiled_charsmap")));
    return Made(std::make_unique<Precompiled>(std::move(map)));
}

class NormalizerSequence : public Normalizer
{
public:
    explicit NormalizerSequence(std::vector<std::unique_ptr<Normalizer>> steps)
        : m_steps(std::move(steps))
    {}
    std::string normalize(std::string text, PatternWorkspace& workspace) const override
    {
        for (const auto& step : m_steps)
            text = step->normalize(std::move(text), workspace);
        return text;
    }
    double growth() const override
    {
        double product = 1;
        for (const auto& step : m_steps)
            product *= step->growth();
        return product;
    }

private:
    std::vector<std::unique_ptr<Normalizer>> m_steps;
};

Made makeSequence(PartReader& part)
{
    const Json& list = part.array("normalizers");
    PSC_TRY(part.finish());
    std::vector<std::unique_ptr<Normalizer>> steps;
    for (std::size_t i = 0; i < list.size(); ++i) {
        PSC_ASSIGN(auto step, makeNormalizer(list[i], part.placeOf("normalizers") + "[" + std::to_string(i) + "]"));
        steps.push_back(std::move(step));
    }
    return Made(std::make_unique<NormalizerSequence>(std::move(steps)));
}

} // namespace

Made makeNormalizer(const Json& json, std::string_view place)
{
    static constexpr PartMaker<std::unique_ptr<Normalizer>> kMakers[] {
        {"BertNormalizer", makeBertNormalizer},
        {"ByteLevel", makeByteLevel},
        {"Lowercase", makeLowercase},
        {"NFC", makeUnicodeForm<UnicodeForm::Nfc>},
        {"NFD", makeUnicodeForm<UnicodeForm::Nfd>},
        {"NFKC", makeUnicodeForm<UnicodeForm::Nfkc>},
        {"NFKD", makeUnicodeForm<UnicodeForm::Nfkd>},
        {"Nmt", makeNmt},
        {"Precompiled", makePrecompiled},
        {"Prepend", makePrepend},
        {"Replace", makeReplace},
        {"Sequence", makeSequence},
        {"Strip", makeStrip},
        {"StripAccents", makeStripAccents},
    };
    return makePart<std::unique_ptr<Normalizer>>(json, place, kMakers);
}

} // namespace paretoscope::core
