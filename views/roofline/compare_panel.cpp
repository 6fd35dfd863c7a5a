// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/compare_panel.h"

#include "views/format/format.h"
#include "views/format/text.h"
#include "views/roofline/roofline_text.h"
#include "views/theme/theme.h"

#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QTableWidget>

#include <algorithm>
#include <cmath>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

QString shown(const ComparedValue& value, double number)
{
    return std::isfinite(number) ? valueText({value.quantity, {}, {}, number, value.unit}) : format::missing();
}

QString heading(QChar letter, const QString& model, const QString& device, const RooflineSetting& setting)
{
    return u"%1: %2, %3, %4; %5"_s.arg(letter).arg(model, device, modeText(setting.mode), settingText(setting));
}

} // namespace

std::vector<ComparedValue> compared(const RooflineAnalysis& a, const RooflineAnalysis& b)
{
    std::vector<ComparedValue> values;
    const auto place = [&](const QString& title, std::string_view quantity, std::string_view unit) -> ComparedValue& {
        const auto known =
            std::find_if(values.begin(), values.end(), [&](const ComparedValue& each) { return each.title == title; });
        if (known != values.end())
            return *known;
        return values.emplace_back(ComparedValue {title, std::string(quantity), std::string(unit)});
    };
    for (const roofline::Derivation& each : a.results)
        place(quantityText(each.quantity), each.quantity, each.unit).a = each.value;
    for (const roofline::Derivation& each : b.results)
        place(quantityText(each.quantity), each.quantity, each.unit).b = each.value;
    const auto add = [&](const AnalysedOperation& operation, double ComparedValue::*side) {
        const QString title = ComparePanel::tr("Time of %1").arg(toQString(operation.name));
        double& sum = place(title, "time", "s").*side;
        const double seconds = operation.count * operation.seconds;
        sum = std::isfinite(sum) ? sum + seconds : seconds;
    };
    for (const AnalysedOperation& operation : a.operations)
        add(operation, &ComparedValue::a);
    for (const AnalysedOperation& operation : b.operations)
        add(operation, &ComparedValue::b);
    return values;
}

ComparePanel::ComparePanel(RooflineSession& session, QWidget* parent)
    : QWidget(parent)
    , m_session(session)
    , m_heading(new QLabel(this))
    , m_pin(new QPushButton(tr("Keep this setting as A"), this))
    , m_unpin(new QPushButton(tr("Forget A"), this))
    , m_table(new QTableWidget(0, 4, this))
{
    setObjectName(u"rooflineCompare"_s);
    m_heading->setTextFormat(Qt::PlainText);
    m_heading->setWordWrap(true);
    m_heading->setObjectName(u"rooflineCompareHeading"_s);
    m_pin->setObjectName(u"rooflinePin"_s);
    m_pin->setToolTip(tr("Then change anything: what is shown is B"));
    m_unpin->setObjectName(u"rooflineUnpin"_s);
    m_table->setObjectName(u"rooflineCompareTable"_s);
    m_table->setAccessibleName(tr("Comparison of two settings"));
    m_table->setHorizontalHeaderLabels({tr("Result"), tr("A"), tr("B"), tr("B / A")});
    m_table->verticalHeader()->hide();
    m_table->verticalHeader()->setMinimumSectionSize(1);
    m_table->verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 8);
    m_table->horizontalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
    m_table->horizontalHeader()->setSectionResizeMode(0, QHeaderView::Stretch);
    m_table->setShowGrid(false);
    m_table->setAlternatingRowColors(true);
    m_table->setEditTriggers(QAbstractItemView::NoEditTriggers);
    m_table->setSelectionBehavior(QAbstractItemView::SelectRows);
    m_table->setTabKeyNavigation(false);
    m_table->setFrameShape(QFrame::NoFrame);
    auto* row = new QHBoxLayout;
    row->setContentsMargins(8, 6, 8, 4);
    row->addWidget(m_heading, 1);
    row->addWidget(m_pin);
    row->addWidget(m_unpin);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addLayout(row);
    column->addWidget(m_table, 1);
    connect(m_pin, &QPushButton::clicked, &m_session, &RooflineSession::pin);
    connect(m_unpin, &QPushButton::clicked, &m_session, &RooflineSession::unpin);
    connect(&m_session, &RooflineSession::changed, this, &ComparePanel::refresh);
    connect(&m_session, &RooflineSession::pinnedChanged, this, &ComparePanel::refresh);
    refresh();
}

bool ComparePanel::event(QEvent* event)
{
    const bool isDone = QWidget::event(event);
    if (event->type() == QEvent::Resize || event->type() == QEvent::LayoutRequest)
        setMinimumHeight(layout()->minimumHeightForWidth(width())); // the heading wraps
    return isDone;
}

void ComparePanel::refresh()
{
    const std::optional<PinnedPrediction>& pinned = m_session.pinned();
    const RooflineAnalysisPtr& analysis = m_session.analysis();
    m_pin->setEnabled(analysis != nullptr);
    m_unpin->setEnabled(pinned.has_value());
    m_table->setRowCount(0);
    if (!pinned) {
        m_heading->setText(
            tr("Keep a setting as A, then change model, device or setting: both stand here side by side."));
        return;
    }
    const QString b = analysis ? heading('B'_L1, toQString(m_session.model()->name),
                                         toQString(m_session.device().spec.name), m_session.setting())
                               : tr("B: %1").arg(m_session.error() ? toQString(m_session.error()->message) : QString());
    m_heading->setText(u"%1\n%2"_s.arg(heading('A'_L1, pinned->model, pinned->device, pinned->setting), b));
    if (!analysis)
        return;
    const ThemeColours& colours = themeColours(palette());
    for (const ComparedValue& value : compared(*pinned->analysis, *analysis)) {
        const int rowIndex = m_table->rowCount();
        m_table->insertRow(rowIndex);
        const double ratio = value.b / value.a;
        const bool isKnown = std::isfinite(ratio);
        const QStringList texts {value.title, shown(value, value.a), shown(value, value.b),
                                 isKnown ? format::number(ratio, 3) : format::missing()};
        for (int column = 0; column < 4; ++column) {
            auto* item = new QTableWidgetItem(texts[column]);
            if (column > 0)
                item->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
            item->setData(Qt::UserRole, column == 1 ? value.a : (column == 2 ? value.b : ratio));
            const bool isShare = value.unit.empty();
            if (column == 3 && isKnown && !isShare && std::abs(ratio - 1) > 0.005) {
                const bool isBetter = (ratio < 1) == isBetterWhenSmaller(value.quantity);
                item->setForeground(isBetter ? colours.good : colours.error);
                item->setToolTip(isBetter ? tr("B is better") : tr("A is better"));
            }
            m_table->setItem(rowIndex, column, item);
        }
    }
}

QList<QStringList> ComparePanel::cells() const
{
    QList<QStringList> rows {{tr("Result"), tr("A"), tr("B"), tr("B / A")}};
    for (int row = 0; row < m_table->rowCount(); ++row) {
        QStringList cells {m_table->item(row, 0)->text()};
        for (int column = 1; column < 4; ++column) {
            const double value = m_table->item(row, column)->data(Qt::UserRole).toDouble();
            cells << (std::isfinite(value) ? QString::number(value, 'g', 17) : QString());
        }
        rows << cells;
    }
    return rows;
}

} // namespace paretoscope::views
