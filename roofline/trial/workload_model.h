// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/trial/compressed_model.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace paretoscope::roofline {

/// The uncompressed model of a workload, ready to take the stored forms of its trials.
class WorkloadModel
{
public:
    /// @param families folder of the family files. Errors: those of core::describeArchitecture.
    static core::Result<WorkloadModel> read(const core::Json& config, const std::filesystem::path& families);

    /// Linear in the number of tensors. Errors: Corrupt (`stored` tells of another number of tensors).
    core::Result<CompressedModel> with(const core::StoredModel& stored) const;

private:
    using Target = LinearShape& (*)(PartShape& part);

    /// Linears of a sublayer that are stored together, and the tensors that hold them: several of a mixture.
    struct Slot
    {
        std::size_t sublayer = 0;
        std::vector<std::size_t> tensors = {};
        std::vector<Target> targets = {};
        double weights = 0; ///< of one tensor
    };
    friend class SlotReader;

    WorkloadModel() = default;
    void readHead(const core::Architecture& architecture, const std::vector<std::string>& names);
    core::Status checkForms(const core::StoredModel& stored) const;
    void fillLayer(LayerShape& layer, const std::vector<Slot>& slots, const core::StoredModel& stored) const;

    ModelShape m_shape;
    std::vector<std::size_t> m_runOfLayer;    ///< index into m_shape.runs
    std::vector<std::vector<Slot>> m_slots;   ///< by layer
    std::size_t m_tensors = 0;                ///< that the graph reads
    std::size_t m_embedding = 0;              ///< index of its tensor
    std::optional<std::size_t> m_head;        ///< absent: tied
    std::optional<std::size_t> m_entryLinear; ///< projection of narrow embeddings
    std::optional<std::size_t> m_headLinear;
};

} // namespace paretoscope::roofline
