// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QTableView>

namespace paretoscope::views {

/// A table whose first column can stay in sight while the others scroll sideways.
class FrozenTableView : public QTableView
{
    Q_OBJECT

public:
    explicit FrozenTableView(QWidget* parent = nullptr);

    void setModel(QAbstractItemModel* model) override;
    void setSelectionModel(QItemSelectionModel* selectionModel) override;
    void setFirstColumnFrozen(bool frozen);
    bool isFirstColumnFrozen() const { return m_frozenWanted; }

protected:
    void resizeEvent(QResizeEvent* event) override;
    void scrollContentsBy(int dx, int dy) override;

private:
    void updateFrozen();

    QTableView* m_frozen;
    bool m_frozenWanted = true;
};

} // namespace paretoscope::views
