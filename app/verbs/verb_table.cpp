// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/verb_table.h"

#include <algorithm>
#include <array>

/// A new verb is a file that defines <name>Verb() and one line here.
#define PARETOSCOPE_VERBS(VERB)                                                                                        \
    VERB(run)                                                                                                          \
    VERB(estimate)                                                                                                     \
    VERB(status)                                                                                                       \
    VERB(list)                                                                                                         \
    VERB(show)                                                                                                         \
    VERB(front)                                                                                                        \
    VERB(verify)                                                                                                       \
    VERB(artifacts)                                                                                                    \
    VERB(copy)                                                                                                         \
    VERB(compact)                                                                                                      \
    VERB(export)                                                                                                       \
    VERB(exportTable)                                                                                                  \
    VERB(importTable)                                                                                                  \
    VERB(published)                                                                                                    \
    VERB(merge)                                                                                                        \
    VERB(share)                                                                                                        \
    VERB(inspect)                                                                                                      \
    VERB(tokenize)                                                                                                     \
    VERB(evaluate)                                                                                                     \
    VERB(plugins)                                                                                                      \
    VERB(roofline)                                                                                                     \
    VERB(hardware)                                                                                                     \
    VERB(slurmScript)                                                                                                  \
    VERB(doctor)                                                                                                       \
    VERB(completion)                                                                                                   \
    VERB(help)

namespace paretoscope::app {

#define PARETOSCOPE_DECLARE(name) VerbEntry name##Verb();
PARETOSCOPE_VERBS(PARETOSCOPE_DECLARE)
#undef PARETOSCOPE_DECLARE

const std::vector<VerbEntry>& verbTable()
{
#define PARETOSCOPE_ENTRY(name) name##Verb(),
    static const std::vector<VerbEntry> table {PARETOSCOPE_VERBS(PARETOSCOPE_ENTRY)};
#undef PARETOSCOPE_ENTRY
    return table;
}

const VerbEntry* findVerb(std::string_view name)
{
    const auto& table = verbTable();
    const auto found = std::find_if(table.begin(), table.end(), [&](const VerbEntry& e) { return e.name == name; });
    return found == table.end() ? nullptr : &*found;
}

std::vector<std::string> verbNames()
{
    std::vector<std::string> names;
    for (const VerbEntry& entry : verbTable())
        names.emplace_back(entry.name);
    return names;
}

bool isPlannedVerb(std::string_view name)
{
    static constexpr std::array<std::string_view, 2> kPlanned {"experts", "markers"};
    return findVerb(name) == nullptr && std::find(kPlanned.begin(), kPlanned.end(), name) != kPlanned.end();
}

namespace {

void declareCommon(OptionTable& options, CommonOptions& common)
{
    const auto mark = [](OptionSpec& spec) -> OptionSpec& {
        spec.common = true;
        return spec;
    };
    mark(options.flag("--json", common.json, "Print one JSON document on stdout, also for an error."));
    OptionSpec& colour =
        mark(options.choice("--color", common.colour, {"auto", "always", "never"},
                            "Colours; auto means on a terminal, unless NO_COLOR is set or TERM is dumb."));
    colour.defaultText = "auto";
    colour.setting = "color";
    mark(options.flag("--quiet", common.quiet, "Only results and errors.")).shortName = "-q";
    const auto moreVerbose = [&common](const std::string&) {
        ++common.verbose;
        return core::success();
    };
    OptionSpec& verbose = mark(options.custom("--verbose", "", "More on stderr; twice for details.", moreVerbose));
    verbose.shortName = "-v";
    verbose.repeatable = true;
    OptionSpec& log = mark(options.text("--log-file", "FILE", common.logFile,
                                        "Also write the log to this file (UTC times; five files of 4 MiB in turn)."));
    log.kind = ValueKind::File;
    log.setting = "log-file";
    mark(options.flag("--print-config", common.printConfig,
                      "Print the settings this command would use and where each comes from; do nothing else."));
    mark(options.flag("--help", common.help, "Print this help.")).shortName = "-h";
}

} // namespace

OptionTable optionsOf(Verb& verb, CommonOptions& common)
{
    OptionTable options;
    verb.declare(options);
    declareCommon(options, common);
    return options;
}

std::vector<std::string> settingNames()
{
    // These four are read by the core itself; the rest are options.
    std::vector<std::string> names {"models", "plugins", "worker", "cache"};
    for (const VerbEntry& entry : verbTable()) {
        const std::unique_ptr<Verb> verb = entry.make();
        CommonOptions common;
        const OptionTable options = optionsOf(*verb, common);
        for (const OptionSpec& spec : options.specs()) {
            if (!spec.setting.empty() && std::find(names.begin(), names.end(), spec.setting) == names.end())
                names.push_back(spec.setting);
        }
    }
    return names;
}

} // namespace paretoscope::app
