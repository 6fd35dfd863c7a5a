// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/normalizer.h"

#include "core/base/assert.h"
#include "core/tokenizer/part_reader.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>

#include <array>
#include <utility>
#include <vector>

namespace paretoscope::core {

namespace {

using Made = Result<std::unique_ptr<Normalizer>>;

/// NFC, NFD, NFKC and NFKD of the Unicode Standard, annex 15.
class UnicodeForm : public Normalizer
{
public:
    explicit UnicodeForm(const icu::Normalizer2& form)
        : m_form(form)
    {}
    std::string normalize(std::string text) const override
    {
        std::string out;
        out.reserve(text.size());
        icu::StringByteSink<std::string> sink(&out);
        UErrorCode status = U_ZERO_ERROR;
        PSC_ASSERT(text.size() <= 0x7fffffff, "ICU takes at most 2 GiB");
        m_form.normalizeUTF8(0, icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())), sink, nullptr,
                             status);
        PSC_ASSERT(U_SUCCESS(status), "ICU normalises every valid text");
        return out;
    }

private:
    const icu::Normalizer2& m_form; ///< owned by ICU, lives as long as the program
};

Made makeUnicodeForm(PartReader& part)
{
    UErrorCode status = U_ZERO_ERROR;
    const std::string name = part.type();
    const icu::Normalizer2* form = name == "NFC"    ? icu::Normalizer2::getNFCInstance(status)
                                   : name == "NFD"  ? icu::Normalizer2::getNFDInstance(status)
                                   : name == "NFKC" ? icu::Normalizer2::getNFKCInstance(status)
                                                    : icu::Normalizer2::getNFKDInstance(status);
    if (U_FAILURE(status) || !form)
        return Error {ErrorCode::Unsupported, part.place() + ": ICU has no data for " + name, "install ICU completely"};
    PSC_TRY(part.finish());
    return Made(std::make_unique<UnicodeForm>(*form));
}

class NormalizerSequence : public Normalizer
{
public:
    explicit NormalizerSequence(std::vector<std::unique_ptr<Normalizer>> steps)
        : m_steps(std::move(steps))
    {}
    std::string normalize(std::string text) const override
    {
        for (const auto& step : m_steps)
            text = step->normalize(std::move(text));
        return text;
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
    constexpr std::array<std::pair<std::string_view, Made (*)(PartReader&)>, 5> kTypes {{
        {"NFC", makeUnicodeForm},
        {"NFD", makeUnicodeForm},
        {"NFKC", makeUnicodeForm},
        {"NFKD", makeUnicodeForm},
        {"Sequence", makeSequence},
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
