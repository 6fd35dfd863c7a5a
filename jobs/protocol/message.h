// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace paretoscope::jobs {

/// Coordinator and worker refuse each other unless this is equal. Unknown fields are ignored.
inline constexpr int kProtocolVersion = 1;
inline constexpr std::size_t kMaxFrameBytes = std::size_t(64) << 20;

/// One message. To the worker: configure, run_trial, evaluate, cancel, shutdown.
/// From it: hello, heartbeat, progress, layer, metric, done, failed.
struct Message
{
    std::string type;
    core::Json body = core::Json::object();
};

/// "PSC1" + little-endian uint32 length + JSON {"type", ...body}.
std::string encodeFrame(const Message& message);

/// Puts bytes from a pipe together to messages.
class FrameReader
{
public:
    void feed(std::string_view bytes);
    /// The next complete message, or nothing yet. Errors: Corrupt (bad magic, length or JSON); the stream is then lost.
    core::Result<std::optional<Message>> next();

private:
    std::string m_buffer;
    std::size_t m_begin = 0;
};

} // namespace paretoscope::jobs
