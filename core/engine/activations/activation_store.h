// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/quantity.h"
#include "core/base/result.h"
#include "core/base/scratch_file.h"
#include "core/engine/aten.h"

#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

namespace paretoscope::engine {

/// The activations of many samples on their way from block to block: in host memory up to a limit, the rest in a
/// scratch file. A value comes back bit for bit. Different samples may be used by several threads at once. Values of a
/// card come over in page-locked memory and go back to it in the order of its stream, so that the host waits only to
/// write a file.
class ActivationStore
{
public:
    /// Nothing is written, and `scratchFolder` not touched, as long as everything fits `inMemory`.
    /// @param device on which values are put and got
    ActivationStore(std::size_t samples, core::Bytes inMemory, const std::filesystem::path& scratchFolder,
                    at::Device device = at::kCPU);

    std::size_t size() const { return m_places.size(); }
    /// @param value any type and shape; replaces what the sample had. Errors: Io (scratch disk full).
    core::Status put(std::size_t sample, const at::Tensor& value);
    /// What was put last. Not to be modified in place. Errors: Io.
    core::Result<at::Tensor> get(std::size_t sample) const;
    /// The same for the host to read; it waits for a card.
    core::Result<at::Tensor> getOnHost(std::size_t sample) const;
    /// The same, and frees its memory until the next `put`.
    core::Result<at::Tensor> take(std::size_t sample);
    core::Bytes bytes() const;                                 ///< of all values together
    core::Bytes spilled() const { return {m_scratch.size()}; } ///< size of the scratch file

private:
    struct Place
    {
        at::Tensor resident; ///< on the host; undefined when in the file
        std::vector<std::int64_t> shape;
        at::ScalarType type = at::kFloat;
        std::int64_t bytes = 0;
        std::int64_t offset = -1; ///< in the scratch file, once it was there
        std::int64_t room = 0;    ///< bytes there
    };

    bool claim(std::int64_t bytes);
    void release(Place& place);
    core::Result<at::Tensor> find(std::size_t sample) const;

    const core::Bytes m_limit;
    const at::Device m_device;
    mutable std::mutex m_mutex; ///< guards m_residentBytes
    std::int64_t m_residentBytes = 0;
    std::vector<Place> m_places;
    core::ScratchFile m_scratch;
};

} // namespace paretoscope::engine
