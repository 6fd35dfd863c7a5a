// SPDX-License-Identifier: Apache-2.0
// How fast the project file is written and opened. Run with --benchmark_format=json for a report.
#include "core/base/sha256.h"
#include "core/project/project_store.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

using namespace paretoscope::core;

namespace {

constexpr int kMetrics = 12;
constexpr int kLargeProject = 10'000;
constexpr int kHugeProject = 1'000'000 / kMetrics + 1;

/// A folder that goes with the object; in PARETOSCOPE_BENCH_FOLDER or the temporary folder.
class Folder
{
public:
    Folder()
    {
        const char* wanted = std::getenv("PARETOSCOPE_BENCH_FOLDER");
        const std::filesystem::path place = wanted ? wanted : std::filesystem::temp_directory_path();
        std::string name = (place / "bench-XXXXXX").string();
        if (!::mkdtemp(name.data()))
            std::abort();
        m_path = name;
    }
    ~Folder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(m_path, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    std::filesystem::path project() const { return m_path / "bench.pscope"; }

private:
    std::filesystem::path m_path;
};

template <typename T>
T orDie(Result<T> result)
{
    if (!result.ok()) {
        std::fprintf(stderr, "%s\n", result.error().sentence().c_str());
        std::abort();
    }
    return std::move(result).value();
}

/// As a sweep records it: protocol ids, per-window values for one metric, a kilobyte of provenance.
TrialRecord benchTrial(int number, int layerMetrics)
{
    TrialRecord trial;
    trial.id = {sha256("bench " + std::to_string(number))};
    trial.workload = "SmolLM2-135M";
    trial.sweep = "overnight";
    trial.label = "gptq(bits=" + std::to_string(2 + number % 7) + ",group_size=" + std::to_string(number) + ")";
    trial.pipeline = Json::array({{{"plugin", "quantization/gptq"},
                                   {"version", "1.0.0"},
                                   {"parameters", {{"bits", 2 + number % 7}, {"group_size", number}}}}});
    trial.status = TrialStatus::Done;
    trial.seconds = 40;
    trial.startedUtc = "2024-05-17T03:12:09.045Z";
    trial.finishedUtc = "2024-05-17T03:12:49.045Z";
    trial.attempts = 1;
    trial.provenance = {{"command", "paretoscope --batch overnight.yaml"}, {"log", std::string(900, 'x')}};
    for (int m = 0; m < kMetrics; ++m) {
        MetricRecord metric;
        metric.name = "metric_" + std::to_string(m);
        metric.value = number + m / 7.0;
        metric.standardError = 0.1;
        metric.n = 32;
        metric.protocol = "perplexity.window/wiki.test.tokens#d790b833/512/first0+32/bos-none/join-raw/" + metric.name;
        metric.device = "cpu";
        metric.dtype = "float32";
        metric.threads = 2;
        metric.build = "0.1.0+libtorch2.11.0";
        if (m == 0)
            metric.details = {{"windows", std::vector<double>(32, 3.14159 + number)}};
        trial.metrics.push_back(std::move(metric));
    }
    for (int layer = 0; layer < layerMetrics; ++layer)
        trial.layerMetrics.push_back(
            {"model.layers." + std::to_string(layer / 7) + ".module" + std::to_string(layer % 7), layer / 7,
             "relative_output_error", 0.01 * layer});
    return trial;
}

std::vector<TrialRecord> benchTrials(int first, int count, int layerMetrics = 0)
{
    std::vector<TrialRecord> trials;
    for (int number = first; number < first + count; ++number)
        trials.push_back(benchTrial(number, layerMetrics));
    return trials;
}

void finishTrials(benchmark::State& state, Durability durability)
{
    const Folder folder;
    ProjectStore store = orDie(ProjectStore::open(folder.project(), OpenMode::Create));
    store.setDurability(durability);
    int number = 0;
    for (auto _ : state) {
        state.PauseTiming();
        const TrialRecord trial = benchTrial(number++, static_cast<int>(state.range(0)));
        state.ResumeTiming();
        orDie(store.finishTrial(trial));
    }
    state.counters["trials/s"] = benchmark::Counter(number, benchmark::Counter::kIsRate);
}

void finishTrialSurvivingKill(benchmark::State& state)
{
    finishTrials(state, Durability::ProcessKill);
}

void finishTrialSurvivingPowerLoss(benchmark::State& state)
{
    finishTrials(state, Durability::PowerLoss);
}

/// What the disk allows: one page appended and synced.
void fsyncOfTheDisk(benchmark::State& state)
{
    const Folder folder;
    const int file = ::open(folder.project().c_str(), O_WRONLY | O_CREAT, 0600);
    const std::string page(4096, 'x');
    for (auto _ : state) {
        if (::write(file, page.data(), page.size()) < 0 || ::fdatasync(file) != 0)
            state.SkipWithError("cannot write");
    }
    ::close(file);
}

/// Many trials in one transaction, as an import does.
void finishTrialsInBatches(benchmark::State& state)
{
    const Folder folder;
    ProjectStore store = orDie(ProjectStore::open(folder.project(), OpenMode::Create));
    int number = 0;
    for (auto _ : state) {
        state.PauseTiming();
        const auto layers = static_cast<int>(state.range(1));
        const std::vector<TrialRecord> batch = benchTrials(number, static_cast<int>(state.range(0)), layers);
        number += static_cast<int>(batch.size());
        state.ResumeTiming();
        orDie(store.finishTrials(batch));
    }
    state.counters["values/s"] = benchmark::Counter(
        static_cast<double>(number) * static_cast<double>(kMetrics + state.range(1)), benchmark::Counter::kIsRate);
}

/// A project with many trials, made once.
class LargeProject
{
public:
    explicit LargeProject(int trials)
    {
        constexpr int kBatch = 1000;
        ProjectStore store = orDie(ProjectStore::open(path(), OpenMode::Create));
        for (int number = 0; number < trials; number += kBatch)
            orDie(store.finishTrials(benchTrials(number, std::min(kBatch, trials - number))));
    }
    std::filesystem::path path() const { return m_folder.project(); }

private:
    Folder m_folder;
};

const std::filesystem::path& largeProject()
{
    static const LargeProject project(kLargeProject);
    static const std::filesystem::path path = project.path();
    return path;
}

/// 1,000,000 rows of metrics.
const std::filesystem::path& hugeProject()
{
    static const LargeProject project(kHugeProject);
    static const std::filesystem::path path = project.path();
    return path;
}

/// Takes a file out of the page cache, as after a restart. Needs no privileges.
void makeCold(const std::filesystem::path& file)
{
    const int descriptor = ::open(file.c_str(), O_RDONLY);
    ::fdatasync(descriptor);
    ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
    ::close(descriptor);
}

/// What `paretoscope front` reads of a project that is opened for the first time.
void readFrontCold(benchmark::State& state)
{
    const std::vector<std::string> axes {"metric_0", "metric_1"};
    for (auto _ : state) {
        state.PauseTiming();
        makeCold(hugeProject());
        state.ResumeTiming();
        const ProjectStore store = orDie(ProjectStore::open(hugeProject(), OpenMode::ReadOnly));
        benchmark::DoNotOptimize(orDie(store.trialsWithMetrics(axes)));
    }
    state.counters["bytes"] = static_cast<double>(std::filesystem::file_size(hugeProject()));
}

void openLargeProject(benchmark::State& state)
{
    const auto& file = largeProject();
    for (auto _ : state) {
        const ProjectStore store = orDie(ProjectStore::open(file, OpenMode::ReadOnly));
        benchmark::DoNotOptimize(orDie(store.dataVersion()));
    }
    state.counters["bytes"] = static_cast<double>(std::filesystem::file_size(file));
}

void readAllTrials(benchmark::State& state)
{
    const ProjectStore store = orDie(ProjectStore::open(largeProject(), OpenMode::ReadOnly));
    for (auto _ : state)
        benchmark::DoNotOptimize(orDie(store.trials()));
}

void readOneTrial(benchmark::State& state)
{
    const ProjectStore store = orDie(ProjectStore::open(largeProject(), OpenMode::ReadOnly));
    for (auto _ : state)
        benchmark::DoNotOptimize(orDie(store.findTrial("gptq(bits=2,group_size=7000)")));
}

void pollDataVersion(benchmark::State& state)
{
    const ProjectStore store = orDie(ProjectStore::open(largeProject(), OpenMode::ReadOnly));
    for (auto _ : state)
        benchmark::DoNotOptimize(orDie(store.dataVersion()));
}

} // namespace

BENCHMARK(finishTrialSurvivingKill)->ArgName("layer_metrics")->Arg(0)->Arg(210)->UseRealTime();
BENCHMARK(finishTrialSurvivingPowerLoss)->ArgName("layer_metrics")->Arg(0)->UseRealTime();
BENCHMARK(fsyncOfTheDisk)->UseRealTime();
BENCHMARK(finishTrialsInBatches)
    ->ArgNames({"trials", "layer_metrics"})
    ->Args({1000, 0})
    ->Args({200, 210})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(readFrontCold)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(openLargeProject)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(readAllTrials)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(readOneTrial)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK(pollDataVersion)->Unit(benchmark::kMicrosecond)->UseRealTime();
