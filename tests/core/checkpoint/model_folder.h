// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/mapped_file.h"

#include <QTemporaryDir>

#include <filesystem>
#include <string>
#include <string_view>

namespace paretoscope::test {

/// A temporary folder to put model files into.
class ModelFolder
{
public:
    std::filesystem::path path() const { return m_folder.path().toStdString(); }
    std::filesystem::path operator/(std::string_view name) const { return path() / name; }

    /// Writes a file, making the folders on the way. Returns its path.
    std::filesystem::path write(std::string_view name, std::string_view content) const
    {
        const std::filesystem::path file = path() / name;
        std::filesystem::create_directories(file.parent_path());
        const auto written = core::writeFileAtomically(file, content);
        return written.ok() ? file : std::filesystem::path();
    }

private:
    QTemporaryDir m_folder;
};

} // namespace paretoscope::test
