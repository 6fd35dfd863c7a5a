// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/progress/progress_reporter.h"

#include "app/format/time.h"

namespace paretoscope::app {

namespace {

constexpr double kRedrawSeconds = 0.1;
constexpr double kPlainSeconds = 60;
constexpr int kPlainSteps = 10; ///< lines per whole
constexpr double kJsonSeconds = 1;

class NoProgress : public ProgressReporter
{
public:
    void update(const ProgressState&) override {}
    void finish(const ProgressState&) override {}
};

class ProgressBar : public ProgressReporter
{
public:
    explicit ProgressBar(Console& console)
        : m_console(console)
    {}
    void update(const ProgressState& state) override
    {
        if (m_shown && state.elapsedSeconds - m_lastSeconds < kRedrawSeconds)
            return;
        m_shown = true;
        m_lastSeconds = state.elapsedSeconds;
        // The last column stays free: some terminals wrap when it is written.
        m_console.showStatus(barLine(state, m_console.errStream().width - 1));
    }
    void finish(const ProgressState&) override { m_console.showStatus({}); }

private:
    Console& m_console;
    bool m_shown = false;
    double m_lastSeconds = 0;
};

class PlainProgress : public ProgressReporter
{
public:
    explicit PlainProgress(Console& console)
        : m_console(console)
    {}
    void update(const ProgressState& state) override
    {
        const int step = static_cast<int>(state.fraction() * kPlainSteps);
        if (m_step < 0)
            m_step = step; // what was there before needs no line
        if (step <= m_step && state.elapsedSeconds - m_lastSeconds < kPlainSeconds)
            return;
        m_step = step;
        m_lastSeconds = state.elapsedSeconds;
        m_console.note(plainLine(state));
    }
    void finish(const ProgressState&) override {}

private:
    Console& m_console;
    int m_step = -1;
    double m_lastSeconds = 0;
};

class JsonProgress : public ProgressReporter
{
public:
    explicit JsonProgress(Console& console)
        : m_console(console)
    {}
    void update(const ProgressState& state) override
    {
        if (state.done == m_done && state.elapsedSeconds - m_lastSeconds < kJsonSeconds)
            return;
        write(state);
    }
    void finish(const ProgressState& state) override { write(state); }

private:
    void write(const ProgressState& state)
    {
        m_done = state.done;
        m_lastSeconds = state.elapsedSeconds;
        core::Json active = core::Json::array();
        for (const ActiveItem& item : state.active)
            active.push_back(
                {{"pipeline", item.label}, {"phase", item.phase}, {"done", item.done}, {"total", item.total}});
        const auto remaining = state.remainingSeconds();
        const core::Json line {{"schema", "paretoscope.progress/1"},
                               {"time", utcNow()},
                               {"total", state.total},
                               {"done", state.done},
                               {"skipped", state.skipped},
                               {"failed", state.failed},
                               {"fraction", state.fraction()},
                               {"elapsed_seconds", state.elapsedSeconds},
                               {"remaining_seconds", remaining ? core::Json(*remaining) : core::Json(nullptr)},
                               {"active", active}};
        m_console.log(line.dump(-1, ' ', false, core::Json::error_handler_t::replace) + '\n');
    }

    Console& m_console;
    int m_done = -1;
    double m_lastSeconds = 0;
};

} // namespace

std::unique_ptr<ProgressReporter> makeProgressReporter(const std::string& mode, Console& console)
{
    if (mode == "none" || (mode == "auto" && console.verbosity() < 0))
        return std::make_unique<NoProgress>();
    if (mode == "json")
        return std::make_unique<JsonProgress>(console);
    if (mode != "plain" && console.errStream().canRedraw)
        return std::make_unique<ProgressBar>(console);
    return std::make_unique<PlainProgress>(console);
}

} // namespace paretoscope::app
