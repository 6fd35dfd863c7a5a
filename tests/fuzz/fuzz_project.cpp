// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: bytes as a whole project file. It is opened and read in full, verified and salvaged; what is
// salvaged must be sound.
#include "scratch_folder.h"

#include "core/project/device_record.h"
#include "core/project/machine_record.h"
#include "core/project/project_store.h"
#include "core/project/published_point.h"
#include "core/project/roofline_point.h"
#include "core/project/salvage.h"
#include "core/project/store_environment.h"
#include "core/project/verify.h"

#include <chrono>
#include <cstdio>

using namespace paretoscope::core;

namespace {

/// Every refusal says what and what to do.
void checkRefusal(const Error& error)
{
    if (error.message.empty() || error.hint.empty())
        std::abort();
}

template <typename T>
void checkAnswer(const Result<T>& answer)
{
    if (!answer.ok())
        checkRefusal(answer.error());
}

/// Nobody else writes the files here, so that their times need no waiting for.
StoreEnvironment quietEnvironment()
{
    return {.fileTimeTick = std::chrono::milliseconds(0)};
}

void readEverything(const std::filesystem::path& file)
{
    const auto store = ProjectStore::open(file, OpenMode::ReadOnly, quietEnvironment());
    checkAnswer(store);
    if (!store.ok())
        return;
    const auto trials = store.value().trials();
    checkAnswer(trials);
    for (std::size_t i = 0; trials.ok() && i < trials.value().size() && i < 50; ++i) {
        checkAnswer(store.value().trial(trials.value()[i].id));
        (void)canonicalJson(trials.value()[i].provenance);
        (void)canonicalJson(trials.value()[i].pipeline);
    }
    checkAnswer(store.value().findTrial("gptq(bits=3,group_size=2)"));
    checkAnswer(store.value().workloads());
    checkAnswer(store.value().sweeps());
    checkAnswer(store.value().events());
    checkAnswer(store.value().artifacts());
    checkAnswer(store.value().publishedPoints());
    checkAnswer(store.value().machines());
    checkAnswer(store.value().devices());
    checkAnswer(store.value().rooflinePoints());
    checkAnswer(store.value().dataVersion());
}

void verifyAndSalvage(const std::filesystem::path& file, const std::filesystem::path& saved)
{
    const auto report = verifyProject(file, quietEnvironment());
    checkAnswer(report);
    for (std::size_t i = 0; report.ok() && i < report.value().findings.size(); ++i) {
        const Finding& finding = report.value().findings[i];
        if (finding.kind.empty() || finding.where.empty() || finding.message.empty() || finding.remedy.empty())
            std::abort();
    }
    const auto salvage = salvageProject(file, saved, quietEnvironment());
    checkAnswer(salvage);
    if (!salvage.ok())
        return;
    for (const Finding& finding : salvage.value().result.findings)
        std::fprintf(stderr, "%s | %s | %s\n", finding.kind.c_str(), finding.where.c_str(), finding.message.c_str());
    if (!salvage.value().result.findings.empty())
        std::abort();
}

/// Also where private copies are made.
const paretoscope::fuzz::ScratchFolder& scratchFolder()
{
    static const paretoscope::fuzz::ScratchFolder folder;
    static const int set = ::setenv("TMPDIR", folder.path().c_str(), 1);
    if (set != 0)
        std::abort();
    return folder;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const paretoscope::fuzz::ScratchFolder& folder = scratchFolder();
    for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
        std::filesystem::remove_all(entry.path());
    const std::filesystem::path file = folder.write("p.pscope", std::span(data, size));
    readEverything(file);
    verifyAndSalvage(file, folder.path() / "saved.pscope");
    return 0;
}
