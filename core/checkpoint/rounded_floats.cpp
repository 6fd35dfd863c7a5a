// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/rounded_floats.h"

#include "core/checkpoint/small_floats.h"
#include "core/checkpoint/untrusted_text.h"

#include <algorithm>
#include <string>
#include <vector>

namespace paretoscope::core {

namespace {

template <typename Round>
void roundAll(std::span<const float> values, std::vector<std::uint16_t>& out, Round round)
{
    out.resize(values.size());
    std::ranges::transform(values, out.begin(), round);
}

} // namespace

Status forRoundedPieces(ElementType type, std::span<const float> values, std::string_view tensor,
                        const std::function<Status(std::span<const std::byte>)>& take)
{
    constexpr std::size_t kPiece = std::size_t(1) << 16;
    if (type == ElementType::F32)
        return take(std::as_bytes(values));
    if (type != ElementType::F16 && type != ElementType::BF16)
        return Error {ErrorCode::Unsupported,
                      "float32 values cannot be rounded to type " + std::string(layoutOf(type).name) + " of tensor " +
                          inQuotes(tensor),
                      "declare it as f32, f16 or bf16"};
    std::vector<std::uint16_t> rounded;
    while (!values.empty()) {
        const auto piece = values.first(std::min(kPiece, values.size()));
        if (type == ElementType::F16)
            roundAll(piece, rounded, floatToHalf);
        else
            roundAll(piece, rounded, floatToBfloat16);
        PSC_TRY(take(std::as_bytes(std::span(rounded))));
        values = values.subspan(piece.size());
    }
    return success();
}

} // namespace paretoscope::core
