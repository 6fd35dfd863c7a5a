// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/format/text.h"
#include "app/verbs/doctor_checks.h"
#include "app/verbs/event_loop.h"
#include "app/verbs/verb.h"

#include <algorithm>

namespace paretoscope::app {

namespace {

const char* wordOf(CheckStatus status)
{
    return status == CheckStatus::Ok ? "ok" : status == CheckStatus::Warning ? "warning" : "failed";
}

Emphasis emphasisOf(CheckStatus status)
{
    return status == CheckStatus::Ok        ? Emphasis::Good
           : status == CheckStatus::Warning ? Emphasis::Strong
                                            : Emphasis::Bad;
}

class DoctorVerb : public Verb
{
public:
    void declare(OptionTable&) override {}

    Outcome run(Session& session) override
    {
        const EventLoopGuard application;
        const std::vector<Check> checks = checkInstallation(session.installation);
        const bool healthy = std::none_of(checks.begin(), checks.end(),
                                          [](const Check& check) { return check.status == CheckStatus::Failed; });
        if (session.common.json)
            session.console.document(document(checks, healthy));
        else
            print(checks, session.console);
        return healthy ? ExitStatus::Done : ExitStatus::Failed;
    }

private:
    static core::Json document(const std::vector<Check>& checks, bool healthy)
    {
        core::Json json {{"schema", "paretoscope.doctor/1"}, {"ok", healthy}, {"checks", core::Json::array()}};
        for (const Check& check : checks)
            json["checks"].push_back({{"name", check.name},
                                      {"status", wordOf(check.status)},
                                      {"text", check.text},
                                      {"hint", check.hint},
                                      {"details", check.details}});
        return json;
    }

    static void print(const std::vector<Check>& checks, Console& console)
    {
        const Stream stream = console.outStream();
        for (const Check& check : checks) {
            const std::string word = padRight(wordOf(check.status), 9);
            console.line(Console::styled(word, emphasisOf(check.status), stream) + padRight(check.name, 11) +
                         printable(check.text));
            if (!check.hint.empty())
                console.line(std::string(20, ' ') + printable(check.hint));
        }
    }
};

} // namespace

VerbEntry doctorVerb()
{
    return {.name = "doctor",
            .summary = "check this installation and what this machine can do",
            .usage = "",
            .description = "Checks program, resources, worker, devices, plugins and cache folder, and tells what to do "
                           "about what is wrong. Exit status 1 when something is. With --json, one paste into a bug "
                           "report.",
            .make = makeVerb<DoctorVerb>};
}

} // namespace paretoscope::app
