// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace paretoscope::engine {

class Stopwatch
{
public:
    double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - m_start).count(); }

private:
    std::chrono::steady_clock::time_point m_start = std::chrono::steady_clock::now();
};

} // namespace paretoscope::engine
