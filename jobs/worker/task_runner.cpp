// SPDX-License-Identifier: Apache-2.0
#include "jobs/worker/task_runner.h"

#include <exception>
#include <new>
#include <string>

namespace paretoscope::jobs {

using core::Error;
using core::ErrorCode;

core::Result<core::Json> guarded(const std::function<core::Result<core::Json>()>& work)
{
    constexpr const char* kReport = "this is a defect of the method or of the program; the log tail tells more";
    try {
        return work();
    } catch (const std::bad_alloc&) {
        return Error {ErrorCode::OutOfMemory, "the worker ran out of memory",
                      "fewer workers (--jobs), a lower --memory-budget, or shorter calibration sequences"};
    } catch (const std::exception& failure) {
        return Error {ErrorCode::Unsupported, std::string("unexpected error: ") + failure.what(), kReport};
    } catch (...) {
        return Error {ErrorCode::Unsupported, "unexpected error of an unknown kind", kReport};
    }
}

} // namespace paretoscope::jobs
