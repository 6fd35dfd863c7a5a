// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/table/frozen_table_view.h"

#include <QHeaderView>
#include <QScrollBar>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

FrozenTableView::FrozenTableView(QWidget* parent)
    : QTableView(parent)
    , m_frozen(new QTableView(this))
{
    setHorizontalScrollMode(ScrollPerPixel);
    m_frozen->setObjectName(u"frozenColumn"_s);
    m_frozen->setAccessibleName(tr("First column"));
    m_frozen->setFocusPolicy(Qt::NoFocus);
    m_frozen->setFrameShape(QFrame::NoFrame);
    m_frozen->verticalHeader()->hide();
    m_frozen->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_frozen->setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_frozen->setAttribute(Qt::WA_TransparentForMouseEvents); // the table below gets every click
    m_frozen->hide();
    connect(horizontalHeader(), &QHeaderView::sectionResized, this, [this] { updateFrozen(); });
    connect(horizontalHeader(), &QHeaderView::sectionMoved, this, [this] { updateFrozen(); });
    connect(horizontalHeader(), &QHeaderView::sortIndicatorChanged, this, [this](int section, Qt::SortOrder order) {
        m_frozen->horizontalHeader()->setSortIndicatorShown(section == 0);
        m_frozen->horizontalHeader()->setSortIndicator(section, order);
    });
}

void FrozenTableView::setModel(QAbstractItemModel* model)
{
    QTableView::setModel(model);
    m_frozen->setModel(model);
    connect(model, &QAbstractItemModel::columnsInserted, this, [this] { updateFrozen(); });
    connect(model, &QAbstractItemModel::modelReset, this, [this] { updateFrozen(); });
    updateFrozen();
}

void FrozenTableView::setSelectionModel(QItemSelectionModel* selectionModel)
{
    QTableView::setSelectionModel(selectionModel);
    if (m_frozen->model() == selectionModel->model())
        m_frozen->setSelectionModel(selectionModel);
}

void FrozenTableView::setFirstColumnFrozen(bool frozen)
{
    m_frozenWanted = frozen;
    updateFrozen();
}

void FrozenTableView::resizeEvent(QResizeEvent* event)
{
    QTableView::resizeEvent(event);
    updateFrozen();
}

void FrozenTableView::scrollContentsBy(int dx, int dy)
{
    QTableView::scrollContentsBy(dx, dy);
    updateFrozen();
}

void FrozenTableView::updateFrozen()
{
    const bool scrolled = horizontalScrollBar()->value() > 0;
    const bool shown = m_frozenWanted && scrolled && model() && model()->columnCount() > 1 && !isColumnHidden(0) &&
                       horizontalHeader()->visualIndex(0) == 0;
    if (!shown) {
        m_frozen->hide();
        return;
    }
    if (m_frozen->selectionModel() != selectionModel())
        m_frozen->setSelectionModel(selectionModel());
    for (int column = 1; column < model()->columnCount(); ++column)
        m_frozen->setColumnHidden(column, true);
    m_frozen->setItemDelegate(itemDelegate());
    m_frozen->setAlternatingRowColors(alternatingRowColors());
    m_frozen->setShowGrid(showGrid());
    m_frozen->setSelectionBehavior(selectionBehavior());
    m_frozen->setColumnWidth(0, columnWidth(0));
    m_frozen->verticalHeader()->setMinimumSectionSize(1);
    m_frozen->verticalHeader()->setDefaultSectionSize(verticalHeader()->defaultSectionSize());
    m_frozen->horizontalHeader()->setFixedHeight(horizontalHeader()->height());
    m_frozen->horizontalHeader()->setDefaultAlignment(horizontalHeader()->defaultAlignment());
    m_frozen->setGeometry(verticalHeader()->isVisible() ? verticalHeader()->width() + frameWidth() : frameWidth(),
                          frameWidth(), columnWidth(0), viewport()->height() + horizontalHeader()->height());
    m_frozen->show();
    m_frozen->raise();
    m_frozen->verticalScrollBar()->setValue(verticalScrollBar()->value());
}

} // namespace paretoscope::views
