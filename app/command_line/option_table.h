// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/result.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace paretoscope::app {

/// What the value of an option is; decides what a shell offers to complete it with.
enum class ValueKind
{
    None,
    Text,
    Integer,
    Number,
    Choice,
    File,
    Folder,
    Model,
    Project,
    Sweep,
    Plugin,
    Verb
};

/// One option or argument of a verb. Help, completion and parser all read this.
struct OptionSpec
{
    std::string name;      ///< "--jobs", or "SWEEP" for an argument that is named by its place
    std::string shortName; ///< "-q"
    std::string valueName; ///< "N"; empty for a flag
    std::string doc;       ///< one or two sentences
    ValueKind kind = ValueKind::None;
    std::vector<std::string> choices;
    std::string defaultText; ///< for --help and --print-config
    std::string setting;     ///< not empty: also read from PARETOSCOPE_<SETTING> and the user's file
    bool required = false;
    bool repeatable = false;
    bool common = false; ///< every verb has it
    /// Takes each value in turn ("" for a flag). Errors: InvalidArgument; the parser adds the option's name.
    std::function<core::Status(const std::string& value)> store;

    bool isPositional() const { return name.front() != '-'; }
    std::string firstSentence() const; ///< of `doc`, without its full stop
    bool isFlag() const { return valueName.empty() && !isPositional(); }
};

struct IntegerRange
{
    std::int64_t minimum = 0;
    std::int64_t maximum = 0;
};

/// The options of one verb, in the order of its help. The targets must outlive the table.
class OptionTable
{
public:
    OptionSpec& flag(std::string name, bool& target, std::string doc);
    OptionSpec& text(std::string name, std::string valueName, std::string& target, std::string doc);
    OptionSpec& integer(std::string name, std::string valueName, int& target, IntegerRange range, std::string doc);
    OptionSpec& choice(std::string name, std::string& target, std::vector<std::string> choices, std::string doc);
    /// Repeatable; an argument by place takes all that follow.
    OptionSpec& list(std::string name, std::string valueName, std::vector<std::string>& target, std::string doc);
    /// With a conversion of its own.
    OptionSpec& custom(std::string name, std::string valueName, std::string doc,
                       std::function<core::Status(const std::string&)> store);

    const std::deque<OptionSpec>& specs() const { return m_specs; }
    /// By long or short name, or the name of an argument.
    const OptionSpec* find(std::string_view name) const;
    std::vector<std::string> optionNames() const;

private:
    OptionSpec& add(OptionSpec spec);

    std::deque<OptionSpec> m_specs;
};

} // namespace paretoscope::app
