// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/command_line/console.h"

#include "app/format/text.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <sys/ioctl.h>
#include <unistd.h>

namespace paretoscope::app {

namespace {

constexpr int kUsualWidth = 80;

bool isSet(const Environment& environment, const char* name)
{
    const auto value = environment(name);
    return value && !value->empty();
}

bool isDumb(const Environment& environment)
{
    const auto term = environment("TERM");
    return !term || term->empty() || *term == "dumb";
}

const char* escapeOf(Emphasis emphasis)
{
    switch (emphasis) {
    case Emphasis::None:
        break;
    case Emphasis::Strong:
        return "\x1b[1m";
    case Emphasis::Good:
        return "\x1b[32m";
    case Emphasis::Bad:
        return "\x1b[31m";
    case Emphasis::Faint:
        return "\x1b[2m";
    }
    return "";
}

Stream describe(std::FILE* file, const Environment& environment)
{
    Stream stream;
    stream.file = file;
    stream.isTerminal = file != nullptr && isatty(fileno(file)) == 1;
    stream.colour = wantsColour(ColourMode::Auto, stream.isTerminal, environment);
    stream.canRedraw = stream.isTerminal && !isDumb(environment);
    return stream;
}

} // namespace

std::optional<std::string> processEnvironment(const char* name)
{
    const char* value = std::getenv(name);
    return value ? std::optional<std::string>(value) : std::nullopt;
}

bool wantsColour(ColourMode mode, bool isTerminal, const Environment& environment)
{
    if (mode != ColourMode::Auto)
        return mode == ColourMode::Always;
    if (isSet(environment, "NO_COLOR"))
        return false;
    if (const auto force = environment("CLICOLOR_FORCE"); force && !force->empty() && *force != "0")
        return true;
    return isTerminal && !isDumb(environment);
}

Console::Console(std::FILE* out, std::FILE* err, const Environment& environment)
    : m_out(describe(out, environment))
    , m_err(describe(err, environment))
{}

void Console::setColour(ColourMode mode, const Environment& environment)
{
    m_out.colour = wantsColour(mode, m_out.isTerminal, environment);
    m_err.colour = wantsColour(mode, m_err.isTerminal, environment);
}

Stream Console::measured(Stream stream)
{
    if (!stream.isTerminal)
        return stream;
    winsize size {};
    const bool known = ioctl(fileno(stream.file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    stream.width = known ? size.ws_col : kUsualWidth;
    return stream;
}

void Console::write(std::string_view text)
{
    if (!m_status.empty() && m_out.isTerminal)
        eraseStatus();
    if (std::fwrite(text.data(), 1, text.size(), m_out.file) != text.size() && m_outError == 0)
        m_outError = errno;
}

void Console::line(std::string_view text)
{
    write(std::string(text) + '\n');
}

void Console::document(const core::Json& json)
{
    // Names from files may hold bytes that are not UTF-8; the document must still be one.
    line(json.dump(-1, ' ', false, core::Json::error_handler_t::replace));
    (void)flush(); // the failure is kept until the end
}

void Console::note(std::string_view text)
{
    if (m_verbosity >= 0)
        toStderr(std::string(text) + '\n');
}

void Console::detail(std::string_view text)
{
    if (m_verbosity >= 1)
        toStderr(std::string(text) + '\n');
}

void Console::problem(const core::Error& error, std::string_view where)
{
    const std::string head = where.empty() ? "paretoscope: " : "paretoscope " + std::string(where) + ": ";
    toStderr(styled(head, Emphasis::Bad, m_err) + printable(error.sentence()) + '\n');
}

void Console::log(std::string_view text)
{
    toStderr(text);
}

void Console::showStatus(std::string_view line)
{
    if (!m_err.canRedraw || line == m_status)
        return;
    m_status = line;
    std::fflush(m_out.file);
    const std::string redraw = "\r" + m_status + "\x1b[K" + (m_status.empty() ? "\r" : "");
    std::fwrite(redraw.data(), 1, redraw.size(), m_err.file);
    std::fflush(m_err.file);
}

void Console::eraseStatus()
{
    m_status.clear();
    std::fputs("\r\x1b[K", m_err.file);
    std::fflush(m_err.file);
}

void Console::toStderr(std::string_view text)
{
    const std::string status = m_status;
    if (!status.empty())
        eraseStatus();
    // What stdout got before must not appear after it where both are the same terminal or file.
    std::fflush(m_out.file);
    std::fwrite(text.data(), 1, text.size(), m_err.file);
    std::fflush(m_err.file);
    showStatus(status);
}

core::Status Console::flush()
{
    if (std::fflush(m_out.file) != 0 && m_outError == 0)
        m_outError = errno;
    if (m_outError == 0)
        return core::success();
    return core::Error {core::ErrorCode::Io,
                        std::string("not all of the output could be written to stdout: ") + std::strerror(m_outError),
                        m_outError == EPIPE ? "the program that reads it has ended" : "is the disk full?"};
}

std::string Console::styled(std::string_view text, Emphasis emphasis, const Stream& stream)
{
    if (!stream.colour || emphasis == Emphasis::None)
        return std::string(text);
    return escapeOf(emphasis) + std::string(text) + "\x1b[0m";
}

} // namespace paretoscope::app
