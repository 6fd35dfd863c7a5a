// SPDX-License-Identifier: Apache-2.0
#include "roofline/model/named_config.h"

#include "core/base/mapped_file.h"
#include "core/checkpoint/checkpoint.h"

namespace paretoscope::roofline {

namespace {

namespace fs = std::filesystem;

core::Result<NamedConfig> readFile(const fs::path& file, const std::string& name)
{
    PSC_ASSIGN(const std::string text, core::readTextFile(file, std::size_t(16) << 20));
    PSC_ASSIGN(core::Json config, core::parseJson(text, file.filename().string()));
    return NamedConfig {name, std::move(config)};
}

} // namespace

core::Result<NamedConfig> readConfig(const std::string& model)
{
    std::error_code ignored;
    const fs::path given(model);
    if (given.extension() == ".json" && fs::is_regular_file(given, ignored))
        return readFile(given, given.filename() == "config.json" && given.has_parent_path()
                                   ? given.parent_path().filename().string()
                                   : given.stem().string());
    if (fs::is_directory(given, ignored) && fs::is_regular_file(given / "config.json", ignored))
        return readFile(given / "config.json", fs::weakly_canonical(given, ignored).filename().string());
    PSC_ASSIGN(const fs::path path, core::resolveModel(model));
    if (fs::is_directory(path, ignored))
        return readFile(path / "config.json", path.filename().string());
    PSC_ASSIGN(const auto checkpoint, core::openCheckpoint(path));
    return NamedConfig {path.filename().string(), checkpoint->config()};
}

} // namespace paretoscope::roofline
