// SPDX-License-Identifier: Apache-2.0
#include "jobs/slurm/slurm_client.h"

#include <QProcess>

#include <array>
#include <charconv>

namespace paretoscope::jobs {

namespace {

using core::Error;
using core::ErrorCode;

constexpr int kPatienceMilliseconds = 60'000; ///< a busy controller answers late

std::vector<std::string_view> split(std::string_view text, char separator)
{
    std::vector<std::string_view> parts;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find(separator, begin), text.size());
        parts.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

template <typename Number>
bool readNumber(std::string_view text, Number& number)
{
    const char* end = text.data() + text.size();
    const auto [stop, failure] = std::from_chars(text.data(), end, number);
    return failure == std::errc() && stop == end;
}

/// The value of NAME=value in a line of scontrol -o.
std::string field(std::string_view line, std::string_view name)
{
    for (const std::string_view word : split(line, ' ')) {
        if (word.starts_with(name) && word.size() > name.size() && word[name.size()] == '=')
            return std::string(word.substr(name.size() + 1));
    }
    return {};
}

Error unexpected(const char* program, std::string_view text)
{
    return {ErrorCode::Io,
            std::string(program) + " said something that is not expected: " + std::string(text.substr(0, 200)),
            "please report it together with the version of Slurm"};
}

/// The last line without "sbatch: error: " and the like.
std::string complaint(std::string_view standardError)
{
    std::string last;
    for (std::string_view line : split(standardError, '\n')) {
        for (const std::string_view prefix : {"error: ", "Batch job submission failed: "}) {
            if (const std::size_t at = line.find(prefix); at != std::string_view::npos)
                line.remove_prefix(at + prefix.size());
        }
        if (!line.empty())
            last = line;
    }
    return last.empty() ? "it does not say why" : last;
}

struct Remedy
{
    std::string_view part; ///< of the complaint
    const char* hint;
};

constexpr std::array kRemedies {
    Remedy {"QOS",
            "the limits of your quality of service are reached: ask for fewer elements with --slurm-array, or wait"},
    Remedy {"account", "name an account of yours (sacctmgr show associations user=$USER) in the #SBATCH lines of the "
                       "script, or in SBATCH_ACCOUNT"},
    Remedy {"partition",
            "name a partition of this cluster (sinfo lists them) in the #SBATCH lines of the script, or in "
            "SBATCH_PARTITION"},
    Remedy {"array", "the cluster allows fewer elements in one array: ask for fewer with --slurm-array"},
    Remedy {"node configuration",
            "no node of the partition has that much: ask for less memory, fewer cores or cards in "
            "the #SBATCH lines of the script"},
    Remedy {"emory", "ask for less memory in the #SBATCH lines of the script"},
    Remedy {"time limit", "the partition allows less time: shorten --time in the #SBATCH lines of the script"},
};

} // namespace

core::Result<std::vector<QueuedElement>> readQueue(std::string_view text)
{
    std::vector<QueuedElement> elements;
    for (const std::string_view line : split(text, '\n')) {
        if (line.empty())
            continue;
        const auto parts = split(line, '|');
        QueuedElement element;
        if (parts.size() < 4 || !readNumber(parts[0], element.array) || !readNumber(parts[1], element.index))
            return unexpected("squeue", line);
        element.state = parts[2];
        element.reason = parts[3];
        elements.push_back(std::move(element));
    }
    return elements;
}

std::optional<ElementEnd> readJob(std::string_view text)
{
    const std::string_view line = text.substr(0, text.find('\n'));
    ElementEnd end {field(line, "JobState"), field(line, "ExitCode")};
    return end.state.empty() ? std::nullopt : std::optional(std::move(end));
}

std::optional<ElementEnd> readAccounting(std::string_view text)
{
    const auto parts = split(text.substr(0, text.find('\n')), '|');
    if (parts.size() != 2 || parts[0].empty())
        return std::nullopt;
    // "CANCELLED by 1000"
    return ElementEnd {std::string(parts[0].substr(0, parts[0].find(' '))), std::string(parts[1])};
}

std::optional<int> readMaxArraySize(std::string_view text)
{
    for (const std::string_view line : split(text, '\n')) {
        if (!line.starts_with("MaxArraySize"))
            continue;
        const std::size_t at = line.find_first_of("0123456789");
        int size = 0;
        if (at != std::string_view::npos && readNumber(line.substr(at), size) && size > 0)
            return size;
    }
    return std::nullopt;
}

core::Error rejection(std::string_view standardError)
{
    const std::string reason = complaint(standardError);
    for (const Remedy& remedy : kRemedies) {
        if (reason.find(remedy.part) != std::string::npos)
            return {ErrorCode::InvalidArgument, "sbatch refused the array: " + reason, remedy.hint};
    }
    return {ErrorCode::InvalidArgument, "sbatch refused the array: " + reason,
            "correct the #SBATCH lines of the script; sbatch --test-only tries them"};
}

core::Result<SlurmClient::Answer> SlurmClient::call(const char* program, const QStringList& arguments) const
{
    QProcess process;
    process.setStandardInputFile(QProcess::nullDevice());
    process.start(QString::fromLatin1(program), arguments);
    if (!process.waitForStarted())
        return Error {ErrorCode::NotFound, std::string(program) + " of Slurm cannot be started on this machine",
                      "run the command on a login node of the cluster, or with --executor local"};
    if (!process.waitForFinished(kPatienceMilliseconds)) {
        process.kill();
        process.waitForFinished();
        return Error {ErrorCode::Io, std::string(program) + " did not answer within a minute",
                      "is the controller of the cluster up? (scontrol ping)"};
    }
    return Answer {process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1,
                   process.readAllStandardOutput().toStdString(), process.readAllStandardError().toStdString()};
}

core::Result<std::string> SlurmClient::outputOf(const char* program, const QStringList& arguments) const
{
    PSC_ASSIGN(Answer answer, call(program, arguments));
    if (answer.status != 0)
        return Error {ErrorCode::Io, std::string(program) + " failed: " + complaint(answer.err),
                      "is the controller of the cluster up? (scontrol ping)"};
    return std::move(answer.out);
}

core::Result<int> SlurmClient::maxArraySize() const
{
    PSC_ASSIGN(const std::string config, outputOf("scontrol", {QStringLiteral("show"), QStringLiteral("config")}));
    const auto size = readMaxArraySize(config);
    return size ? core::Result<int>(*size) : unexpected("scontrol", "no MaxArraySize");
}

core::Result<std::int64_t> SlurmClient::submit(const QStringList& arguments) const
{
    PSC_ASSIGN(const Answer answer, call("sbatch", QStringList {QStringLiteral("--parsable")} + arguments));
    if (answer.status != 0)
        return rejection(answer.err);
    // "123", or "123;cluster" where there are several.
    const std::string_view id = std::string_view(answer.out).substr(0, answer.out.find_first_of(";\n"));
    std::int64_t job = 0;
    return readNumber(id, job) ? core::Result<std::int64_t>(job) : unexpected("sbatch", answer.out);
}

core::Result<std::vector<QueuedElement>> SlurmClient::queued(const std::string& name) const
{
    PSC_ASSIGN(const std::string text,
               outputOf("squeue", {QStringLiteral("-h"), QStringLiteral("-r"), QStringLiteral("-n"),
                                   QString::fromStdString(name), QStringLiteral("-o"), QStringLiteral("%F|%K|%T|%r")}));
    return readQueue(text);
}

std::optional<ElementEnd> SlurmClient::endOf(std::int64_t array, int index) const
{
    const QString element = QStringLiteral("%1_%2").arg(array).arg(index);
    const auto job =
        outputOf("scontrol", {QStringLiteral("show"), QStringLiteral("job"), QStringLiteral("-o"), element});
    if (auto end = job.ok() ? readJob(job.value()) : std::nullopt)
        return end;
    const auto accounting =
        outputOf("sacct", {QStringLiteral("-n"), QStringLiteral("-X"), QStringLiteral("-P"), QStringLiteral("-j"),
                           element, QStringLiteral("-o"), QStringLiteral("State,ExitCode")});
    return accounting.ok() ? readAccounting(accounting.value()) : std::nullopt;
}

core::Status SlurmClient::end(const std::string& name) const
{
    const QString job = QString::fromStdString(name);
    PSC_TRY(outputOf("scancel", {QStringLiteral("--name"), job, QStringLiteral("--state=PENDING")}));
    // Only the script: it passes the wish on, and does not go back into the queue.
    PSC_TRY(outputOf("scancel", {QStringLiteral("--name"), job, QStringLiteral("--state=RUNNING"),
                                 QStringLiteral("--batch"), QStringLiteral("--signal=TERM")}));
    return core::success();
}

core::Status SlurmClient::kill(const std::string& name) const
{
    PSC_TRY(outputOf("scancel", {QStringLiteral("--name"), QString::fromStdString(name)}));
    return core::success();
}

} // namespace paretoscope::jobs
