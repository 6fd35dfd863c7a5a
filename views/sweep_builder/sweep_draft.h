// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/sweep/sweep.h"
#include "views/sweep_builder/parameter_text.h"

#include <QList>
#include <QMap>
#include <QString>
#include <QStringList>

#include <optional>
#include <vector>

namespace paretoscope::views {

/// A stage as it is being typed: texts of the parameters that differ from the default; "2, 3, 4" are several values,
/// {from: 2, to: 8} a range (parameter_text.h).
struct StageDraft
{
    QString plugin; ///< full id
    QMap<QString, QString> values;
    /// Of the parameters with several values, as a file had them: conditions look at what stands above, and which
    /// points a driver draws depends on it.
    QStringList order {};
    bool operator==(const StageDraft&) const = default;
};

/// No stage = the baseline.
struct PipelineDraft
{
    QList<StageDraft> stages;
    bool operator==(const PipelineDraft&) const = default;
};

/// What the sweep builder edits. A plain value: undo keeps whole copies.
struct SweepDraft
{
    QString name;
    QString model;
    QString calibrationCorpus; ///< empty: no calibration
    int calibrationSamples = 32;
    int calibrationLength = 512;
    core::Json otherCalibration = core::Json::object(); ///< options without a field; kept as they were read
    QString evaluationCorpus;
    int evaluationLength = 512;
    int evaluationWindows = 32; ///< 0 = all
    core::Json otherEvaluation = core::Json::object();
    /// What else the sweep measures, as [{metric: options}]; the form keeps it as it was read.
    core::Json otherMetrics = core::Json::array();
    QList<PipelineDraft> pipelines {PipelineDraft {}};
    core::Json driver = {{"grid", core::Json::object()}}; ///< with its options, which may be wrong while they are typed
    QStringList objectives {QStringLiteral("perplexity"), QStringLiteral("stored_bytes")};
    QString seeds = QStringLiteral("0"); ///< "0, 1, 2"
    bool operator==(const SweepDraft&) const = default;
};

/// Where a sweep went wrong, so that the form can point there.
struct DraftProblem
{
    enum class Place
    {
        Workload,
        Pipeline,
        Driver, ///< or objectives, or seeds
        Elsewhere
    };
    Place place = Place::Elsewhere;
    int pipeline = -1;
    core::Error error; ///< without line numbers: nobody sees the text
};

struct CheckedDraft
{
    std::optional<core::Sweep> sweep; ///< when nothing is wrong
    std::optional<DraftProblem> problem;
};

/// Reads the draft as the batch program would read the file it becomes.
CheckedDraft checkDraft(const SweepDraft& draft, const core::PluginCatalogue& plugins);

/// A draft of a sweep read from a file, which gives the same trials again; runs of pipelines that form a grid become
/// one entry again.
SweepDraft draftOf(const core::Sweep& sweep, const core::PluginCatalogue& plugins);

} // namespace paretoscope::views
