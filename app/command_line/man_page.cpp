// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/command_line/man_page.h"

#include "app/command_line/help_text.h"
#include "app/verbs/verb_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <sstream>

namespace paretoscope::app {

namespace {

/// Text as troff shows it: backslashes and hyphens are themselves, and no line is taken for a request.
std::string escaped(std::string_view text)
{
    std::string out;
    for (const char c : text) {
        const bool beginsLine = out.empty() || out.back() == '\n';
        if (beginsLine && (c == '.' || c == '\''))
            out += "\\&";
        if (c == '\\')
            out += "\\e";
        else if (c == '-')
            out += "\\-";
        else
            out += c;
    }
    return out;
}

std::string heading(const std::string& page, std::string_view summary)
{
    std::string upper = page;
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return fmt::format(".TH {} 1 \"\" \"paretoscope " PARETOSCOPE_VERSION "\" \"Paretoscope\"\n.SH NAME\n{} \\- {}\n",
                       escaped(upper), escaped(page), escaped(summary));
}

std::string definition(const std::string& term, std::string_view text)
{
    return ".TP\n.B " + escaped(term) + '\n' + escaped(text) + '\n';
}

std::string section(std::string_view title, const OptionTable& table,
                    const std::function<bool(const OptionSpec&)>& belongs)
{
    std::string out;
    for (const OptionSpec& spec : table.specs()) {
        if (belongs(spec))
            out += definition(termOf(spec), explanationOf(spec));
    }
    return out.empty() ? out : ".SH " + std::string(title) + '\n' + out;
}

std::string definitions(std::string_view title, const std::vector<Definition>& entries)
{
    std::string out = ".SH " + std::string(title) + '\n';
    for (const Definition& entry : entries)
        out += definition(entry.term, entry.text);
    return out;
}

/// The paragraphs of a description; its lines that begin with a space are examples.
std::string description(std::string_view text)
{
    std::string paragraphs;
    std::string examples;
    std::istringstream lines {std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(' '))
            examples += escaped(line.substr(line.find_first_not_of(' '))) + '\n';
        else
            paragraphs += (paragraphs.empty() ? "" : ".PP\n") + escaped(line) + '\n';
    }
    std::string out = ".SH DESCRIPTION\n" + paragraphs;
    if (!examples.empty())
        out += ".SH EXAMPLES\n.nf\n" + examples + ".fi\n";
    return out;
}

} // namespace

std::string programManual()
{
    std::string out = heading("paretoscope", "find the best compressed model for a budget");
    out += ".SH SYNOPSIS\n.nf\nparetoscope [PROJECT.pscope ...]\n"
           "paretoscope \\-\\-batch SWEEP.yaml \\-\\-project PROJECT.pscope [options]\n"
           "paretoscope VERB [options]\n.fi\n";
    out +=
        ".SH DESCRIPTION\nRuns compression pipelines over a model, measures them under one protocol, keeps the "
        "results in one project file and shows the trade\\-offs. Without a verb it opens the window; with one it needs "
        "no display.\n.SH VERBS\n";
    for (const VerbEntry& entry : verbTable())
        out += definition(std::string(entry.name),
                          std::string(entry.summary) + "; see paretoscope-" + std::string(entry.name) + "(1)");
    out += definitions("EXIT STATUS", exitStatuses());
    out += definitions("ENVIRONMENT", environmentVariables());
    out += ".SH FILES\n" + definition("~/.config/paretoscope/batch.conf", "Defaults as \"name = value\" lines.");
    return out;
}

std::string verbManual(const VerbEntry& entry)
{
    CommonOptions common;
    const std::unique_ptr<Verb> verb = entry.make();
    const OptionTable table = optionsOf(*verb, common);
    const std::string name(entry.name);
    std::string out = heading("paretoscope-" + name, entry.summary);
    out += ".SH SYNOPSIS\nparetoscope " + escaped(name + (entry.usage.empty() ? "" : ' ' + std::string(entry.usage))) +
           '\n';
    out += description(entry.description);
    out += section("ARGUMENTS", table, [](const OptionSpec& spec) { return spec.isPositional(); });
    out += section("OPTIONS", table, [](const OptionSpec& spec) { return !spec.isPositional() && !spec.common; });
    out += section("COMMON OPTIONS", table, [](const OptionSpec& spec) { return spec.common; });
    out += definitions("EXIT STATUS", exitStatuses());
    return out + ".SH SEE ALSO\nparetoscope(1)\n";
}

} // namespace paretoscope::app
