// SPDX-License-Identifier: Apache-2.0
#include "jobs/protocol/message.h"

#include <algorithm>
#include <utility>

namespace paretoscope::jobs {

namespace {

using core::Error;
using core::ErrorCode;
using core::Json;

constexpr std::string_view kMagic = "PSC1";
constexpr std::size_t kHeaderBytes = 8;
constexpr std::size_t kCompactAbove = std::size_t(64) << 10;

/// What a human can make of bytes that are no frame, e.g. the line a library printed.
std::string printable(std::string_view bytes)
{
    std::string text;
    for (const char c : bytes.substr(0, 40))
        text += (c >= ' ' && c <= '~') ? c : '.';
    return text;
}

std::uint32_t readLength(std::string_view header)
{
    std::uint32_t length = 0;
    for (std::size_t i = 0; i < 4; ++i)
        length |= std::uint32_t(static_cast<unsigned char>(header[4 + i])) << (8 * i);
    return length;
}

} // namespace

std::string encodeFrame(const Message& message)
{
    Json document = message.body;
    document["type"] = message.type;
    const std::string text = document.dump(-1, ' ', false, Json::error_handler_t::replace);
    std::string frame(kMagic);
    for (std::size_t i = 0; i < 4; ++i)
        frame += static_cast<char>((text.size() >> (8 * i)) & 0xff);
    return frame + text;
}

Json failureBody(const Error& error)
{
    return {{"code", core::errorCodeName(error.code)}, {"message", error.message}, {"hint", error.hint}};
}

Error errorFromFailure(const Json& body)
{
    Error error {core::errorCodeFromName(textField(body, "code")), textField(body, "message"), textField(body, "hint")};
    if (error.message.empty())
        error.message = "the worker reported a failure without saying why";
    return error;
}

std::string textField(const Json& body, const char* key)
{
    const auto found = body.find(key);
    return found != body.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t integerField(const Json& body, const char* key, std::int64_t fallback)
{
    const auto found = body.find(key);
    return found != body.end() && found->is_number_integer() ? found->get<std::int64_t>() : fallback;
}

int taskOf(const Message& message)
{
    return static_cast<int>(integerField(message.body, "task", -1));
}

void FrameReader::feed(std::string_view bytes)
{
    if (m_lost)
        return;
    // Keeps the buffer as small as the frame in hand, however long the stream.
    if (m_begin == m_buffer.size() || m_begin > kCompactAbove) {
        m_buffer.erase(0, m_begin);
        m_begin = 0;
    }
    m_buffer.append(bytes);
}

core::Result<std::optional<Message>> FrameReader::next()
{
    if (m_lost)
        return *m_lost;
    const std::string_view rest = std::string_view(m_buffer).substr(m_begin);
    const std::size_t magicBytes = std::min(rest.size(), kMagic.size());
    if (rest.substr(0, magicBytes) != kMagic.substr(0, magicBytes))
        return lose("expected a frame, got \"" + printable(rest) + "\"");
    if (rest.size() < kHeaderBytes)
        return std::optional<Message>();
    const std::size_t length = readLength(rest);
    if (length > kMaxFrameBytes)
        return lose("a frame of " + std::to_string(length) + " bytes is longer than the limit of " +
                    std::to_string(kMaxFrameBytes));
    if (rest.size() < kHeaderBytes + length)
        return std::optional<Message>();

    auto document = core::parseJson(rest.substr(kHeaderBytes, length), "message");
    if (!document.ok())
        return lose(document.error().message);
    Json body = std::move(document).value();
    if (!body.is_object() || textField(body, "type").empty())
        return lose("a message is no object with a \"type\": " + printable(rest.substr(kHeaderBytes, length)));
    m_begin += kHeaderBytes + length;
    Message message {textField(body, "type"), std::move(body)};
    message.body.erase("type");
    return std::optional<Message>(std::move(message));
}

Error FrameReader::lose(std::string why)
{
    m_lost = Error {ErrorCode::Corrupt, "the worker protocol broke: " + why,
                    "something other than the worker wrote to its pipe; the log tail may tell what"};
    m_buffer.clear();
    m_begin = 0;
    return *m_lost;
}

} // namespace paretoscope::jobs
