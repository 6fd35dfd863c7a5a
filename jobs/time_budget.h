// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

namespace paretoscope::jobs {

/// Decides whether another trial still fits into the time limit of a sweep. Times in seconds.
class TimeBudget
{
public:
    TimeBudget() = default;
    explicit TimeBudget(std::optional<double> limit)
        : m_limit(limit)
    {}

    /// How long a trial took; those of earlier runs serve until this one has its own.
    void addEarlier(double seconds) { m_earlier.add(seconds); }
    void addFinished(double seconds) { m_finished.add(seconds); }

    /// Whether a trial started now is expected to end in time; yes when nothing is known about trials yet.
    bool allowsAnother(double elapsed) const
    {
        if (!m_limit)
            return true;
        return elapsed < *m_limit && elapsed + expected() <= *m_limit;
    }
    /// Of one trial; 0 when nothing is known.
    double expected() const { return m_finished.count > 0 ? m_finished.mean() : m_earlier.mean(); }

private:
    struct Sum
    {
        double seconds = 0;
        int count = 0;
        void add(double value)
        {
            seconds += value;
            ++count;
        }
        double mean() const { return count > 0 ? seconds / count : 0; }
    };

    std::optional<double> m_limit;
    Sum m_earlier;
    Sum m_finished;
};

} // namespace paretoscope::jobs
