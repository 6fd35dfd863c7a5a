// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/engine/aten.h"
#include "core/project/records.h"

#include <cstdint>
#include <string>
#include <vector>

namespace paretoscope::engine {

/// One sequence whose logits a metric wants to see.
struct MetricSequence
{
    std::vector<std::int32_t> ids;
    int firstScored = 0; ///< positions [firstScored, endScored) of the logits are delivered
    int endScored = 0;
    /// Where a stage replaced the key/value store: this many tokens pass at once before KvStore::endPrompt, the others
    /// one by one. 0: all one by one, with the store in use from the first token on.
    int promptTokens = 0;
};

/// A metric over next-token logits. The engine runs the sequences (one forward serves all metrics that ask for the same
/// ones) and delivers logits in rising position, each sequence on one thread, different ones possibly at once.
class Metric
{
public:
    virtual ~Metric() = default;

    virtual const std::vector<MetricSequence>& sequences() const = 0;
    /// `logits` float32 [n, vocabulary] of the positions [begin, begin + n) of one sequence.
    virtual void consume(int sequence, int begin, const at::Tensor& logits) = 0;
    /// After everything was delivered: one or more records with protocol, standard error and details.
    virtual core::Result<std::vector<core::MetricRecord>> finish() = 0;
};

} // namespace paretoscope::engine
