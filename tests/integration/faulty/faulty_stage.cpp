// SPDX-License-Identifier: Apache-2.0
// A stage that changes nothing. PARETOSCOPE_TEST_FAULT="HOW NUMBER FOLDER" makes it misbehave in its NUMBER-th
// application (from 0) among all workers that share this folder: abort, segv, exit, hang, throw, throw-int, print,
// leak, fork.
#include "core/engine/plugin/plugin_api.h"
#include "tests/jobs/drawn_fault.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>

#include <unistd.h>

namespace {

using namespace paretoscope;
using namespace paretoscope::engine;

void print()
{
    std::cout << "Loading weights: 12%\n" << std::flush;
    std::puts("PSC1");
    [[maybe_unused]] const ssize_t ignored = ::write(STDOUT_FILENO, "PSC1\xff\xff\xff\xff", 8);
}

void leak()
{
    constexpr std::size_t kBytes = std::size_t(128) << 20;
    char* lost = new char[kBytes];
    std::fill_n(lost, kBytes, 'x');
    asm volatile("" : : "r"(lost) : "memory"); // it is used, as far as the compiler knows
}

[[noreturn]] void hang()
{
    for (;;)
        ::pause();
}

void misbehave(const std::string& how)
{
    if (how == "hang" || (how == "fork" && ::fork() == 0))
        hang();
    if (how == "abort" || how == "fork")
        std::abort();
    if (how == "segv") {
        std::signal(SIGSEGV, SIG_DFL); // a sanitizer would make an exit of it
        ::raise(SIGSEGV);
    }
    if (how == "exit")
        std::_Exit(0);
    if (how == "throw")
        throw std::out_of_range("index 7 is out of bounds");
    if (how == "throw-int")
        throw 42;
    if (how == "print")
        print();
    if (how == "leak")
        leak();
}

class FaultyStage : public Stage
{
public:
    core::Status validate(const ModelView&) const override { return core::success(); }

    core::Result<StagePlan> prepare(const ModelView& model) override
    {
        StagePlan plan;
        plan.scope = StageScope::Model;
        for (std::size_t i = 0; i < model.units.size(); ++i)
            plan.targets.push_back(i);
        return plan;
    }

    core::Status apply(StageTask&) override
    {
        misbehave(tests::drawnFault("PARETOSCOPE_TEST_FAULT"));
        return core::success();
    }
};

core::Result<std::unique_ptr<Stage>> makeFaulty(const core::Json&)
{
    return std::unique_ptr<Stage>(std::make_unique<FaultyStage>());
}

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeStage = &makeFaulty})
