// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/aten.h"

#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace paretoscope::engine {

/// The error that an exception of libtorch, JSON or the allocator means. `what` says what was being done.
core::Error errorFrom(const std::exception& failure, std::string_view what);
/// The same for one of an unknown type.
core::Error errorFromUnknown(std::string_view what);

/// Calls `work` (returning a Result) and turns every exception that leaves it into an Error.
template <typename Work>
auto guarded(std::string_view what, Work&& work) -> decltype(work())
{
    try {
        return std::forward<Work>(work)();
    } catch (const std::exception& failure) {
        return errorFrom(failure, what);
    } catch (...) { // methods of others may throw anything
        return errorFromUnknown(what);
    }
}

} // namespace paretoscope::engine
