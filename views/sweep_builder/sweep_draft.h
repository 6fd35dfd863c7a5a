// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/sweep/sweep.h"

#include <QList>
#include <QMap>
#include <QString>

#include <optional>
#include <vector>

namespace paretoscope::views {

/// A stage as it is being typed: texts of the parameters that differ from the default; "2, 3, 4" is a grid.
struct StageDraft
{
    QString plugin; ///< full id
    QMap<QString, QString> values;
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
    QString evaluationCorpus;
    int evaluationLength = 512;
    int evaluationWindows = 32; ///< 0 = all
    /// What else the sweep measures, as [{metric: options}]; the form keeps it as it was read.
    core::Json otherMetrics = core::Json::array();
    QList<PipelineDraft> pipelines {PipelineDraft {}};
    bool operator==(const SweepDraft&) const = default;
};

/// The values a text stands for: "2, 3" are two of a number, texts need no quotes. A parameter that is a list itself
/// gets one value, the list.
std::vector<core::Json> valuesOf(const core::ParameterSpec& spec, const QString& text);
/// Reverse of valuesOf().
QString textOfValues(const core::ParameterSpec& spec, const std::vector<core::Json>& values);

/// What is wrong with the text of one parameter; empty: nothing.
QString problemOf(const core::PluginManifest& plugin, const core::ParameterSpec& spec, const QString& text);

/// Where a sweep went wrong, so that the form can point there.
struct DraftProblem
{
    enum class Place
    {
        Workload,
        Pipeline,
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

/// A draft of a sweep read from a file; runs of pipelines that form a grid become one entry again.
SweepDraft draftOf(const core::Sweep& sweep, const core::PluginCatalogue& plugins);

} // namespace paretoscope::views
