// SPDX-License-Identifier: Apache-2.0
#include "jobs/protocol/channel.h"

#include <cerrno>
#include <cstring>

#include <poll.h>
#include <unistd.h>

namespace paretoscope::jobs {

namespace {

core::Status writeAll(int descriptor, std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
        if (written > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(written));
            continue;
        }
        if (errno == EAGAIN) { // the pipe was inherited non-blocking
            pollfd room {descriptor, POLLOUT, 0};
            ::poll(&room, 1, -1);
        } else if (errno != EINTR) {
            return core::Error {core::ErrorCode::Io,
                                std::string("cannot write to the coordinator: ") + std::strerror(errno), ""};
        }
    }
    return core::success();
}

} // namespace

core::Status FrameWriter::send(const Message& message)
{
    const std::string frame = encodeFrame(message);
    if (frame.size() > kMaxFrameBytes)
        return core::Error {core::ErrorCode::InvalidArgument,
                            "the message \"" + message.type + "\" has " + std::to_string(frame.size()) +
                                " bytes; the limit is " + std::to_string(kMaxFrameBytes),
                            "let the method report less per layer"};
    const std::lock_guard lock(m_mutex);
    return writeAll(m_descriptor, frame);
}

} // namespace paretoscope::jobs
