// SPDX-License-Identifier: Apache-2.0
// What a coordinator costs, with scripted workers that compute nothing; prints one JSON document.
//   bench_coordinator [TRIALS [WORKERS EVENTS_PER_SECOND SECONDS]]
// `overhead`: a sweep of that many trials which take no time, on two workers. `events`: workers that send that many
// messages a second together, a third of each kind that a busy worker sends; then the same again, cancelled in the
// middle.
#include "tests/jobs/sweep_fixture.h"

#include "jobs/worker_pool.h"

#include <QCoreApplication>
#include <QElapsedTimer>
#include <QEventLoop>
#include <QTemporaryDir>
#include <QTimer>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <thread>

#include <sys/resource.h>
#include <unistd.h>

using namespace paretoscope;
using core::Json;

namespace {

/// Seconds of processor time: of this process, or of those it has waited for.
double cpuSeconds(int who)
{
    rusage usage {};
    ::getrusage(who, &usage);
    const auto seconds = [](const timeval& time) { return double(time.tv_sec) + double(time.tv_usec) * 1e-6; };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::int64_t residentBytes()
{
    std::int64_t total = 0;
    std::int64_t resident = 0;
    std::ifstream("/proc/self/statm") >> total >> resident;
    return resident * ::sysconf(_SC_PAGESIZE);
}

double loadOfTheMachine()
{
    double load = 0;
    std::ifstream("/proc/loadavg") >> load;
    return load;
}

[[noreturn]] void die(const std::string& why)
{
    std::cerr << why << '\n';
    std::exit(1);
}

/// Times and memory of this process from the making of the object on.
class Meter
{
public:
    Meter()
    {
        m_clock.start();
        m_watch.callOnTimeout([this] {
            m_longestPause = std::max(m_longestPause, double(m_sinceWatch.restart()) - m_watch.interval());
            m_peak = std::max(m_peak, residentBytes());
        });
        m_sinceWatch.start();
        m_watch.start(10);
    }
    double seconds() const { return double(m_clock.nsecsElapsed()) * 1e-9; }
    double cpu() const { return cpuSeconds(RUSAGE_SELF) - m_cpu; }
    std::int64_t growth() const { return m_peak - m_resident; }
    double longestPauseSeconds() const { return m_longestPause / 1000; } ///< in which the event loop did not turn

private:
    QElapsedTimer m_clock;
    QElapsedTimer m_sinceWatch;
    QTimer m_watch;
    double m_cpu = cpuSeconds(RUSAGE_SELF);
    std::int64_t m_resident = residentBytes();
    std::int64_t m_peak = m_resident;
    double m_longestPause = 0; ///< milliseconds
};

Json overhead(int trials)
{
    const QTemporaryDir folder;
    const std::filesystem::path project = folder.filePath(QStringLiteral("p.pscope")).toStdString();
    auto store = core::ProjectStore::open(project, core::OpenMode::Create);
    if (!store.ok())
        die(store.error().sentence());
    jobs::SweepOptions options = tests::quickOptions(2);
    options.timings = {};
    Meter preparing;
    jobs::SweepRunner runner(tests::plainSweep(trials - 1), std::move(store).value(), options);
    if (const auto status = runner.prepare(); !status.ok())
        die(status.error().sentence());
    const double prepareSeconds = preparing.seconds();
    QEventLoop loop;
    jobs::SweepSummary summary;
    QObject::connect(&runner, &jobs::SweepRunner::finished, &loop, [&](const jobs::SweepSummary& its) {
        summary = its;
        loop.quit();
    });
    Meter meter;
    const double workersBefore = cpuSeconds(RUSAGE_CHILDREN);
    runner.start();
    loop.exec();
    if (summary.done != trials)
        die("only " + std::to_string(summary.done) + " trials were done");
    const double milliseconds = 1000.0 / trials;
    return {{"trials", trials},
            {"workers", 2},
            {"prepare_seconds", prepareSeconds},
            {"wall_seconds", meter.seconds()},
            {"milliseconds_per_trial", meter.seconds() * milliseconds},
            {"coordinator_cpu_milliseconds_per_trial", meter.cpu() * milliseconds},
            {"workers_cpu_milliseconds_per_trial",
             (cpuSeconds(RUSAGE_CHILDREN) - workersBefore) * milliseconds}, // with the start of two processes
            {"longest_pause_seconds", meter.longestPauseSeconds()},
            {"memory_growth_bytes", meter.growth()}};
}

/// A pool whose workers all have one task each, of which it waits for the end.
class Flood
{
public:
    explicit Flood(int workers)
        : m_workers(workers)
        , m_pool(settings(), {"cpu"}, workers)
    {
        QObject::connect(&m_pool, &jobs::WorkerPool::workerIdle, &m_loop, [this](int) { count(); });
        QObject::connect(&m_pool, &jobs::WorkerPool::taskProgressed, &m_loop,
                         [this](int, const QString&, int, int) { ++m_progressed; });
        QObject::connect(&m_pool, &jobs::WorkerPool::workerLost, &m_loop,
                         [](int, const jobs::WorkerLoss& loss, bool) { die(loss.error.sentence()); });
        if (const auto status = m_pool.start(workers); !status.ok())
            die(status.error().sentence());
        wait();
    }

    void begin(std::int64_t count, int milliseconds)
    {
        m_progressed = 0;
        for (int worker = 0; worker < m_workers; ++worker)
            m_pool.run(worker, "evaluate", {{"do", "events"}, {"count", count}, {"ms", milliseconds}});
    }
    void cancelAfter(int milliseconds)
    {
        QTimer::singleShot(milliseconds, &m_loop, [this] {
            m_sinceCancel.start();
            m_pool.cancelTasks();
        });
    }
    /// Until every worker is idle.
    void wait() { m_loop.exec(); }
    double secondsSinceCancel() const { return double(m_sinceCancel.nsecsElapsed()) * 1e-9; }
    std::int64_t progressed() const { return m_progressed; }

private:
    static jobs::WorkerSettings settings()
    {
        jobs::WorkerSettings settings;
        settings.program = PARETOSCOPE_FAKE_WORKER;
        settings.cache = "/nonexistent";
        return settings;
    }
    void count()
    {
        if (++m_idle < m_workers)
            return;
        m_idle = 0;
        m_loop.quit();
    }

    int m_workers;
    QEventLoop m_loop;
    jobs::WorkerPool m_pool;
    QElapsedTimer m_sinceCancel;
    int m_idle = 0;
    std::int64_t m_progressed = 0;
};

Json events(int workers, std::int64_t perSecond, int seconds)
{
    constexpr int kKinds = 3;
    const std::int64_t each = perSecond * seconds / workers / kKinds * kKinds;
    Flood flood(workers);
    flood.begin(each / seconds, 1000); // buffers and allocator are warm
    flood.wait();

    Meter meter;
    flood.begin(each, seconds * 1000);
    flood.wait();
    const double wall = meter.seconds();
    const double cpu = meter.cpu();
    const std::int64_t expected = (each / kKinds + 1) * workers; // and the one with which each task begins
    if (flood.progressed() != expected)
        die("of " + std::to_string(expected) + " progress messages " + std::to_string(flood.progressed()) + " arrived");

    flood.begin(each, seconds * 1000);
    flood.cancelAfter(seconds * 500);
    flood.wait();
    const auto total = double(each * workers);
    return {{"workers", workers},
            {"events", each * workers},
            {"wanted_per_second", perSecond},
            {"per_second", total / wall},
            {"late_seconds", wall - seconds}, // behind the time table at the end
            {"coordinator_cpu_share", cpu / wall},
            {"coordinator_cpu_microseconds_per_event", cpu / total * 1e6},
            {"longest_pause_seconds", meter.longestPauseSeconds()},
            {"memory_growth_bytes", meter.growth()},
            {"cancel_seconds", flood.secondsSinceCancel()}};
}

} // namespace

int main(int argc, char** argv)
{
    const QCoreApplication application(argc, argv);
    const auto argument = [&](int index, int otherwise) { return argc > index ? std::atoi(argv[index]) : otherwise; };
    const double load = loadOfTheMachine();
    const Json document {
        {"schema", "paretoscope.bench/1"},
        {"cores", std::thread::hardware_concurrency()},
        {"load_before", load},
        {"overhead", overhead(argument(1, 1000))},
        {"events", events(std::max(1, argument(2, 8)), argument(3, 100'000), std::max(1, argument(4, 10)))}};
    std::cout << document.dump(1) << '\n';
    return 0;
}
