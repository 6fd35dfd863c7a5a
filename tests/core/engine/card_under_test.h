// SPDX-License-Identifier: Apache-2.0
// Which card a test program computes on: one program with PARETOSCOPE_SIMULATED_CARD, one without.
#pragma once

#include "core/base/result.h"

#include <string>

#ifdef PARETOSCOPE_SIMULATED_CARD
#include "simulated_card.h"
#else
#include "core/engine/device/cuda_driver.h"
#endif

namespace paretoscope::tests {

struct CardUnderTest
{
#ifdef PARETOSCOPE_SIMULATED_CARD
    static std::string name()
    {
        return simulated_card::device().str();
    }
    static core::Status find()
    {
        return core::success();
    }
    static constexpr double kTolerance = 0; ///< every bit
#else
    static std::string name()
    {
        return "cuda:0";
    }
    /// Why there is none.
    static core::Status find()
    {
        const auto cards = engine::cudaCards();
        if (!cards.ok())
            return cards.error();
        if (cards.value().empty())
            return core::Error {core::ErrorCode::NotFound, "the driver shows none", ""};
        return core::success();
    }
    /// Float32 sums in another order: 2^-24 a step, which grows with the square root of their length and the depth.
    static constexpr double kTolerance = 1e-3;
#endif
};

} // namespace paretoscope::tests
