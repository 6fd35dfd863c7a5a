// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/migrations.h"

#include <filesystem>
#include <string>

namespace paretoscope::core {

/// The first page of a file, which lists its tables and where they begin. In every project that was made by the same
/// program they begin at the same pages.
class FreshPage
{
public:
    enum class Layout
    {
        New,
        Compacted
    };
    static Result<FreshPage> make(std::span<const Migration> steps, Layout layout);

    /// Replaces the pages that list the tables in `file`, which has a sound header. Errors: Io; Corrupt (other pages).
    Status putInto(const std::filesystem::path& file) const;

private:
    explicit FreshPage(std::string content)
        : m_content(std::move(content))
    {}
    std::string m_content; ///< of the whole new file
};

} // namespace paretoscope::core
