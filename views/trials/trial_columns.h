// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/format/format.h"
#include "views/snapshot/project_snapshot.h"

#include <QString>
#include <QVariant>

#include <span>
#include <vector>

namespace paretoscope::views {

/// How the values of a column are aligned, sorted and written.
enum class ColumnRole
{
    Text,
    Number,
    Time,
    Status
};

/// One column of the trials table that every project has.
struct TrialColumn
{
    const char* id;
    const char* title; ///< to be translated in context "TrialColumn"
    const char* doc;   ///< likewise
    const char* unit;
    ColumnRole role;
    bool shown;                                        ///< by default
    QVariant (*value)(const core::TrialRecord& trial); ///< what is sorted by; an invalid one is missing
};

std::span<const TrialColumn> leadingColumns();  ///< pipeline, status: before the metrics
std::span<const TrialColumn> trailingColumns(); ///< time, model, ... : after them

/// A column of the table as it stands: one of the above or one metric under one protocol.
struct TableColumn
{
    QString id;
    QString title;
    QString doc;
    QString unit;
    ColumnRole role = ColumnRole::Text;
    bool shown = true;
    const TrialColumn* fixed = nullptr; ///< null for a metric
    std::string metric;
    std::string protocol;
    format::ColumnStyle style; ///< of numbers; follows the values

    bool isNumeric() const { return role == ColumnRole::Number; }
    QVariant value(const core::TrialRecord& trial) const;
    QString text(const core::TrialRecord& trial) const;      ///< in the user's locale, aligned with the other rows
    QString exactText(const core::TrialRecord& trial) const; ///< base unit, C locale, for other programs
    QString header() const;                                  ///< with the unit of the style
    QString exactHeader() const;                             ///< with the base unit
};

/// All columns of a snapshot in order, numbers styled to its values.
std::vector<TableColumn> columnsOf(const ProjectSnapshot& snapshot);

QString statusText(core::TrialStatus status);

} // namespace paretoscope::views
