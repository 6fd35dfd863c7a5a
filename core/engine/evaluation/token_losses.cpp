// SPDX-License-Identifier: Apache-2.0
#include "core/engine/evaluation/token_losses.h"

#include "core/base/assert.h"
#include "core/engine/device/transfer.h"
#include "core/engine/kernels/transformer.h"

#include <algorithm>

namespace paretoscope::engine {

void TokenLosses::addTargets(std::vector<std::int32_t> input, std::vector<std::int32_t> targets,
                             std::size_t firstScored)
{
    PSC_ASSERT(firstScored + targets.size() <= input.size(), "every target has its position");
    m_sequences.push_back(
        {std::move(input), static_cast<int>(firstScored), static_cast<int>(firstScored + targets.size())});
    m_losses.emplace_back(targets.size());
    m_targets.push_back(std::move(targets));
}

void TokenLosses::addWindow(std::vector<std::int32_t> ids, std::size_t firstScored)
{
    std::vector<std::int32_t> targets(ids.begin() + 1 + static_cast<std::ptrdiff_t>(firstScored), ids.end());
    addTargets(std::move(ids), std::move(targets), firstScored);
}

void TokenLosses::consume(int sequence, int begin, const at::Tensor& logits)
{
    const auto index = static_cast<std::size_t>(sequence);
    const auto rows = static_cast<std::size_t>(logits.size(0));
    const auto offset = static_cast<std::size_t>(begin - m_sequences[index].firstScored);
    const at::Tensor targets = at::tensor(at::ArrayRef<std::int32_t>(m_targets[index].data() + offset, rows), at::kInt);
    const at::Tensor losses = toHost(negativeLogLikelihood(logits, toDevice(targets.to(at::kLong), logits.device())));
    std::copy_n(losses.const_data_ptr<double>(), rows, m_losses[index].begin() + static_cast<std::ptrdiff_t>(offset));
}

} // namespace paretoscope::engine
