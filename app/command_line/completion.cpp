// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/command_line/completion.h"

#include "app/verbs/verb_table.h"

#include <fmt/format.h>

#include <functional>

namespace paretoscope::app {

namespace {

std::string joined(const std::vector<std::string>& words)
{
    std::string text;
    for (const std::string& word : words)
        text += (text.empty() ? "" : " ") + word;
    return text;
}

void forEachVerb(const std::function<void(const VerbEntry&, const OptionTable&)>& visit)
{
    for (const VerbEntry& entry : verbTable()) {
        const auto verb = entry.make();
        CommonOptions common;
        visit(entry, optionsOf(*verb, common));
    }
}

/// The first sentence of an explanation without the characters that the shells treat specially.
std::string shortDoc(const OptionSpec& spec)
{
    std::string text = spec.firstSentence();
    for (char& c : text) {
        if (c == '\'' || c == '"' || c == '[' || c == ']' || c == ':' || c == '`' || c == '$' || c == '\\')
            c = ' ';
    }
    return text;
}

std::string bashAction(const OptionSpec& spec)
{
    switch (spec.kind) {
    case ValueKind::Choice:
        return "_paretoscope_words '" + joined(spec.choices) + "'";
    case ValueKind::Verb:
        return "_paretoscope_words '" + joined(verbNames()) + "'";
    case ValueKind::Plugin:
        return "_paretoscope_words \"$(\"${COMP_WORDS[0]}\" plugins list --ids 2>/dev/null)\"";
    case ValueKind::Folder:
        return "_paretoscope_files '/'";
    case ValueKind::Model:
        return "_paretoscope_files '*.gguf'";
    case ValueKind::Project:
        return "_paretoscope_files '*.pscope'";
    case ValueKind::Sweep:
        return "_paretoscope_files '*.@(yaml|yml|json)'";
    case ValueKind::File:
        return "_paretoscope_files '*'";
    default:
        return ":";
    }
}

constexpr std::string_view kBashHead = R"(# bash completion of paretoscope; source it, or put it into
# ~/.local/share/bash-completion/completions/paretoscope

_paretoscope_words() {
    COMPREPLY+=($(compgen -W "$1" -- "$cur"))
}

# Folders, and the files that match a pattern.
_paretoscope_files() {
    local extglob
    extglob=$(shopt -p extglob)
    shopt -s extglob
    compopt -o filenames 2>/dev/null
    local IFS=$'\n'
    COMPREPLY+=($(compgen -d -- "$cur"))
    [ "$1" = / ] || COMPREPLY+=($(compgen -f -X "!$1" -- "$cur" | while read -r file; do [ -d "$file" ] || echo "$file"; done))
    eval "$extglob"
}

_paretoscope() {
    local cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} verb= place=0 i word options= values=
    COMPREPLY=()
    # The shell splits --name=value at the "=".
    if [ "$cur" = = ]; then cur=; elif [ "$previous" = = ]; then previous=${COMP_WORDS[COMP_CWORD-2]}; fi
    for ((i = 1; i < COMP_CWORD; ++i)); do
        [ "${COMP_WORDS[i]}" = --batch ] && verb=run && break
        case " VERBS " in *" ${COMP_WORDS[i]} "*) verb=${COMP_WORDS[i]}; break ;; esac
    done
    if [ "$previous" = --batch ]; then _paretoscope_files '*.@(yaml|yml|json)'; return; fi
    if [ -z "$verb" ]; then
        case $cur in
            -*) _paretoscope_words '--batch --help --version --print-config' ;;
            *) _paretoscope_words 'VERBS'; _paretoscope_files '*.pscope' ;;
        esac
        return
    fi
)";

constexpr std::string_view kBashPlaces = R"(    case $cur in -*) _paretoscope_words "$options"; return ;; esac
    # The number of arguments before this one that are neither options nor their values.
    for ((++i; i < COMP_CWORD; ++i)); do
        word=${COMP_WORDS[i]}
        case $word in -* | =) continue ;; esac
        case " $values " in *" ${COMP_WORDS[i-1]} "*) continue ;; esac
        ((++place))
    done
    case $verb:$place in
)";

std::string bashScript()
{
    std::string head(kBashHead);
    for (std::size_t at = 0; (at = head.find("VERBS", at)) != std::string::npos;)
        head.replace(at, 5, joined(verbNames()));
    std::string out = head + "    case $verb in\n";
    std::string places;
    forEachVerb([&](const VerbEntry& entry, const OptionTable& table) {
        std::vector<std::string> valueOptions;
        std::string actions;
        int place = 0;
        for (const OptionSpec& spec : table.specs()) {
            if (spec.isPositional()) {
                places += fmt::format("        {}:{}) {} ;;\n", entry.name,
                                      spec.repeatable ? std::string("*") : std::to_string(place), bashAction(spec));
                ++place;
            } else if (!spec.isFlag()) {
                valueOptions.push_back(spec.name);
                actions += fmt::format("                {}) {}; return ;;\n", spec.name, bashAction(spec));
            }
        }
        out += fmt::format("        {})\n            options='{}'\n            values='{}'\n", entry.name,
                           joined(table.optionNames()), joined(valueOptions));
        out += "            case $previous in\n" + actions + "            esac ;;\n";
    });
    out += "    esac\n" + std::string(kBashPlaces) + places + "    esac\n}\n";
    return out + "complete -F _paretoscope paretoscope\n";
}

std::string zshAction(const OptionSpec& spec)
{
    switch (spec.kind) {
    case ValueKind::Choice:
        return "(" + joined(spec.choices) + ")";
    case ValueKind::Verb:
        return "(" + joined(verbNames()) + ")";
    case ValueKind::Plugin:
        return "($(paretoscope plugins list --ids 2>/dev/null))";
    case ValueKind::Folder:
        return "_files -/";
    case ValueKind::Model:
        return "_files -g \"*.gguf(-.)\"";
    case ValueKind::Project:
        return "_files -g \"*.pscope(-.)\"";
    case ValueKind::Sweep:
        return "_files -g \"*.(yaml|yml|json)(-.)\"";
    case ValueKind::File:
        return "_files";
    default:
        return "";
    }
}

std::string zshSpec(const OptionSpec& spec)
{
    std::string label = spec.isPositional() ? spec.name : spec.valueName;
    for (char& c : label)
        c = c == ':' || c == '[' || c == ']' ? ' ' : c;
    if (spec.isPositional())
        return fmt::format("'{}:{}:{}'", spec.repeatable ? "*" : spec.required ? "" : ":", label, zshAction(spec));
    const std::string value = spec.isFlag() ? "" : fmt::format(":{}:{}", label, zshAction(spec));
    const std::string often = spec.repeatable ? "*" : "";
    std::string out = fmt::format("'{}{}[{}]{}'", often, spec.name, shortDoc(spec), value);
    if (!spec.shortName.empty())
        out += fmt::format(" '{}{}[{}]{}'", often, spec.shortName, shortDoc(spec), value);
    return out;
}

std::string zshScript()
{
    std::string out = "#compdef paretoscope\n# zsh completion of paretoscope; put it as _paretoscope into a folder of "
                      "$fpath\n\n_paretoscope() {\n    local -a verbs\n    verbs=(\n";
    forEachVerb([&](const VerbEntry& entry, const OptionTable&) {
        out += fmt::format("        '{}:{}'\n", entry.name, entry.summary);
    });
    out += "    )\n    if (( CURRENT == 2 )); then\n        _describe verb verbs\n"
           "        _files -g \"*.pscope(-.)\"\n        return\n    fi\n    local verb=$words[2]\n"
           "    if [[ $verb == --batch ]]; then verb=run; fi\n"
           "    shift words\n    (( CURRENT-- ))\n    case $verb in\n";
    forEachVerb([&](const VerbEntry& entry, const OptionTable& table) {
        out += fmt::format("        {})\n            _arguments -s", entry.name);
        for (const OptionSpec& spec : table.specs())
            out += " \\\n                " + zshSpec(spec);
        out += " ;;\n";
    });
    return out + "    esac\n}\n\n_paretoscope \"$@\"\n";
}

std::string fishAction(const OptionSpec& spec)
{
    switch (spec.kind) {
    case ValueKind::Choice:
        return " -x -a '" + joined(spec.choices) + "'";
    case ValueKind::Verb:
        return " -x -a '" + joined(verbNames()) + "'";
    case ValueKind::Plugin:
        return " -x -a '(paretoscope plugins list --ids 2>/dev/null)'";
    case ValueKind::Folder:
        return " -x -a '(__fish_complete_directories)'";
    case ValueKind::Model:
        return " -x -a '(__fish_complete_suffix .gguf)'";
    case ValueKind::Project:
        return " -x -a '(__fish_complete_suffix .pscope)'";
    case ValueKind::Sweep:
        return " -x -a '(__fish_complete_suffix .yaml; __fish_complete_suffix .json)'";
    case ValueKind::File:
        return " -r -F";
    default:
        return spec.isFlag() ? "" : " -x";
    }
}

std::string fishScript()
{
    const std::string none = "-n 'not __fish_seen_subcommand_from " + joined(verbNames()) +
                             "; and not contains -- --batch (commandline -opc)'";
    std::string out = "# fish completion of paretoscope; put it as paretoscope.fish into "
                      "~/.config/fish/completions\ncomplete -c paretoscope -f\n";
    out += fmt::format("complete -c paretoscope {} -a '(__fish_complete_suffix .pscope)'\n", none);
    out += fmt::format("complete -c paretoscope {} -l batch -r -F -d 'run a sweep'\n", none);
    for (const char* option : {"help", "version", "print-config"})
        out += fmt::format("complete -c paretoscope {} -l {}\n", none, option);
    forEachVerb([&](const VerbEntry& entry, const OptionTable& table) {
        out += fmt::format("complete -c paretoscope {} -a {} -d '{}'\n", none, entry.name, entry.summary);
        const std::string seen =
            entry.name == "run"
                ? std::string("'__fish_seen_subcommand_from run; or contains -- --batch (commandline -opc)'")
                : fmt::format("'__fish_seen_subcommand_from {}'", entry.name);
        for (const OptionSpec& spec : table.specs()) {
            std::string names;
            if (!spec.isPositional())
                names = " -l " + spec.name.substr(2);
            if (!spec.shortName.empty())
                names += " -s " + spec.shortName.substr(1);
            const std::string action = fishAction(spec);
            if (spec.isPositional() && action.empty())
                continue;
            const std::string doc = spec.isPositional() ? "" : " -d '" + shortDoc(spec) + "'";
            out += fmt::format("complete -c paretoscope -n {}{}{}{}\n", seen, names, action, doc);
        }
    });
    return out;
}

} // namespace

std::string completionScript(std::string_view shell)
{
    if (shell == "bash")
        return bashScript();
    return shell == "zsh" ? zshScript() : fishScript();
}

} // namespace paretoscope::app
