// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/command_line/input.h"

#include "core/base/mapped_file.h"

#include <cerrno>
#include <cstring>

namespace paretoscope::app {

core::Result<std::string> readAll(std::FILE* input)
{
    std::string text;
    char buffer[65536];
    for (std::size_t got = 0; (got = std::fread(buffer, 1, sizeof buffer, input)) > 0;)
        text.append(buffer, got);
    if (std::ferror(input) != 0)
        return core::Error {core::ErrorCode::Io, std::string("stdin cannot be read: ") + std::strerror(errno), {}};
    return text;
}

core::Result<std::string> readFileOrInput(const std::string& file, std::FILE* input)
{
    return file.empty() || file == "-" ? readAll(input) : core::readTextFile(file);
}

} // namespace paretoscope::app
