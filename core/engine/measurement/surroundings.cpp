// SPDX-License-Identifier: Apache-2.0
#include "core/engine/measurement/surroundings.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <optional>
#include <string>

namespace paretoscope::engine {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kLeastColdBytes = std::int64_t(64) << 20;

std::string firstWord(const fs::path& file)
{
    std::string word;
    std::ifstream(file) >> word;
    return word;
}

/// "32768K"; 0 for anything else.
std::int64_t sizeFrom(const std::string& text)
{
    std::int64_t value = 0;
    std::size_t i = 0;
    for (; i < text.size() && i < 12 && std::isdigit(static_cast<unsigned char>(text[i])); ++i)
        value = value * 10 + (text[i] - '0');
    if (i < text.size() && text[i] == 'K')
        return value << 10;
    return i < text.size() && text[i] == 'M' ? value << 20 : value;
}

core::Json clocks()
{
    core::Json hertz = core::Json::array();
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);) {
        if (line.starts_with("cpu MHz"))
            hertz.push_back(std::strtod(line.c_str() + line.find(':') + 1, nullptr) * 1e6);
    }
    return hertz.empty() ? core::Json() : hertz;
}

core::Json temperature()
{
    std::optional<double> highest;
    std::error_code ignored;
    for (const fs::directory_entry& zone : fs::directory_iterator("/sys/class/thermal", ignored)) {
        double thousandths = 0;
        if (std::ifstream(zone.path() / "temp") >> thousandths)
            highest = std::max(highest.value_or(thousandths / 1000), thousandths / 1000);
    }
    return highest ? core::Json(*highest) : core::Json();
}

} // namespace

CacheSizes cacheSizes(const fs::path& folder)
{
    CacheSizes sizes;
    int lastLevel = 0;
    std::error_code ignored;
    for (const fs::directory_entry& cache : fs::directory_iterator(folder, ignored)) {
        const int level = std::atoi(firstWord(cache.path() / "level").c_str());
        if (level == 0 || firstWord(cache.path() / "type") == "Instruction")
            continue;
        const std::int64_t bytes = sizeFrom(firstWord(cache.path() / "size"));
        if (level == 2)
            sizes.perCore = bytes;
        if (level > lastLevel) {
            lastLevel = level;
            sizes.last = bytes;
        }
    }
    return sizes;
}

core::Json conditionsNow()
{
    return {{"clock_hertz", clocks()}, {"temperature_celsius", temperature()}};
}

std::int64_t Surroundings::coldBytes() const
{
    return std::max(kLeastColdBytes, 4 * caches.last);
}

core::Status Surroundings::goOn(std::string_view phase, int done, int total) const
{
    observer.progressed(phase, done, total);
    if (observer.isCancelled())
        return core::Error {core::ErrorCode::Cancelled, "the measurement was stopped", "start it again"};
    return core::success();
}

} // namespace paretoscope::engine
