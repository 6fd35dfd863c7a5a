// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/command_line/help_text.h"
#include "app/command_line/man_page.h"
#include "app/verbs/verb_table.h"
#include "core/base/near_miss.h"

namespace paretoscope::app {

namespace {

core::Json documentOf(const VerbEntry& entry)
{
    const auto verb = entry.make();
    CommonOptions common;
    core::Json options = core::Json::array();
    const OptionTable table = optionsOf(*verb, common);
    for (const OptionSpec& spec : table.specs()) {
        options.push_back({{"name", spec.name},
                           {"short", spec.shortName},
                           {"value", spec.valueName},
                           {"choices", spec.choices},
                           {"default", spec.defaultText},
                           {"setting", spec.setting},
                           {"required", spec.required},
                           {"repeatable", spec.repeatable},
                           {"doc", spec.doc}});
    }
    return {{"name", entry.name},
            {"summary", entry.summary},
            {"usage", entry.usage},
            {"description", entry.description},
            {"options", options}};
}

class HelpVerb : public Verb
{
public:
    void declare(OptionTable& options) override
    {
        options.text("VERB", "", m_verb, "The verb to explain; without one, the overview.").kind = ValueKind::Verb;
        options.flag("--man", m_manual, "Print it as a manual page (troff).");
    }

    Outcome run(Session& session) override
    {
        Console& console = session.console;
        const VerbEntry* entry = findVerb(m_verb);
        if (!m_verb.empty() && !entry) {
            const bool planned = isPlannedVerb(m_verb);
            return Outcome::usage(planned ? "this version has no verb \"" + m_verb + "\" yet"
                                          : "there is no verb \"" + m_verb + "\"",
                                  planned ? "" : core::suggestion(m_verb, verbNames()));
        }
        if (session.common.json) {
            core::Json verbs = core::Json::array();
            for (const VerbEntry& known : verbTable()) {
                if (!entry || entry == &known)
                    verbs.push_back(documentOf(known));
            }
            console.document({{"schema", "paretoscope.help/1"}, {"verbs", verbs}});
        } else if (m_manual) {
            console.write(entry ? verbManual(*entry) : programManual());
        } else if (entry) {
            console.write(verbHelp(*entry, console.outStream().width));
        } else {
            console.write(programHelp(console.outStream().width));
        }
        return ExitStatus::Done;
    }

private:
    std::string m_verb;
    bool m_manual = false;
};

} // namespace

VerbEntry helpVerb()
{
    return {.name = "help",
            .summary = "explain a verb",
            .usage = "[VERB] [--man]",
            .description = "Explains a verb and its options. With --json: all of it as data.\n"
                           "  paretoscope help run --man | man -l -",
            .make = makeVerb<HelpVerb>};
}

} // namespace paretoscope::app
