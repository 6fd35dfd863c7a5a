// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/unicode_form.h"

#include "core/base/assert.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>

#include <cstdint>

namespace paretoscope::core {

namespace {

/// Owned by ICU; its data is part of the library.
const icu::Normalizer2& instanceOf(UnicodeForm form)
{
    UErrorCode status = U_ZERO_ERROR;
    const icu::Normalizer2* instance = nullptr;
    switch (form) {
    case UnicodeForm::Nfc:
        instance = icu::Normalizer2::getNFCInstance(status);
        break;
    case UnicodeForm::Nfd:
        instance = icu::Normalizer2::getNFDInstance(status);
        break;
    case UnicodeForm::Nfkc:
        instance = icu::Normalizer2::getNFKCInstance(status);
        break;
    case UnicodeForm::Nfkd:
        instance = icu::Normalizer2::getNFKDInstance(status);
        break;
    }
    PSC_ASSERT(U_SUCCESS(status) && instance, "ICU has the normalisation forms");
    return *instance;
}

} // namespace

std::string toUnicodeForm(std::string_view text, UnicodeForm form)
{
    PSC_ASSERT(text.size() <= 0x7fffffff, "ICU takes at most 2 GiB");
    std::string out;
    out.reserve(text.size());
    icu::StringByteSink<std::string> sink(&out);
    UErrorCode status = U_ZERO_ERROR;
    instanceOf(form).normalizeUTF8(0, icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())), sink,
                                   nullptr, status);
    PSC_ASSERT(U_SUCCESS(status), "ICU normalises every valid text");
    return out;
}

} // namespace paretoscope::core
