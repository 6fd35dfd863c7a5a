// SPDX-License-Identifier: Apache-2.0
#include "core/engine/trial_runner.h"
#include "jobs/worker/engine_task_runner.h"
#include "jobs/worker/session.h"
#include "jobs/worker/worker_log.h"

#include <CLI/CLI.hpp>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include <unistd.h>

namespace {

using namespace paretoscope;

/// Results go to the real stdout, also when a library prints while it is loaded.
int printDescription(const jobs::ProtocolStreams& streams)
{
    const auto description =
        jobs::guarded([]() -> core::Result<core::Json> { return engine::TrialRunner::describeBuild(); });
    if (!description.ok()) {
        spdlog::error("cannot describe message=\"{}\"", description.error().sentence());
        return 1;
    }
    const std::string text = description.value().dump(2, ' ', false, core::Json::error_handler_t::replace) + '\n';
    return ::write(streams.output, text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1;
}

} // namespace

int main(int argc, char** argv)
{
    CLI::App options(
        "Computes trials for paretoscope, which starts this program and talks with it over its standard\n"
        "streams (framed JSON; stdout is the protocol, the log goes to stderr). Not meant to be run by hand.",
        "paretoscope-worker");
    bool describe = false;
    std::string logLevel = "info";
    options.set_version_flag("--version", std::string("paretoscope-worker ") + PARETOSCOPE_VERSION);
    options.add_flag("--describe", describe, "print build, versions and devices as JSON, and end");
    options.add_option("--log-level", logLevel, "how much to log")
        ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}))
        ->capture_default_str();
    try {
        options.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return options.exit(error) == 0 ? 0 : 2;
    }
    if (!describe && ::isatty(STDIN_FILENO)) {
        std::cerr << "paretoscope-worker is started by paretoscope and reads its messages from a pipe; "
                     "try --describe or --help\n";
        return 2;
    }
    jobs::startLog(logLevel);
    const jobs::ProtocolStreams streams = jobs::takeStandardStreams();
    if (describe)
        return printDescription(streams);
    // Nothing needs the static destructors of libtorch, which take their time.
    std::_Exit(jobs::runSession(streams, jobs::followCoordinator(), jobs::makeEngineTaskRunner));
}
