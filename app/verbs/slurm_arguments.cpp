// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/slurm_arguments.h"

#include "app/format/number.h"
#include "app/verbs/sweep_arguments.h"

#include <charconv>
#include <filesystem>

namespace paretoscope::app {

core::Status readArray(const std::string& text, int& elements, int& atOnce)
{
    const char* end = text.data() + text.size();
    const auto [percent, first] = std::from_chars(text.data(), end, elements);
    bool isRead = first == std::errc() && elements > 0;
    if (isRead && percent != end) {
        const auto [stop, second] = std::from_chars(percent + 1, end, atOnce);
        isRead = *percent == '%' && second == std::errc() && stop == end && atOnce > 0;
    }
    if (isRead)
        return core::success();
    return core::Error {core::ErrorCode::InvalidArgument, "\"" + text + "\" is not a number of elements",
                        "for example 200, or 200%16"};
}

std::string runningProgram()
{
    std::error_code failure;
    const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", failure);
    return failure ? "paretoscope" : program.string();
}

void SlurmArguments::declare(OptionTable& options)
{
    OptionSpec& script =
        options.text("--slurm-script", "FILE", m_script,
                     "With --executor slurm: the batch script to submit, as slurm-script prints it and "
                     "you edited it for the site; by default an unedited one.");
    script.kind = ValueKind::File;
    script.setting = "slurm-script";
    options.custom("--slurm-array", "COUNT[%MAX]",
                   "With --executor slurm: how many elements there are, and how many of them run at the same time; by "
                   "default one for about eight trials.",
                   [this](const std::string& text) { return readArray(text, m_elements, m_atOnce); });
    OptionSpec& poll = options.custom("--slurm-poll", "TIME", "With --executor slurm: how often to ask squeue.",
                                      [this](const std::string& text) -> core::Status {
                                          PSC_ASSIGN(m_pollSeconds, readDuration(text));
                                          return core::success();
                                      });
    poll.setting = "slurm-poll";
    poll.defaultText = "15s";
}

jobs::SlurmSettings SlurmArguments::settings(const std::string& project, jobs::SweepOptions options,
                                             const Session& session) const
{
    jobs::SlurmSettings settings;
    settings.project = project;
    settings.script = m_script;
    settings.program = runningProgram();
    settings.elements = m_elements;
    settings.atOnce = m_atOnce;
    settings.elementOptions = SweepArguments::elementOptions(session.parsed);
    settings.poll = std::chrono::milliseconds(static_cast<std::int64_t>(m_pollSeconds * 1000));
    settings.options = std::move(options);
    return settings;
}

} // namespace paretoscope::app
