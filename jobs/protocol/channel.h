// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/protocol/message.h"

#include <mutex>

namespace paretoscope::jobs {

/// Writes whole frames to a file descriptor it does not own; several threads may send. For the worker's side, which
/// has no event loop. SIGPIPE must be ignored.
class FrameWriter
{
public:
    explicit FrameWriter(int descriptor)
        : m_descriptor(descriptor)
    {}

    /// Errors: InvalidArgument (longer than kMaxFrameBytes; nothing was written), Io (the other side is gone).
    core::Status send(const Message& message);

private:
    int m_descriptor;
    std::mutex m_mutex;
};

} // namespace paretoscope::jobs
