// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/command_line/help_text.h"

#include "app/format/text.h"
#include "app/verbs/verb_table.h"

#include <algorithm>
#include <vector>

namespace paretoscope::app {

namespace {

constexpr int kWidest = 100; ///< longer lines are hard to read
constexpr std::size_t kIndent = 2;
constexpr std::size_t kTermColumn = 26; ///< where explanations begin

std::size_t usableWidth(int width)
{
    return static_cast<std::size_t>(std::clamp(width > 0 ? width : 80, 50, kWidest));
}

std::string paragraphs(std::string_view text, std::size_t width)
{
    std::string out;
    for (const std::string& line : wrapped(text, width))
        out += line + '\n';
    return out;
}

/// "  term      explanation, wrapped under itself"
std::string definition(const std::string& term, std::string_view text, std::size_t width)
{
    std::string out = std::string(kIndent, ' ') + term;
    const bool fits = displayWidth(term) + kIndent + 2 <= kTermColumn;
    const std::string margin(kTermColumn, ' ');
    out = fits ? padRight(out, kTermColumn) : out + '\n' + margin;
    bool first = true;
    for (const std::string& line : wrapped(text, width - kTermColumn)) {
        out += (first ? "" : margin) + line + '\n';
        first = false;
    }
    return out;
}

std::string section(std::string_view title, const OptionTable& table, std::size_t width,
                    const std::function<bool(const OptionSpec&)>& belongs)
{
    std::string out;
    for (const OptionSpec& spec : table.specs()) {
        if (belongs(spec))
            out += definition(termOf(spec), explanationOf(spec), width);
    }
    return out.empty() ? out : "\n" + std::string(title) + ":\n" + out;
}

std::string definitions(std::string_view title, const std::vector<Definition>& entries, std::size_t width)
{
    std::string out = "\n" + std::string(title) + ":\n";
    for (const Definition& entry : entries)
        out += definition(entry.term, entry.text, width);
    return out;
}

} // namespace

std::string termOf(const OptionSpec& spec)
{
    if (spec.isPositional())
        return spec.name + (spec.repeatable ? " ..." : "");
    std::string term = spec.shortName.empty() ? spec.name : spec.shortName + ", " + spec.name;
    if (!spec.valueName.empty())
        term += " " + spec.valueName;
    return term;
}

std::string explanationOf(const OptionSpec& spec)
{
    std::string text = spec.doc;
    if (!spec.defaultText.empty())
        text += " [" + spec.defaultText + "]";
    if (spec.repeatable && !spec.isPositional() && !spec.isFlag())
        text += " May be repeated.";
    return text;
}

std::vector<Definition> exitStatuses()
{
    return {{"0", "all done, also when there was nothing to do"},
            {"1", "internal error, lost worker, failing disk"},
            {"2", "the command line is wrong"},
            {"3", "finished, but some trials failed"},
            {"4", "an input (sweep, model, data, project) is missing or invalid"},
            {"5", "the project is in use by another process, or made by a newer version"},
            {"6", "memory or disk will not do"},
            {"75", "stopped with work left (signal, time limit); the same command goes on"},
            {"130, 143", "ended by a second SIGINT or SIGTERM"}};
}

std::vector<Definition> environmentVariables()
{
    return {{"PARETOSCOPE_MODELS", "folders in which model names are looked up (colon-separated)"},
            {"PARETOSCOPE_PLUGINS", "further plugin folders that you trust (colon-separated)"},
            {"PARETOSCOPE_WORKER", "the worker program"},
            {"PARETOSCOPE_CACHE", "folder of the artifact cache"},
            {"PARETOSCOPE_<OPTION>", "default of an option, as --print-config lists them"},
            {"NO_COLOR, CLICOLOR_FORCE", "colours off, colours on"}};
}

std::string programHelp(int width)
{
    const std::size_t columns = usableWidth(width);
    std::string out = "Usage: paretoscope [PROJECT.pscope ...]\n"
                      "       paretoscope --batch SWEEP.yaml --project PROJECT.pscope [options]\n"
                      "       paretoscope VERB [options]\n\n";
    out += paragraphs("Finds the best compressed model for a budget. Without a verb it opens the window; with one it "
                      "needs no display. \"paretoscope help VERB\" explains a verb.",
                      columns);
    out += "\nVerbs:\n";
    for (const VerbEntry& entry : verbTable())
        out += definition(std::string(entry.name), entry.summary, columns);
    out += definitions("Instead of a verb",
                       {{"--version", "Print the version."},
                        {"--print-config", "Print every setting, its value and where it comes from."},
                        {"-h, --help", "Print this help."}},
                       columns);
    out += definitions("Exit status", exitStatuses(), columns);
    out += definitions("Environment", environmentVariables(), columns);
    out += "\n" + paragraphs("Defaults may also stand as \"name = value\" lines in ~/.config/paretoscope/batch.conf.",
                             columns);
    return out;
}

std::string verbHelp(const VerbEntry& entry, int width)
{
    const std::size_t columns = usableWidth(width);
    CommonOptions common;
    const std::unique_ptr<Verb> verb = entry.make();
    const OptionTable table = optionsOf(*verb, common);
    std::string out = "Usage: paretoscope " + std::string(entry.name) +
                      (entry.usage.empty() ? "" : " " + std::string(entry.usage)) + "\n\n";
    out += paragraphs(entry.description, columns);
    out += section("Arguments", table, columns, [](const OptionSpec& spec) { return spec.isPositional(); });
    out +=
        section("Options", table, columns, [](const OptionSpec& spec) { return !spec.isPositional() && !spec.common; });
    out += section("Common options", table, columns, [](const OptionSpec& spec) { return spec.common; });
    return out;
}

} // namespace paretoscope::app
