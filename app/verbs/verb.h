// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/command_line/console.h"
#include "app/command_line/option_parser.h"
#include "app/command_line/option_table.h"
#include "app/command_line/outcome.h"
#include "app/command_line/settings.h"
#include "core/base/installation.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::app {

/// What every verb understands.
struct CommonOptions
{
    bool json = false;
    bool jsonLines = false; ///< declared by the verbs that can stream events
    std::string colour = "auto";
    bool quiet = false;
    int verbose = 0;
    std::string logFile;
    bool printConfig = false;
    bool help = false;
};

/// All a verb may touch; nothing of it is global, so tests can replace each part.
struct Session
{
    Console& console;
    const Settings& settings;
    core::Installation installation;
    CommonOptions common;
    ParsedOptions parsed;       ///< where each value came from
    std::string command;        ///< what the user typed, for provenance
    std::FILE* input = nullptr; ///< stdin, for "-"
};

/// One verb of the command line: fresh for each call, its members are the targets of its options.
class Verb
{
public:
    virtual ~Verb() = default;
    virtual void declare(OptionTable& options) = 0;
    virtual Outcome run(Session& session) = 0;
};

/// What help, completion and dispatch need to know of a verb.
struct VerbEntry
{
    std::string_view name;
    std::string_view summary;     ///< one line
    std::string_view usage;       ///< what follows "paretoscope NAME"
    std::string_view description; ///< paragraphs; lines that begin with a space are examples
    std::unique_ptr<Verb> (*make)() = nullptr;
};

template <typename T>
std::unique_ptr<Verb> makeVerb()
{
    return std::make_unique<T>();
}

} // namespace paretoscope::app
