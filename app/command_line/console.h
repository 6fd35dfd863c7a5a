// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"

#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace paretoscope::app {

enum class ColourMode
{
    Auto,
    Always,
    Never
};
enum class Emphasis
{
    None,
    Strong,
    Good,
    Bad,
    Faint
};

/// The value of an environment variable, or nothing; passed in so that tests need not touch the real one.
using Environment = std::function<std::optional<std::string>(const char* name)>;
std::optional<std::string> processEnvironment(const char* name);

/// NO_COLOR, CLICOLOR_FORCE and TERM as their conventions say; --color decides before all of them.
bool wantsColour(ColourMode mode, bool isTerminal, const Environment& environment);

/// One of the two output streams and what it can show.
struct Stream
{
    std::FILE* file = nullptr;
    bool isTerminal = false;
    bool colour = false;
    bool canRedraw = false; ///< a terminal that understands carriage return and "erase line"
    int width = 0;          ///< columns of the terminal now; 0 = not a terminal, do not cut
};

/// Results go to stdout, everything else to stderr. No escape sequence leaves it unless the stream shows colours.
class Console
{
public:
    Console(std::FILE* out, std::FILE* err, const Environment& environment);

    void setColour(ColourMode mode, const Environment& environment);
    void setVerbosity(int verbosity) { m_verbosity = verbosity; } ///< -1 quiet, 0, 1, 2
    int verbosity() const { return m_verbosity; }

    Stream outStream() const { return measured(m_out); }
    Stream errStream() const { return measured(m_err); }

    void write(std::string_view text);     ///< to stdout as it is
    void line(std::string_view text);      ///< to stdout, with a newline
    void document(const core::Json& json); ///< one compact JSON document and a newline, flushed
    void note(std::string_view text);      ///< to stderr, not with --quiet
    void detail(std::string_view text);    ///< to stderr, only with --verbose
    void problem(const core::Error& error, std::string_view where = {}); ///< to stderr, always
    void log(std::string_view text);                                     ///< to stderr as it is

    /// A line that stays the last one on a terminal and is redrawn in place; "" takes it away. Nothing where stderr
    /// cannot redraw.
    void showStatus(std::string_view line);

    /// Whether everything written to stdout arrived. Errors: Io (a full disk, a reader that is gone).
    core::Status flush();

    /// `text` in the colour for `emphasis`, or just `text` when `stream` shows none.
    static std::string styled(std::string_view text, Emphasis emphasis, const Stream& stream);

private:
    static Stream measured(Stream stream);
    void toStderr(std::string_view text);
    void eraseStatus();

    Stream m_out;
    Stream m_err;
    int m_verbosity = 0;
    int m_outError = 0;   ///< errno of the first write to stdout that failed
    std::string m_status; ///< what showStatus() left on the terminal
};

} // namespace paretoscope::app
