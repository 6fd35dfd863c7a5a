// SPDX-License-Identifier: Apache-2.0
// A second process for the tests: writes, holds or fills a project until it is told to stop or killed.
#include "faulty_vfs.h"
#include "sample_records.h"
#include "scripted_run.h"

#include "core/project/database.h"
#include "core/project/project_store.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace paretoscope::core;

namespace {

void say(const std::string& line) // unbuffered: what was said is in the pipe when the process is killed
{
    const std::string text = line + "\n";
    if (::write(STDOUT_FILENO, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        std::_Exit(3);
}

int fail(const Error& error)
{
    say("error " + std::string(errorCodeName(error.code)) + " " + error.sentence());
    return 1;
}

int numberFrom(const char* text)
{
    return std::atoi(text);
}

/// write FILE FIRST: finishes trials FIRST, FIRST + 1, ... until killed; opens the project anew now and then, so that a
/// kill also hits opening and closing. Says "done N" after each.
int writeUntilKilled(const std::string& file, int first)
{
    constexpr int kTrialsPerOpening = 7;
    int number = first;
    while (true) {
        Result<ProjectStore> store = ProjectStore::open(file, OpenMode::Create);
        if (!store.ok())
            return fail(store.error());
        if (const auto interrupted = store.value().interruptRunningTrials(); !interrupted.ok())
            return fail(interrupted.error());
        for (const int last = number + kTrialsPerOpening; number < last; ++number) {
            TrialRecord running = sampleTrial(number);
            running.status = TrialStatus::Running;
            running.finishedUtc.clear();
            if (const Status status = store.value().recordTrials({running}); !status.ok())
                return fail(status.error());
            if (const Status status = store.value().finishTrial(sampleTrial(number)); !status.ok())
                return fail(status.error());
            say("done " + std::to_string(number));
        }
    }
}

/// hold FILE: opens for writing, says "ready", closes when its input ends.
int hold(const std::string& file)
{
    const Result<ProjectStore> store = ProjectStore::open(file, OpenMode::Create);
    if (!store.ok())
        return fail(store.error());
    say("ready");
    std::string line;
    while (std::getline(std::cin, line)) {
    }
    return 0;
}

/// answer FILE: opens for writing, says "ready"; each line "N" finishes trial N and says "done N".
int answer(const std::string& file)
{
    Result<ProjectStore> store = ProjectStore::open(file, OpenMode::Create);
    if (!store.ok())
        return fail(store.error());
    say("ready");
    std::string line;
    while (std::getline(std::cin, line)) {
        if (const Status status = store.value().finishTrial(sampleTrial(numberFrom(line.c_str()))); !status.ok())
            return fail(status.error());
        say("done " + line);
    }
    return 0;
}

/// Finishes trials until the first error; then checks that the store still reads. Says "done N" after each, "kept N"
/// with the number it then reads, and the error last.
int fillUntilError(ProjectStore& store)
{
    for (int number = 0; number < 100'000; ++number) {
        if (const Status status = store.finishTrial(sampleTrial(number)); !status.ok()) {
            const auto trials = store.trials();
            if (!trials.ok())
                return fail(trials.error());
            say("kept " + std::to_string(trials.value().size()));
            return fail(status.error());
        }
        say("done " + std::to_string(number));
    }
    return 3;
}

/// fill FILE BYTES: with files limited to BYTES, from the start when BYTES is negative.
int fill(const std::string& file, int bytes)
{
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit {static_cast<rlim_t>(std::abs(bytes)), static_cast<rlim_t>(std::abs(bytes))};
    if (bytes < 0 && ::setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 3;
    Result<ProjectStore> store = ProjectStore::open(file, OpenMode::Create);
    if (!store.ok())
        return fail(store.error());
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 3;
    return fillUntilError(store.value());
}

/// fill-disk FILE BYTES: on a file system of BYTES, mounted over FILE's folder for this process alone. After the disk
/// was full it makes room, opens the project again and says "reopened N" and "integrity ok".
int fillDisk(const std::string& file, const std::string& bytes)
{
    const std::filesystem::path folder = std::filesystem::path(file).parent_path();
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", folder.c_str(), "tmpfs", 0, ("size=" + bytes).c_str()) != 0) {
        say("cannot mount");
        return 0;
    }
    {
        Result<ProjectStore> store = ProjectStore::open(file, OpenMode::Create);
        if (!store.ok())
            return fail(store.error());
        fillUntilError(store.value());
    }
    ::mount("none", folder.c_str(), "tmpfs", MS_REMOUNT, "size=20000000");
    const Result<ProjectStore> store = ProjectStore::open(file, OpenMode::ReadWrite);
    if (!store.ok())
        return fail(store.error());
    say("reopened " + std::to_string(store.value().trials().value().size()));
    Result<Database> database = Database::open(file, Database::Access::ReadOnly);
    say("integrity " + database.value().text("PRAGMA integrity_check").value());
    return 0;
}

/// open FILE MODE [UID]: opens read-only ("r") or for writing ("w"), as another user when one is given, and says the
/// number of trials.
int openAs(const std::string& file, const std::string& mode, int user)
{
    if (user >= 0 && (::setgid(static_cast<gid_t>(user)) != 0 || ::setuid(static_cast<uid_t>(user)) != 0))
        return 3;
    const Result<ProjectStore> store = ProjectStore::open(file, mode == "w" ? OpenMode::ReadWrite : OpenMode::ReadOnly);
    if (!store.ok())
        return fail(store.error());
    const auto trials = store.value().trials();
    if (!trials.ok())
        return fail(trials.error());
    say("trials " + std::to_string(trials.value().size()));
    return 0;
}

/// sample FILE: the project that tests/data/project keeps of each schema version.
int makeSample(const std::string& file)
{
    Result<ProjectStore> store = ProjectStore::open(file, OpenMode::Create);
    if (!store.ok())
        return fail(store.error());
    Status status = store.value().recordWorkload(sampleWorkload());
    if (status.ok())
        status = store.value().recordSweep("demo", "paretoscope: 1", {sampleId(1), sampleId(2), sampleId(3)});
    for (int number = 1; number <= 3 && status.ok(); ++number)
        status = store.value().finishTrial(sampleTrial(number));
    return status.ok() ? 0 : fail(status.error());
}

/// script FILE JOURNAL KIND AT UNSYNCED SEED: the scripted run with a fault; says "done N" after each finished trial.
int runScript(const std::string& file, const std::vector<int>& numbers)
{
    FaultyVfs vfs;
    vfs.arm({.kind = static_cast<Fault::Kind>(numbers[1]),
             .at = numbers[2],
             .unsynced = static_cast<Fault::Unsynced>(numbers[3]),
             .seed = static_cast<std::uint32_t>(numbers[4])});
    const auto errors = scriptedRun(file, static_cast<JournalKind>(numbers[0]),
                                    [](int number) { say("done " + std::to_string(number)); });
    return errors.empty() ? 0 : fail(errors.front());
}

} // namespace

int main(int argc, char** argv)
{
    const std::string task = argc > 1 ? argv[1] : "";
    if (task == "write" && argc == 4)
        return writeUntilKilled(argv[2], numberFrom(argv[3]));
    if (task == "hold" && argc == 3)
        return hold(argv[2]);
    if (task == "answer" && argc == 3)
        return answer(argv[2]);
    if (task == "fill" && argc == 4)
        return fill(argv[2], numberFrom(argv[3]));
    if (task == "fill-disk" && argc == 4)
        return fillDisk(argv[2], argv[3]);
    if (task == "sample" && argc == 3)
        return makeSample(argv[2]);
    if (task == "open" && argc >= 4)
        return openAs(argv[2], argv[3], argc > 4 ? numberFrom(argv[4]) : -1);
    if (task == "script" && argc == 8)
        return runScript(argv[2], {numberFrom(argv[3]), numberFrom(argv[4]), numberFrom(argv[5]), numberFrom(argv[6]),
                                   numberFrom(argv[7])});
    std::fputs("usage: writer_process write|hold|answer|fill|fill-disk|sample|open|script FILE ...\n", stderr);
    return 2;
}
