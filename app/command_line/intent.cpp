// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/command_line/intent.h"

#include "app/verbs/verb_table.h"
#include "core/base/near_miss.h"

#include <algorithm>
#include <filesystem>

namespace paretoscope::app {

namespace {

using Words = std::vector<std::string>;

Intent failed(std::string message, std::string hint, core::ErrorCode code = core::ErrorCode::InvalidArgument)
{
    Intent intent;
    intent.kind = Intent::Kind::Error;
    intent.error = core::Error {code, std::move(message), std::move(hint)};
    return intent;
}

/// Number of words at the front that are common options with their values.
std::size_t leadingOptions(const Words& words)
{
    CommonOptions common;
    const auto help = findVerb("help")->make();
    const OptionTable table = optionsOf(*help, common);
    std::size_t count = 0;
    while (count < words.size()) {
        const std::string& word = words[count];
        const std::size_t equals = word.find('=');
        const OptionSpec* spec = table.find(word.substr(0, equals));
        const bool shortRun = word.size() > 1 && word[0] == '-' && word.find_first_not_of("vq", 1) == std::string::npos;
        if (shortRun)
            count += 1;
        else if (spec && spec->common && spec->name != "--help" && spec->name != "--print-config")
            count += spec->isFlag() || equals != std::string::npos ? 1 : 2;
        else
            break;
    }
    return std::min(count, words.size());
}

bool looksLikePath(const std::string& word)
{
    std::error_code ignored;
    return word.find('/') != std::string::npos || word.find('.') != std::string::npos ||
           std::filesystem::exists(word, ignored);
}

/// `--batch SWEEP` before "--": the arguments of `run`, or nothing.
std::optional<Intent> batchIntent(const Words& words)
{
    const auto end = std::find(words.begin(), words.end(), "--");
    const auto batch = std::find_if(words.begin(), end, [](const std::string& word) {
        return word == "--batch" || word.rfind("--batch=", 0) == 0;
    });
    if (batch == end)
        return std::nullopt;
    Intent intent;
    intent.kind = Intent::Kind::Verb;
    intent.verb = "run";
    intent.arguments.assign(words.begin(), batch);
    auto rest = batch + 1;
    if (*batch != "--batch")
        intent.arguments.push_back(batch->substr(std::string_view("--batch=").size()));
    else if (rest == end || (rest->size() > 1 && rest->front() == '-'))
        return failed("--batch needs a value: the sweep file (YAML or JSON)", "see \"paretoscope help run\"");
    else
        intent.arguments.push_back(*rest++);
    intent.arguments.insert(intent.arguments.end(), rest, words.end());
    return intent;
}

/// What the first word says when it is neither a verb nor a common option.
Intent otherIntent(const std::string& word)
{
    Intent intent;
    if (word == "--help" || word == "-h")
        intent.kind = Intent::Kind::Help;
    else if (word == "--version" || word == "-V")
        intent.kind = Intent::Kind::Version;
    else if (isPlannedVerb(word))
        return failed("this version has no verb \"" + word + "\" yet", "\"paretoscope help\" lists the verbs it has",
                      core::ErrorCode::Unsupported);
    else if (word.rfind("--", 0) == 0) {
        if (const auto near = core::nearMiss(word, {"--help", "--version", "--print-config", "--batch"}))
            return failed("there is no option \"" + word + "\"", "did you mean \"" + *near + "\"?");
    } else if (!word.empty() && word.front() != '-' && !looksLikePath(word)) {
        const auto near = core::nearMiss(word, verbNames());
        return failed("there is no verb and no file \"" + word + "\"",
                      near ? "did you mean \"" + *near + "\"?" : "\"paretoscope help\" lists the verbs");
    }
    return intent;
}

bool hasFlag(const Words& words, std::string_view flag)
{
    const auto end = std::find(words.begin(), words.end(), "--");
    return std::find(words.begin(), end, flag) != end;
}

} // namespace

Intent readIntent(const Words& words)
{
    const std::size_t leading = leadingOptions(words);
    Intent intent;
    if (leading < words.size() && findVerb(words[leading]) != nullptr) {
        intent.kind = Intent::Kind::Verb;
        intent.verb = words[leading];
        intent.arguments.assign(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(leading));
        intent.arguments.insert(intent.arguments.end(), words.begin() + static_cast<std::ptrdiff_t>(leading) + 1,
                                words.end());
    } else if (auto batch = batchIntent(words)) {
        intent = std::move(*batch);
    } else if (leading < words.size() && words[leading] == "--print-config") {
        intent.kind = Intent::Kind::Verb; // the verb with the most settings shows them
        intent.verb = "run";
        intent.arguments = words;
    } else if (leading < words.size()) {
        intent = otherIntent(words[leading]);
    }
    intent.json = hasFlag(words, "--json");
    intent.jsonLines = hasFlag(words, "--json-lines");
    return intent;
}

} // namespace paretoscope::app
