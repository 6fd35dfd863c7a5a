// SPDX-License-Identifier: Apache-2.0
#include "core/engine/foreign_exception.h"

namespace paretoscope::engine {

namespace {

constexpr char kReport[] = "this is a defect of Paretoscope or of a plugin; please report it with the worker's log";

bool mentionsMemory(std::string_view text)
{
    return text.find("not enough memory") != std::string_view::npos ||
           text.find("out of memory") != std::string_view::npos;
}

} // namespace

core::Error errorFrom(const std::exception& failure, std::string_view what)
{
    const auto* torch = dynamic_cast<const c10::Error*>(&failure);
    // Without the back trace, which says nothing to a user.
    const std::string detail = torch ? torch->what_without_backtrace() : failure.what();
    if (dynamic_cast<const std::bad_alloc*>(&failure) || mentionsMemory(detail))
        return {core::ErrorCode::OutOfMemory, "memory ran out while " + std::string(what),
                "use fewer workers, fewer or shorter calibration sequences, or a machine with more memory"};
    return {core::ErrorCode::Unsupported, std::string(what) + " failed: " + detail.substr(0, detail.find('\n')),
            kReport};
}

core::Error errorFromUnknown(std::string_view what)
{
    return {core::ErrorCode::Unsupported, std::string(what) + " failed: an exception of an unknown type", kReport};
}

} // namespace paretoscope::engine
