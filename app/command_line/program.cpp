// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/command_line/program.h"

#include "app/command_line/help_text.h"
#include "app/command_line/intent.h"
#include "app/command_line/logging.h"
#include "app/command_line/print_config.h"
#include "app/format/time.h"
#include "app/verbs/verb_table.h"
#include "core/base/shell_words.h"

#include <cstdio>
#include <cstdlib>
#include <exception>

namespace paretoscope::app {

namespace {

core::Json errorDocument(const core::Error& error)
{
    return {{"schema", "paretoscope.error/1"},
            {"code", core::errorCodeName(error.code)},
            {"message", error.message},
            {"hint", error.hint}};
}

/// Shows the error of an outcome, if any, where the caller looks for it, and gives the exit status.
int conclude(Console& console, const Outcome& outcome, const CommonOptions& common, const std::string& verb)
{
    if (const auto& error = outcome.error()) {
        console.problem(*error, verb);
        record("failed code=" + std::string(core::errorCodeName(error->code)) + " message=\"" + error->sentence() +
               "\"");
        core::Json document = errorDocument(*error);
        if (common.jsonLines) {
            document["schema"] = "paretoscope.event/1";
            document["event"] = "error";
            document["time"] = utcNow();
        }
        if (common.json || common.jsonLines)
            console.document(document);
    }
    const core::Status written = console.flush();
    if (!written.ok() && outcome.status() == 0) {
        console.problem(written.error(), verb);
        return static_cast<int>(ExitStatus::Failed);
    }
    return outcome.status();
}

/// The core reads these itself from the environment, and so do the workers.
void exportSettings(const Settings& settings)
{
    for (const char* name : {"models", "plugins", "worker", "cache"}) {
        if (const auto value = settings.find(name))
            setenv(environmentNameOf(name).c_str(), value->value.c_str(), 0);
    }
}

Outcome runVerb(const VerbEntry& entry, const std::vector<std::string>& arguments, Session& session)
{
    const std::unique_ptr<Verb> verb = entry.make();
    const OptionTable table = optionsOf(*verb, session.common);
    auto parsed = parseOptions(table, arguments, session.settings, std::string(entry.name));
    if (!parsed.ok())
        return {parsed.error(), ErrorSource::Arguments};
    session.parsed = std::move(parsed).value();
    Console& console = session.console;
    const CommonOptions& common = session.common;
    console.setColour(common.colour == "always"  ? ColourMode::Always
                      : common.colour == "never" ? ColourMode::Never
                                                 : ColourMode::Auto,
                      processEnvironment);
    console.setVerbosity(common.quiet ? -1 : common.verbose);
    for (const core::Error& problem : session.settings.problems())
        console.note("paretoscope: " + problem.sentence());
    if (common.help) {
        console.write(verbHelp(entry, console.outStream().width));
        return ExitStatus::Done;
    }
    if (common.printConfig) {
        printConfig(table, session);
        return ExitStatus::Done;
    }
    PSC_TRY(startLogging(console, common.logFile));
    exportSettings(session.settings);
    session.installation = core::Installation::locate();
    record("started version=" PARETOSCOPE_VERSION " command=\"" + session.command + "\"");
    return verb->run(session);
}

int runIntent(const Intent& intent, const std::vector<std::string>& words, Console& console)
{
    CommonOptions common;
    common.json = intent.json;
    common.jsonLines = intent.jsonLines;
    switch (intent.kind) {
    case Intent::Kind::Error:
        return conclude(console, {*intent.error, ErrorSource::Arguments}, common, {});
    case Intent::Kind::Help:
        console.write(programHelp(console.outStream().width));
        return conclude(console, ExitStatus::Done, common, {});
    case Intent::Kind::Version:
        if (intent.json)
            console.document({{"schema", "paretoscope.version/1"}, {"version", PARETOSCOPE_VERSION}});
        else
            console.line("paretoscope " PARETOSCOPE_VERSION);
        return conclude(console, ExitStatus::Done, common, {});
    case Intent::Kind::Verb:
    case Intent::Kind::Window:
        break;
    }
    const Settings settings =
        Settings::read(core::userConfigFolder() / "batch.conf", processEnvironment, settingNames());
    Session session {.console = console,
                     .settings = settings,
                     .installation = core::Installation::locate(),
                     .common = common,
                     .parsed = {},
                     .command = core::quotedCommand(words),
                     .input = stdin};
    const Outcome outcome = runVerb(*findVerb(intent.verb), intent.arguments, session);
    session.common.json |= intent.json;
    return conclude(console, outcome, session.common, intent.verb);
}

} // namespace

std::optional<int> runCommandLine(int argc, char** argv)
{
    std::vector<std::string> words(argv, argv + argc);
    const std::vector<std::string> arguments(words.begin() + (argc > 0 ? 1 : 0), words.end());
    Console console(stdout, stderr, processEnvironment);
    try {
        const Intent intent = readIntent(arguments);
        if (intent.kind == Intent::Kind::Window)
            return std::nullopt;
        words.front() = "paretoscope";
        return runIntent(intent, words, console);
    } catch (const std::exception& failure) {
        console.problem({core::ErrorCode::Io, std::string("internal error: ") + failure.what(),
                         "please report it together with the command"});
        return static_cast<int>(ExitStatus::Failed);
    }
}

} // namespace paretoscope::app
