// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/format/number.h"
#include "app/format/plugin_text.h"
#include "app/format/table.h"
#include "app/verbs/verb.h"
#include "core/plugin/manifest.h"

namespace paretoscope::app {

namespace {

class PluginsVerb : public Verb
{
public:
    void declare(OptionTable& options) override
    {
        options.choice("ACTION", m_action, {"list", "show"}, "list (default) or show.");
        options.text("ID", "", m_id, "The plugin to show: its id or the short name used in sweep files.").kind =
            ValueKind::Plugin;
        options.flag("--ids", m_ids, "Print only the ids, one a line.");
    }

    Outcome run(Session& session) override
    {
        const auto catalogue = core::PluginCatalogue::scan(session.installation.pluginFolders());
        for (const core::Error& problem : catalogue.problems())
            session.console.note("paretoscope plugins: left out: " + problem.sentence());
        if (m_action != "show")
            return m_id.empty() ? list(catalogue, session)
                                : Outcome::usage("unexpected argument \"" + m_id + "\"", "plugins show " + m_id);
        if (m_id.empty())
            return Outcome::usage("ID is missing: the plugin to show", "\"paretoscope plugins list\" prints the ids");
        PSC_ASSIGN(const core::PluginManifest* plugin, catalogue.find(m_id));
        return show(*plugin, session);
    }

private:
    Outcome list(const core::PluginCatalogue& catalogue, Session& session)
    {
        Console& console = session.console;
        if (session.common.json) {
            core::Json plugins = core::Json::array();
            for (const core::PluginManifest& plugin : catalogue.all())
                plugins.push_back(pluginJson(plugin));
            core::Json problems = core::Json::array();
            for (const core::Error& problem : catalogue.problems())
                problems.push_back(problem.sentence());
            console.document({{"schema", "paretoscope.plugins/1"}, {"plugins", plugins}, {"problems", problems}});
            return ExitStatus::Done;
        }
        if (m_ids) {
            for (const core::PluginManifest& plugin : catalogue.all())
                console.line(plugin.id);
            return ExitStatus::Done;
        }
        if (catalogue.all().empty()) {
            console.note("no plugin was found (PARETOSCOPE_PLUGINS names further folders)");
            return ExitStatus::Done;
        }
        TextTable table({{"id"}, {"version"}, {"kind"}, {"summary", false, true}});
        for (const core::PluginManifest& plugin : catalogue.all())
            table.addRow({plugin.id, plugin.version, std::string(pluginKindName(plugin.kind)), plugin.summary});
        console.write(table.text(console.outStream()));
        return ExitStatus::Done;
    }

    static Outcome show(const core::PluginManifest& plugin, Session& session)
    {
        Console& console = session.console;
        if (session.common.json) {
            core::Json document = pluginJson(plugin);
            document["schema"] = "paretoscope.plugins-show/1";
            console.document(document);
        } else {
            console.write(pluginText(plugin, console.outStream()));
        }
        return ExitStatus::Done;
    }

    std::string m_action = "list";
    std::string m_id;
    bool m_ids = false;
};

} // namespace

VerbEntry pluginsVerb()
{
    return {.name = "plugins",
            .summary = "list the compression methods, explain one",
            .usage = "[list | show ID]",
            .description = "Lists the installed plugins, or shows what one does, its parameters with unit, range and "
                           "default, and its papers.\n"
                           "  paretoscope plugins show gptq",
            .make = makeVerb<PluginsVerb>};
}

} // namespace paretoscope::app
