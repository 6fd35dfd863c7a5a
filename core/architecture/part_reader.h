// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/architecture/block_spec.h"
#include "core/architecture/family_file.h"

#include <optional>
#include <string>

namespace paretoscope::core {

/// Sizes that parts share.
struct SharedSizes
{
    std::int64_t hidden = 0;
    std::int64_t intermediate = 0;
    std::int64_t maxPositions = 0;
    std::int64_t heads = 0;
    std::int64_t kvHeads = 0;
    std::int64_t headDim = 0;
};

/// What the readers of parts share: the values of one configuration and the place in the model.
class PartReader
{
public:
    PartReader(const FamilyValues& values, SharedSizes sizes, std::string prefix)
        : m_values(values)
        , m_sizes(sizes)
        , m_prefix(std::move(prefix))
    {}

    const FamilyValues& values() const { return m_values; }
    const SharedSizes& sizes() const { return m_sizes; }
    /// The full name of a tensor or module; "{expert}" in it becomes the index of the expert that is read.
    std::string named(const Json& name) const;

    /// A reader for one expert of a mixture.
    PartReader forExpert(std::int64_t expert, std::int64_t experts) const;
    std::int64_t expert() const { return m_expert; }
    std::int64_t experts() const { return m_experts; }

    Result<NormSpec> norm(const Json& spec, std::int64_t width) const;
    /// Nothing when `parent` has no such member, or null.
    Result<std::optional<NormSpec>> optionalNorm(const Json& parent, const char* member, std::int64_t width) const;
    Result<Activation> activation(const Json& spec) const;
    /// A value of `parent`, or `fallback` when it has no such member or null.
    Result<double> number(const Json& parent, const char* member, double fallback) const;
    Result<bool> boolean(const Json& parent, const char* member, bool fallback) const;
    Result<std::int64_t> size(const Json& parent, const char* member, std::int64_t fallback) const;

    Result<SublayerSpec> sublayer(const Json& spec) const;

private:
    const FamilyValues& m_values;
    SharedSizes m_sizes;
    std::string m_prefix;
    std::int64_t m_expert = 0;
    std::int64_t m_experts = 0;
};

/// The readers of the parts, each beside its spec. `spec` is what the family file says of the part, choices followed.
Result<AttentionSpec> readAttention(const Json& spec, const PartReader& reader);
Result<MlpSpec> readMlp(const Json& spec, const PartReader& reader);
Result<LatentAttentionSpec> readLatentAttention(const Json& spec, const PartReader& reader);
Result<MoeSpec> readMoe(const Json& spec, const PartReader& reader);

/// The member "rotary" of an attention part; null: none. @param headDim channels of a head that may be rotated
Result<std::optional<RotarySpec>> readRotary(const Json& spec, const PartReader& reader, std::int64_t headDim);

} // namespace paretoscope::core
