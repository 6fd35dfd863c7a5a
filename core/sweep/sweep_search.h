// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/records.h"
#include "core/search/driver_kind.h"
#include "core/sweep/sweep.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace paretoscope::core {

/// Fills in what the driver of a sweep needs beside the entries: rungs of successive halving, with their measurements
/// in workload.evaluate. Errors: InvalidArgument (nothing to choose; more trials, dimensions or other objectives than
/// this driver can have).
Status prepareDriver(Sweep& sweep);

/// What `Sweep::pipelines` holds.
std::vector<Pipeline> firstPipelines(const Sweep& sweep);

/// The batches of an adaptive sweep, one after the other. The state of a search is what was measured: a new object that
/// is told the recorded trials goes on where the last one stopped. Refers to sweep and identity.
class SweepSearch
{
public:
    using Records = std::map<TrialId, const TrialRecord*>;

    /// @param arithmetic  whose measurements count
    SweepSearch(const Sweep& sweep, const WorkloadIdentity& identity, std::string arithmetic);

    /// The trials of the next batch, each once, with what is to be measured of them. Empty: the search is over.
    std::vector<PlannedTrial> ask();
    /// What became of them; one that is missing, or lacks a value, counts as failed.
    void tell(const Records& records);

private:
    struct Asked
    {
        TrialId id;
        int rung = 0;
    };

    SearchResult resultOf(const Asked& asked, const Records& records) const;
    std::optional<double> valueOf(const TrialRecord& record, const std::string& number, int rung) const;

    const Sweep& m_sweep;
    const WorkloadIdentity& m_identity;
    std::string m_arithmetic;
    SweepSpace m_space;
    std::unique_ptr<SearchDriver> m_driver;
    std::vector<Asked> m_batch; ///< parallel to the candidates
};

} // namespace paretoscope::core
