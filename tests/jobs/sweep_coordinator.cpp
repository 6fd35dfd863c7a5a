// SPDX-License-Identifier: Apache-2.0
// A coordinator for tests that kill it: runs a scripted sweep and prints the id of each trial it reports as finished.
//   sweep_coordinator PROJECT WORKERS TRIALS MILLISECONDS [STALL]
// With STALL, the milliseconds after which a task without progress counts as hanging, failed trials are tried again.
#include "tests/jobs/sweep_fixture.h"

#include <QCoreApplication>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>

using namespace paretoscope;

int main(int argc, char** argv)
{
    const QCoreApplication application(argc, argv);
    if (argc != 5 && argc != 6)
        return 2;
    auto store = core::ProjectStore::open(argv[1], core::OpenMode::Create);
    if (!store.ok()) {
        std::cerr << store.error().sentence() << '\n';
        return 5;
    }
    jobs::SweepOptions options = tests::quickOptions(std::atoi(argv[2]));
    if (argc == 6) {
        options.timings.stall = std::chrono::milliseconds(std::atoi(argv[5]));
        options.retry = jobs::RetryPolicy::Failed;
    }
    jobs::SweepRunner runner(tests::plainSweep(std::atoi(argv[3]), std::atoi(argv[4])), std::move(store).value(),
                             options);
    QObject::connect(&runner, &jobs::SweepRunner::trialFinished, &runner, [](const core::TrialRecord& trial) {
        if (trial.status == core::TrialStatus::Done)
            std::cout << trial.id.hex() << std::endl; // flushed: the test counts on it
    });
    QObject::connect(&runner, &jobs::SweepRunner::finished, &runner, [](const jobs::SweepSummary& summary) {
        QCoreApplication::exit(summary.error || summary.failed > 0 ? 3 : 0);
    });
    if (const auto status = runner.prepare(); !status.ok()) {
        std::cerr << status.error().sentence() << '\n';
        return 4;
    }
    runner.start();
    return QCoreApplication::exec();
}
