// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/quantity.h"
#include "core/base/result.h"
#include "core/engine/aten.h"
#include "core/engine/plugin/hooks.h"
#include "core/engine/plugin/host_services.h"
#include "core/engine/plugin/replay.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::engine {

/// A place whose activations are sampled: what units read, or a hook point of a block.
struct SamplePlace
{
    std::string input {}; ///< Unit::input; empty: the hook point
    int block = 0;     ///< of the hook point
    HookPoint point = HookPoint::BlockInput;
};

struct SampleRequest
{
    enum class Selection
    {
        Strided, ///< rows at equal distances over all calibration tokens
        Random   ///< a uniform draw without replacement, from `seed`
    };
    std::vector<SamplePlace> places;
    core::Bytes budget; ///< of all returned rows together; every place gets the same number of rows
    Selection selection = Selection::Strided;
    std::uint64_t seed = 0;
    ActivationSource source = ActivationSource::Original;
};

/// Rows of activations at one place, in rising order of sequence and row.
struct ActivationRows
{
    at::Tensor values;               ///< float32 [rows, features]; heads are flattened into features
    std::vector<std::int64_t> index; ///< of every row: sequence
    std::vector<std::int64_t> row;   ///< of every row: its row in the sequence (token; at an expert: n-th routed token)
};

/// Raw activations of the calibration sequences. The rows do not depend on the number of threads; equal tokens at
/// different places of one request come with equal index and row.
class ActivationSamples : public Service
{
public:
    static constexpr std::string_view kId = "activation_samples";
    static constexpr int kVersion = 1;

    /// @return parallel to the places; fewer rows than the budget allows where there are not more.
    /// Errors: InvalidArgument (no calibration data, a place the model does not have, a budget below one row per
    /// place), Unsupported (attention probabilities: use a hook); reading errors; OutOfMemory; Cancelled.
    virtual core::Result<std::vector<ActivationRows>> sample(const SampleRequest& request) = 0;
};

} // namespace paretoscope::engine
