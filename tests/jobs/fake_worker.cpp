// SPDX-License-Identifier: Apache-2.0
// A worker without an engine: the real session, with tasks that do what the test asks for. What a trial does stands in
// the parameters of its first stage, what an evaluation does in its request:
//   do     finish (default), slow, deaf, fail, throw, abort, segv, exit, kill, stop, hang, print, rubbish, torn, huge,
//          flood, big, orphan, leak, events, allocate, unplug
//   ms     how long it takes (finish, slow, deaf, events)
//   code   error code (fail), exit status (exit), kind (throw: bad_alloc, runtime_error, int)
//   count  of messages in that time, unless cancelled before (events)
//   bytes  of the card (allocate); half of it does after an attempt that failed
//   once   a file: `do` happens only while it does not exist; it is made first
//   log    lines to write to stderr first
// PARETOSCOPE_FAKE misbehaves before `hello`: exit, abort, silent, rubbish, version, refuse, late-exit.
// PARETOSCOPE_FAKE_FAULT="HOW NUMBER FOLDER" does HOW once more than its script says: in the trial that begins as the
// NUMBER-th (from 0) of all workers that share this folder.
// PARETOSCOPE_FAKE_CARDS is a folder with one file for each simulated card: its number, and its bytes as the content. A
// worker on a card that has no file cannot work; `unplug` removes the file of its own card and aborts.
#include "core/base/sha256.h"
#include "core/sweep/trial_exchange.h"
#include "jobs/protocol/channel.h"
#include "jobs/worker/session.h"
#include "jobs/worker/task_observer.h"
#include "jobs/worker/worker_log.h"
#include "tests/jobs/drawn_fault.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include <unistd.h>

namespace {

using namespace paretoscope;
using core::Error;
using core::ErrorCode;
using core::Json;
using jobs::textField;

int frames = -1; ///< the descriptor of the protocol, for tasks that break it

void writeRaw(std::string_view bytes)
{
    [[maybe_unused]] const ssize_t ignored = ::write(frames, bytes.data(), bytes.size());
}

/// The script of a task; empty when it has happened once already.
Json scriptOf(const Json& wanted)
{
    const std::string marker = textField(wanted, "once");
    if (marker.empty())
        return wanted;
    if (std::filesystem::exists(marker))
        return Json::object();
    std::ofstream(marker) << ::getpid();
    return wanted;
}

[[noreturn]] void sleepForever()
{
    for (;;)
        std::this_thread::sleep_for(std::chrono::seconds(1));
}

std::filesystem::path cardFile(const std::string& card)
{
    const char* cards = std::getenv("PARETOSCOPE_FAKE_CARDS");
    return std::filesystem::path(cards ? cards : "/nonexistent") / card;
}

/// Nothing when there is no such card.
std::optional<std::int64_t> memoryOfCard(const std::string& card)
{
    std::int64_t bytes = 0;
    if (std::ifstream file(cardFile(card)); file >> bytes)
        return bytes;
    return std::nullopt;
}

/// The card that this process is shown: the first of CUDA_VISIBLE_DEVICES.
std::optional<std::string> shownCard()
{
    const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
    if (!visible || !*visible)
        return std::nullopt;
    return std::string(visible).substr(0, std::string(visible).find(','));
}

/// The devices that `--describe` knows.
Json describedDevices()
{
    Json devices = Json::array({{{"id", "cpu"}, {"name", "fake"}}});
    for (int card = 0; const auto memory = memoryOfCard(std::to_string(card)); ++card)
        devices.push_back({{"id", "cuda:" + std::to_string(card)}, {"memory_bytes", *memory}});
    return devices;
}

core::Status work(std::int64_t milliseconds, bool listens, engine::TrialObserver& observer)
{
    const int steps = static_cast<int>(milliseconds / 5) + 1;
    for (int step = 0; step < steps; ++step) {
        if (listens && observer.isCancelled())
            return Error {ErrorCode::Cancelled, "cancelled in step " + std::to_string(step), ""};
        observer.progressed("apply", step, steps);
        if (milliseconds > 0)
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return core::success();
}

void endBadly(const std::string& how, const Json& script)
{
    if (how == "abort")
        std::abort();
    if (how == "segv") {
        std::signal(SIGSEGV, SIG_DFL); // a sanitizer would make an exit of it
        ::raise(SIGSEGV);
    }
    if (how == "exit")
        std::_Exit(static_cast<int>(jobs::integerField(script, "code", 3)));
    if (how == "kill")
        ::kill(::getpid(), SIGKILL);
    if (how == "stop") // not even heartbeats
        ::kill(::getpid(), SIGSTOP);
    if (how == "stop" || how == "hang") // the signal may reach another thread first
        sleepForever();
    if (how == "rubbish") {
        writeRaw("Loading weights: 12%\n");
        sleepForever();
    }
    if (how == "torn") {
        writeRaw(jobs::encodeFrame({"done", {{"task", 1}}}).substr(0, 15));
        std::_Exit(0);
    }
    if (how == "huge") {
        writeRaw(std::string_view("PSC1\xff\xff\xff\x7f", 8));
        sleepForever();
    }
    if (how == "orphan" && ::fork() == 0)
        sleepForever();
    if (how == "orphan")
        std::abort();
}

/// Memory that nobody gives back.
void leak()
{
    constexpr std::size_t kBytes = std::size_t(128) << 20;
    char* lost = new char[kBytes];
    std::fill_n(lost, kBytes, 'x');
    asm volatile("" : : "r"(lost) : "memory"); // it is used, as far as the compiler knows
}

void throwSomething(const std::string& kind)
{
    if (kind == "bad_alloc")
        throw std::bad_alloc();
    if (kind == "int")
        throw 42;
    throw std::runtime_error("index 7 is out of bounds");
}

/// Frames as a busy worker of another build might send them, not held back by anything, evenly over the time.
void sendEvents(const Json& script, engine::TrialObserver& observer)
{
    using Clock = std::chrono::steady_clock;
    const int task = dynamic_cast<const jobs::TaskObserver&>(observer).task();
    const std::string frame =
        jobs::encodeFrame({"progress", {{"task", task}, {"phase", "compress"}, {"done", 7}, {"total", 30}}}) +
        jobs::encodeFrame({"layer",
                           {{"task", task},
                            {"layer", 7},
                            {"record", {{"module", "model.layers.7.mlp.down_proj"}, {"error", 0.015625}}}}}) +
        jobs::encodeFrame({"metric", {{"task", task}, {"record", {{"name", "perplexity"}, {"value", 17.25}}}}});
    constexpr std::int64_t kFrames = 3;
    const std::int64_t count = jobs::integerField(script, "count") / kFrames;
    const auto whole = std::chrono::milliseconds(jobs::integerField(script, "ms"));
    const Clock::time_point start = Clock::now();
    for (std::int64_t sent = 0; sent < count && !observer.isCancelled(); ++sent) {
        std::this_thread::sleep_until(start + whole * sent / count);
        writeRaw(frame); // shorter than PIPE_BUF: as a whole, whatever the heartbeat does
    }
}

core::Status act(const Json& script, engine::TrialObserver& observer)
{
    for (std::int64_t line = 0; line < jobs::integerField(script, "log"); ++line)
        std::cerr << "line " << line << '\n';
    observer.progressed("load", 1, 2);
    const std::string how = textField(script, "do");
    if (how == "print")
        std::cout << "a library prints to standard output\n" << std::flush;
    if (how == "flood") {
        for (int i = 0; i < 60'000; ++i)
            observer.progressed("apply" + std::to_string(i % 2), i, 60'000);
    }
    if (how == "events") {
        sendEvents(script, observer);
        return observer.isCancelled() ? core::Status(Error {ErrorCode::Cancelled, "cancelled", ""}) : core::success();
    }
    if (how == "leak")
        leak();
    if (how == "throw")
        throwSomething(textField(script, "code"));
    if (how == "fail")
        return Error {core::errorCodeFromName(textField(script, "code")), "layer 3: it went wrong",
                      "try something else"};
    endBadly(how, script);
    return work(jobs::integerField(script, "ms"), how != "deaf", observer);
}

class ScriptedRunner : public jobs::TaskRunner
{
public:
    explicit ScriptedRunner(jobs::Configuration configuration)
        : m_configuration(std::move(configuration))
    {}

    core::Result<Json> runTrial(const Json& request, engine::TrialObserver& observer) override
    {
        const Json& pipeline = request.at("pipeline");
        const Json parameters = pipeline.empty() ? Json::object() : pipeline.at(0).at("parameters");
        if (const std::string fault = tests::drawnFault("PARETOSCOPE_FAKE_FAULT"); !fault.empty())
            PSC_TRY(act({{"do", fault}, {"code", fault == "fail" ? "OutOfMemory" : ""}}, observer));
        const Json script = scriptOf(parameters);
        PSC_TRY(useCard(script, request.value("attempt", 1)));
        PSC_TRY(act(script, observer));
        return outcomeOf(request);
    }

    core::Result<Json> evaluate(const Json& request, engine::TrialObserver& observer) override
    {
        const Json script = scriptOf(request);
        PSC_TRY(act(script, observer));
        if (textField(script, "do") == "big")
            return Json(std::string(jobs::kMaxFrameBytes, 'x'));
        return Json {{"echo", request}, {"threads", m_configuration.threads}, {"pid", ::getpid()}};
    }

    core::Result<Json> exportModel(const Json& request, engine::TrialObserver& observer) override
    {
        return evaluate(request, observer);
    }

    core::Result<Json> measure(const Json& request, engine::TrialObserver& observer) override
    {
        return evaluate(request, observer);
    }

    std::optional<std::int64_t> deviceBytes() const override
    {
        return shownCard() ? std::optional(m_allocated.load()) : std::nullopt;
    }

private:
    core::Status useCard(const Json& script, int attempt);
    core::Result<Json> outcomeOf(const Json& body) const;

    jobs::Configuration m_configuration;
    std::atomic<std::int64_t> m_allocated = 0; ///< of the card
};

core::Status ScriptedRunner::useCard(const Json& script, int attempt)
{
    const std::string how = textField(script, "do");
    if (how == "unplug" && shownCard()) {
        std::filesystem::remove(cardFile(*shownCard()));
        std::abort();
    }
    if (how != "allocate")
        return core::success();
    const std::int64_t bytes = jobs::integerField(script, "bytes") / (attempt > 1 ? 2 : 1);
    const std::int64_t memory = memoryOfCard(*shownCard()).value_or(0);
    if (bytes > memory)
        return Error {ErrorCode::OutOfMemory,
                      "layer 3: memory ran out: " + std::to_string(bytes) + " of " + std::to_string(memory) + " bytes",
                      "use a larger card"};
    m_allocated = bytes;
    return core::success();
}

/// Metrics that depend on nothing but the request, as those of the engine do.
core::Result<Json> ScriptedRunner::outcomeOf(const Json& body) const
{
    PSC_ASSIGN(const core::TrialRequest request, core::trialRequestFromJson(body));
    core::TrialOutcome outcome;
    const auto metric = [&](const std::string& name, const std::string& protocol) {
        core::MetricRecord record;
        record.name = name;
        record.value = core::sha256(request.id.hex() + name + protocol).bytes[0] + 0.125;
        record.protocol = protocol;
        record.device = m_configuration.device;
        record.dtype = "float32";
        record.threads = m_configuration.threads;
        record.details = Json::object();
        outcome.metrics.push_back(record);
    };
    for (const int index : request.measurements)
        metric(request.workload.evaluate.at(std::size_t(index)).name,
               request.identity.protocolIds.at(std::size_t(index)));
    metric("stored_bytes", "");
    outcome.layerMetrics.push_back({"model.layers.0.mlp.down_proj", 0, "relative_output_error", 0.5});
    outcome.seconds = 0.5;
    outcome.provenance = {{"threads", m_configuration.threads}, {"warnings", Json::array()}};
    return core::toJson(outcome);
}

core::Result<std::unique_ptr<jobs::TaskRunner>> makeRunner(const jobs::Configuration& configuration, jobs::Hello& hello)
{
    const char* fake = std::getenv("PARETOSCOPE_FAKE");
    const std::string how = fake ? fake : "";
    if (how == "exit") {
        std::cerr << "libexample.so.3: cannot open shared object file\n";
        std::_Exit(127);
    }
    if (how == "abort")
        std::abort();
    if (how == "silent")
        ::kill(::getpid(), SIGSTOP);
    if (how == "rubbish")
        writeRaw("Segmentation imminent\n");
    if (how == "version")
        hello.protocol = 99;
    if (how == "refuse")
        return Error {ErrorCode::Unsupported, "this machine has no AVX2", "use another machine"};
    if (how == "late-exit")
        std::thread([] {
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
            std::_Exit(9);
        }).detach();
    if (configuration.device.starts_with("cuda:") && !memoryOfCard(shownCard().value_or("none")))
        return Error {ErrorCode::NotFound, "the card that this worker is to use is not there (any more)",
                      "look at the cables"};
    hello.libtorch = "none";
    hello.plugins = {"fake/stage"};
    hello.description = {{"build", "fake"}, {"card", shownCard().value_or("")}};
    return std::unique_ptr<jobs::TaskRunner>(std::make_unique<ScriptedRunner>(configuration));
}

} // namespace

int main(int argc, char** argv)
{
    jobs::startLog("info");
    const jobs::ProtocolStreams streams = jobs::takeStandardStreams();
    frames = streams.output;
    if (argc > 1 && std::string(argv[1]) == "--describe") {
        const char* fake = std::getenv("PARETOSCOPE_FAKE");
        if (fake && std::string(fake) == "exit") {
            std::cerr << "libexample.so.3: cannot open shared object file\n";
            return 127;
        }
        if (fake && std::string(fake) == "silent")
            sleepForever();
        writeRaw(fake && std::string(fake) == "rubbish"
                     ? "no json"
                     : Json {{"libtorch", "none"}, {"devices", describedDevices()}}.dump() + '\n');
        return 0;
    }
    return jobs::runSession(streams, jobs::followCoordinator(), makeRunner);
}
