// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace paretoscope::jobs {

/// Coordinator and worker refuse each other unless this is equal. Unknown fields are ignored.
inline constexpr int kProtocolVersion = 1;
inline constexpr std::size_t kMaxFrameBytes = std::size_t(64) << 20;

/// One message: a type and an object. `task` is a number the coordinator chose; answers repeat it.
///
/// To the worker
///   configure  {protocol, threads, device, cache, plugins: [folder], architectures, memory_budget?, heartbeat_ms}
///              the first message, once; fields in handshake.h
///   run_trial  {task, request}   request: core::toJson(TrialRequest)
///   evaluate   {task, request}   request: {"model", "metrics", "logits"} of TrialRunner::evaluate
///   export     {task, request}   request: core::toJson(ExportRequest)
///   measure    {task, request}   request: {"quick", "model"} of TrialRunner::measure
///   cancel     {task}            the task ends with `failed` Cancelled at its next layer; of another task: ignored
///   shutdown   {}                cancels the task in hand, then the worker ends with status 0
///
/// From the worker
///   hello      {protocol, build, libtorch, plugins: [id], device, threads, pid, description}   answers `configure`
///   heartbeat  {task: n | null, resident_bytes, quiet_ms}
///              every heartbeat_ms in any phase; quiet_ms: since the task last told its progress
///   progress   {task, phase, done, total}
///   layer      {task, layer, record}   \ intermediate results; `done` holds all of them again, so a coordinator
///   metric     {task, record}          / may ignore them
///   done       {task, result, resident_bytes}    run_trial: core::toJson(TrialOutcome); evaluate, export, measure: the document
///   failed     {task: n | null, code, message, hint, resident_bytes?}
///              code: core::errorCodeName; null: the worker itself is unusable
///
/// One task at a time: the coordinator sends the next one after `done` or `failed`, unless that has `ending: true`: the
/// worker ends after it, because somebody sent it SIGTERM.
struct Message
{
    std::string type;
    core::Json body = core::Json::object();
};

/// "PSC1" + little-endian uint32 length + JSON {"type", ...body}. Invalid UTF-8 in strings is replaced, not refused.
std::string encodeFrame(const Message& message);

/// The body of `failed`, and back. Missing or mistyped fields give an error that says so.
core::Json failureBody(const core::Error& error);
core::Error errorFromFailure(const core::Json& body);

/// Fields of a body from the other side: the fallback when missing or of another type.
std::string textField(const core::Json& body, const char* key);
std::int64_t integerField(const core::Json& body, const char* key, std::int64_t fallback = 0);

/// Number of the task a message is about; -1 when it is about none.
int taskOf(const Message& message);

/// Puts bytes from a pipe together to messages.
class FrameReader
{
public:
    void feed(std::string_view bytes);
    /// The next complete message, or nothing yet. Errors: Corrupt (bad magic, length or JSON); the stream is then lost
    /// and every further call gives the same error.
    core::Result<std::optional<Message>> next();
    /// Bytes that were fed and are not yet part of a message; not 0 at the end of a stream = a torn frame.
    std::size_t pending() const { return m_buffer.size() - m_begin; }

private:
    core::Error lose(std::string why);

    std::string m_buffer;
    std::size_t m_begin = 0;
    std::optional<core::Error> m_lost;
};

} // namespace paretoscope::jobs
