// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/roofline/roofline_session.h"

#include <QAbstractTableModel>

namespace paretoscope::views {

/// The operations of the session's analysis, one a row, in the order of the pass.
class OperationTableModel : public QAbstractTableModel
{
    Q_OBJECT

public:
    enum Role
    {
        SortRole = Qt::UserRole,
        ExactRole ///< text in base units and full precision
    };

    explicit OperationTableModel(const RooflineSession& session, QObject* parent = nullptr);

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;
    QString columnId(int column) const; ///< "time_s"

private:
    void takeAnalysis();

    const RooflineSession& m_session;
    RooflineAnalysisPtr m_analysis;
};

} // namespace paretoscope::views
