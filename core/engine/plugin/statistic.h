// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/engine/aten.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace paretoscope::engine {

/// Asks for a statistic of the activations that a unit reads. Equal requests are gathered once and shared.
struct StatisticRequest
{
    std::string id; ///< "hessian", "column_square_mean", "column_abs_mean", or one that a plugin registers
    int version = 1;
    core::Json options = core::Json::object();
    bool operator==(const StatisticRequest&) const = default;
};

/// An accumulator at one named point. Fed with the activations of one sample after the other in their order, so the value
/// does not depend on memory or micro-batch. `add` is called outside parallel regions: operators in it use all threads.
class Statistic
{
public:
    virtual ~Statistic() = default;

    /// `x` [tokens, features], float32, without padding.
    virtual void add(const at::Tensor& x) = 0;
    /// Adds what another accumulator of the same request saw.
    virtual void merge(const Statistic& other) = 0;
    /// The value over everything seen; `samples()` rows. Undefined before the first add.
    virtual at::Tensor value() const = 0;
    virtual std::int64_t samples() const = 0; ///< rows (tokens) seen
};

/// Makes accumulators of one kind; built in or registered by a plugin.
struct StatisticFactory
{
    std::string_view id;
    int version = 1;
    std::unique_ptr<Statistic> (*make)(const core::Json& options) = nullptr;
};

/// A finished statistic as a stage reads it.
struct StatisticValue
{
    at::Tensor value;
    std::int64_t samples = 0;
};

} // namespace paretoscope::engine
