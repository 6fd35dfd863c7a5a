// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace paretoscope::core {

/// The normalisation forms of the Unicode Standard, annex 15.
enum class UnicodeForm
{
    Nfc,
    Nfd,
    Nfkc,
    Nfkd,
};

/// `text` is valid UTF-8; so is the result.
std::string toUnicodeForm(std::string_view text, UnicodeForm form);

} // namespace paretoscope::core
