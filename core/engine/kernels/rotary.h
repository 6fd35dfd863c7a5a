// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/architecture/rotary.h"
#include "core/engine/aten.h"

#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

namespace paretoscope::engine {

/// cos and sin of position * frequency for consecutive positions, computed in float64.
struct RotaryTable
{
    at::Tensor cosine; ///< float32 [tokens, pairs]
    at::Tensor sine;
};
/// @param first position of the first token; @param length of the whole sequence so far: decides which angles a spec
///        that varies with it uses
RotaryTable rotaryTable(const core::RotarySpec& spec, std::int64_t first, std::int64_t tokens, std::int64_t length);

/// The same for any positions, int64 [tokens], on their device, of a sequence that is no longer than `alikeUpTo`.
/// @param isShift the keys carry the amplitude already: it is left out
RotaryTable rotaryTableAt(const core::RotarySpec& spec, const at::Tensor& positions, bool isShift);

/// The tables from position 0 of every rotary spec of a model, made once for the longest sequence so far. Thread-safe.
class RotaryTables
{
public:
    /// For positions [first, first + tokens) of a sequence that ends there; on `device`, with the host's numbers.
    RotaryTable at(const core::RotarySpec& spec, std::int64_t first, std::int64_t tokens, at::Device device) const;

private:
    mutable std::mutex m_mutex;
    /// By amplitude, frequencies and device.
    mutable std::map<std::tuple<double, std::vector<double>, std::string>, RotaryTable> m_tables;
};

/// Rotates the pairs of the first channels of every head; as many as the table has; the others pass.
/// @param x [tokens, heads, headDim]. @return the same shape and type, computed in float32
at::Tensor applyRotary(const at::Tensor& x, const RotaryTable& table, core::RotaryStyle style);

} // namespace paretoscope::engine
