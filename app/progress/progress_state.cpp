// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/progress/progress_state.h"

#include "app/format/number.h"
#include "app/format/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace paretoscope::app {

namespace {

constexpr int kBarCells = 20;
constexpr int kNarrowWithoutBar = 60;
constexpr double kEnoughToExtrapolate = 0.02; ///< share of the work after which its pace means something

/// Where in a trial a phase usually begins and ends; evaluation dominates.
struct PhaseShare
{
    std::string_view phase;
    double begin, end;
};
constexpr std::array<PhaseShare, 5> kShares {
    {{"load", 0, 0.05}, {"wait", 0.05, 0.05}, {"external", 0.05, 0.4}, {"compress", 0.05, 0.4}, {"evaluate", 0.4, 1}}};

} // namespace

double ActiveItem::fraction() const
{
    const double within = total > 0 ? std::clamp(static_cast<double>(done) / total, 0.0, 1.0) : 0;
    for (const PhaseShare& share : kShares) {
        if (share.phase == phase)
            return share.begin + within * (share.end - share.begin);
    }
    return 0;
}

std::string ActiveItem::text() const
{
    std::string text = label.empty() ? phase : label + (phase.empty() ? "" : ": " + phase);
    if (total > 0)
        text += fmt::format(" {}/{}", done, total);
    return text;
}

double ProgressState::fraction() const
{
    if (total == 0) { // one thing: its own count, without the share of a phase
        const bool counted = !active.empty() && active.front().total > 0;
        return counted ? std::clamp(static_cast<double>(active.front().done) / active.front().total, 0.0, 1.0) : 0;
    }
    double sum = done;
    for (const ActiveItem& item : active)
        sum += item.fraction();
    return std::clamp(sum / total, 0.0, 1.0);
}

std::optional<double> ProgressState::remainingSeconds() const
{
    const double before = total > 0 ? static_cast<double>(skipped) / total : 0;
    const double gained = fraction() - before;
    if (gained < kEnoughToExtrapolate)
        return std::nullopt;
    return elapsedSeconds * (1 - fraction()) / gained;
}

std::string barLine(const ProgressState& state, int width)
{
    std::string head;
    if (width >= kNarrowWithoutBar) {
        const auto filled = static_cast<std::size_t>(state.fraction() * kBarCells);
        head = "[" + std::string(filled, '#') + std::string(kBarCells - filled, '.') + "] ";
    }
    if (state.total > 0)
        head += fmt::format("{}/{} ", state.done, state.total);
    if (state.failed > 0)
        head += fmt::format("({} failed) ", state.failed);
    std::string times = "  " + duration(state.elapsedSeconds);
    if (const auto remaining = state.remainingSeconds())
        times += ", " + duration(*remaining) + " left";
    std::string middle = state.active.empty() ? std::string() : printable(state.active.front().text());
    const std::string more = state.active.size() > 1 ? fmt::format(" +{}", state.active.size() - 1) : "";
    const std::size_t fixed = displayWidth(head) + displayWidth(times) + displayWidth(more);
    const auto room = static_cast<std::size_t>(std::max(0, width));
    if (fixed + 4 > room)
        return elided(head + times, room);
    return head + elided(middle, room - fixed) + more + times;
}

std::string plainLine(const ProgressState& state)
{
    std::string line;
    if (state.total > 0)
        line = fmt::format("{}/{} trials ({:.0f} %)", state.done, state.total, state.fraction() * 100);
    else if (!state.active.empty())
        line = printable(state.active.front().text());
    if (state.failed > 0)
        line += fmt::format(", {} failed", state.failed);
    line += ", " + duration(state.elapsedSeconds) + " elapsed";
    if (const auto remaining = state.remainingSeconds(); remaining && state.fraction() < 1)
        line += ", about " + duration(*remaining) + " left";
    return line;
}

} // namespace paretoscope::app
