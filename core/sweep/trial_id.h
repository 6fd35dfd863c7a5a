// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/sha256.h"

namespace paretoscope::core {

/// Identity of a result: equal id = the same compressed model, wherever and whenever it was made (DESIGN 6).
struct TrialId
{
    Sha256Digest digest;
    auto operator<=>(const TrialId&) const = default;
    std::string hex() const { return digest.hex(); }
    static Result<TrialId> fromHex(std::string_view hex)
    {
        PSC_ASSIGN(const Sha256Digest parsed, Sha256Digest::fromHex(hex));
        return TrialId {parsed};
    }
};

} // namespace paretoscope::core
