// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/command_line/completion.h"

#include "app/verbs/verb.h"

namespace paretoscope::app {

namespace {

class CompletionVerb : public Verb
{
public:
    void declare(OptionTable& options) override
    {
        OptionSpec& shell = options.choice("SHELL", m_shell, {"bash", "zsh", "fish"}, "bash, zsh or fish.");
        shell.required = true;
    }

    Outcome run(Session& session) override
    {
        const std::string script = completionScript(m_shell);
        if (session.common.json)
            session.console.document({{"schema", "paretoscope.completion/1"}, {"shell", m_shell}, {"script", script}});
        else
            session.console.write(script);
        return ExitStatus::Done;
    }

private:
    std::string m_shell;
};

} // namespace

VerbEntry completionVerb()
{
    return {.name = "completion",
            .summary = "print a completion script for a shell",
            .usage = "bash|zsh|fish",
            .description = "Prints a script that lets a shell complete verbs, options and files.\n"
                           "  bash:  source <(paretoscope completion bash)\n"
                           "  zsh:   paretoscope completion zsh > \"${fpath[1]}/_paretoscope\"\n"
                           "  fish:  paretoscope completion fish > ~/.config/fish/completions/paretoscope.fish",
            .make = makeVerb<CompletionVerb>};
}

} // namespace paretoscope::app
