// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>

namespace paretoscope::fuzz {

/// A folder in memory for readers that take paths; removed when the process ends in peace.
class ScratchFolder
{
public:
    ScratchFolder()
    {
        std::string name = "/dev/shm/paretoscope-fuzz-XXXXXX";
        if (!mkdtemp(name.data()))
            std::abort();
        m_path = name;
    }
    ~ScratchFolder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(m_path, ignored);
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;

    const std::filesystem::path& path() const { return m_path; }
    std::filesystem::path write(const char* name, std::span<const std::uint8_t> bytes) const
    {
        std::ofstream(m_path / name, std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        return m_path / name;
    }

private:
    std::filesystem::path m_path;
};

} // namespace paretoscope::fuzz
