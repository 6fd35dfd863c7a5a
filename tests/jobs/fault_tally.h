// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QRandomGenerator>
#include <QtGlobal>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace paretoscope::tests {

/// What decides the moment of a fault and all else about it: PARETOSCOPE_FAULT_SEED (1 without) and its number.
inline QRandomGenerator chanceOfFault(int number)
{
    const int seed = qMax(1, qEnvironmentVariableIntValue("PARETOSCOPE_FAULT_SEED"));
    return QRandomGenerator(quint32(seed * 100'003 + number));
}

/// What came of the faults of one kind.
struct FaultTally
{
    std::string name;
    int faults = 0;
    int struck = 0;      ///< the sweep was still going on, or got that far
    int keptTrials = 0;  ///< reported by disturbed runs, and found again
    int lostWorkers = 0; ///< as the project tells
    qint64 longest = 0;  ///< of the disturbed runs, milliseconds
};

/// Prints the kinds that occurred as a table with a last line for all. @return that line
inline FaultTally printFaults(const std::vector<FaultTally>& tallies)
{
    const auto print = [](const FaultTally& tally) {
        std::printf("| %s | %d | %d | %d | %d | %.1f s |\n", tally.name.c_str(), tally.faults, tally.struck,
                    tally.keptTrials, tally.lostWorkers, double(tally.longest) / 1000);
    };
    std::printf("| fault | times | struck | trials kept | workers lost | longest run |\n|---|---|---|---|---|---|\n");
    FaultTally sum {.name = "all"};
    for (const FaultTally& tally : tallies) {
        if (tally.faults == 0)
            continue;
        print(tally);
        sum.faults += tally.faults;
        sum.struck += tally.struck;
        sum.keptTrials += tally.keptTrials;
        sum.lostWorkers += tally.lostWorkers;
        sum.longest = std::max(sum.longest, tally.longest);
    }
    print(sum);
    return sum;
}

} // namespace paretoscope::tests
