// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/sweep_panel.h"

#include "views/format/scaled.h"
#include "views/format/text.h"
#include "views/pareto/plot_frame.h"
#include "views/roofline/roofline_text.h"
#include "views/table/clipboard_text.h"
#include "views/theme/theme.h"
#include "views/widgets/flow_layout.h"

#include <QComboBox>
#include <QLabel>
#include <QSignalBlocker>

#include <algorithm>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

QString axisText(SweepAxis axis)
{
    switch (axis) {
    case SweepAxis::None:
        return SweepPanel::tr("one curve");
    case SweepAxis::Batch:
        return SweepPanel::tr("Batch");
    case SweepAxis::Prompt:
        return SweepPanel::tr("Prompt (tokens)");
    case SweepAxis::Generated:
        return SweepPanel::tr("Answer (tokens)");
    case SweepAxis::WeightBits:
        return SweepPanel::tr("Weight bits");
    case SweepAxis::CacheBits:
        return SweepPanel::tr("Cache bits");
    case SweepAxis::Bandwidth:
        return SweepPanel::tr("Bandwidth");
    case SweepAxis::TensorParallel:
        return SweepPanel::tr("Devices (tensor parallel)");
    case SweepAxis::Flash:
        break;
    }
    return SweepPanel::tr("Attention");
}

QString axisValueText(SweepAxis axis, double value)
{
    if (axis == SweepAxis::Flash)
        return value > 0 ? SweepPanel::tr("fused attention") : SweepPanel::tr("eager attention");
    if (axis == SweepAxis::Bandwidth)
        return format::scaled(value, u"B/s"_s);
    return u"%1 %2"_s.arg(axisText(axis)).arg(value);
}

SweepPanel::SweepPanel(RooflineSession& session, QWidget* parent)
    : QWidget(parent)
    , m_session(session)
    , m_plot(new QCustomPlot(this))
    , m_note(new QLabel(this))
    , m_xTicker(new MetricTicker)
    , m_yTicker(new MetricTicker)
    , m_computation(this, [this](const SweepResult& result) { take(result); })
{
    setObjectName(u"rooflineSweep"_s);
    auto* controls = new QWidget(this);
    auto* row = new FlowLayout(controls);
    row->setContentsMargins(8, 4, 8, 4);
    row->setSpacing(6);
    m_quantity = new QComboBox(controls);
    m_quantity->setObjectName(u"rooflineSweepY"_s);
    m_quantity->setAccessibleName(tr("Result on the vertical axis"));
    m_quantity->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    row->addWidget(m_quantity);
    m_x = addAxis(*row, u"rooflineSweepX"_s, tr("over"), false);
    m_series = addAxis(*row, u"rooflineSweepSeries"_s, tr("curves by"), true);
    m_plot->setObjectName(u"rooflineSweepPlot"_s);
    m_plot->setAccessibleName(tr("Curves of a result"));
    m_plot->setFocusPolicy(Qt::StrongFocus);
    m_plot->setMinimumSize(200, 120);
    connect(m_plot, &QCustomPlot::afterLayout, this, &SweepPanel::applyTitle);
    m_plot->setInteractions(QCP::iRangeDrag | QCP::iRangeZoom);
    m_plot->xAxis->setTicker(m_xTicker);
    m_plot->yAxis->setTicker(m_yTicker);
    m_plot->plotLayout()->setMargins(QMargins(0, 4, 8, 0));
    m_plot->axisRect()->setupFullAxesBox(false);
    for (QCPAxis* axis : {m_plot->xAxis2, m_plot->yAxis2}) {
        axis->setTicks(false);
        axis->setTickLabels(false);
    }
    m_note->setObjectName(u"rooflineSweepNote"_s);
    m_note->setTextFormat(Qt::PlainText);
    m_note->setWordWrap(true);
    m_note->setForegroundRole(QPalette::PlaceholderText);
    m_note->setContentsMargins(8, 2, 8, 4);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(controls);
    column->addWidget(m_plot, 1);
    column->addWidget(m_note);
    connect(m_quantity, &QComboBox::activated, this, [this] {
        m_request.quantity = m_quantity->currentData().toString().toStdString();
        markDirty();
    });
    connect(m_x, &QComboBox::activated, this, [this] {
        m_request.x = SweepAxis(m_x->currentData().toInt());
        markDirty();
    });
    connect(m_series, &QComboBox::activated, this, [this] {
        m_request.series = SweepAxis(m_series->currentData().toInt());
        markDirty();
    });
    connect(&m_session, &RooflineSession::changed, this, [this] {
        fillQuantities();
        markDirty();
    });
    m_x->setCurrentIndex(m_x->findData(int(m_request.x)));
    m_series->setCurrentIndex(m_series->findData(int(m_request.series)));
    fillQuantities();
}

QComboBox* SweepPanel::addAxis(QLayout& row, const QString& name, const QString& label, bool isSeries)
{
    auto* text = new QLabel(label, row.parentWidget());
    text->setForegroundRole(QPalette::PlaceholderText);
    row.addWidget(text);
    auto* box = new QComboBox(row.parentWidget());
    box->setObjectName(name);
    box->setAccessibleName(isSeries ? tr("What tells the curves apart") : tr("Value on the horizontal axis"));
    box->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    const SweepAxis last = isSeries ? SweepAxis::Flash : SweepAxis::TensorParallel;
    for (int axis = isSeries ? 0 : 1; axis <= int(last); ++axis)
        box->addItem(axisText(SweepAxis(axis)), axis);
    row.addWidget(box);
    return box;
}

void SweepPanel::fillQuantities()
{
    if (!m_session.analysis())
        return;
    const QSignalBlocker quiet(m_quantity);
    m_quantity->clear();
    for (const roofline::Derivation& each : m_session.analysis()->results) {
        if (each.quantity != "largest_batch" && each.quantity != "longest_prompt") // answers of a search, not of a step
            m_quantity->addItem(quantityText(each.quantity), toQString(each.quantity));
    }
    int wanted = m_quantity->findData(toQString(m_request.quantity));
    if (wanted < 0) // this mode has other results
        wanted = m_quantity->findData(u"total_time"_s);
    m_quantity->setCurrentIndex(wanted);
    m_request.quantity = m_quantity->currentData().toString().toStdString();
}

void SweepPanel::markDirty()
{
    m_isDirty = true;
    if (isVisible())
        compute();
}

void SweepPanel::showEvent(QShowEvent* event)
{
    QWidget::showEvent(event);
    if (m_isDirty)
        compute();
}

void SweepPanel::compute()
{
    m_isDirty = false;
    if (!m_session.model()) {
        m_computation.cancel();
        return take({});
    }
    m_computation.start([wanted = m_session.current(), request = m_request](QPromise<SweepResult>& promise) {
        const SweepResult result = sweepRoofline(wanted, request, [&promise] { return promise.isCanceled(); });
        if (!promise.isCanceled())
            promise.addResult(result);
    });
}

void SweepPanel::take(const SweepResult& result)
{
    m_result = result;
    QString note = tr("Hollow points do not fit into the memory of the device (%1).")
                       .arg(format::scaled(m_result.capacityBytes, u"B"_s));
    const bool anyTooLarge = std::any_of(m_result.curves.begin(), m_result.curves.end(), [](const SweepCurve& curve) {
        return std::any_of(curve.points.begin(), curve.points.end(),
                           [](const SweepPoint& point) { return !point.fits; });
    });
    if (m_result.error)
        note = toQString(m_result.error->sentence());
    m_note->setText(note);
    m_note->setVisible(m_result.error || anyTooLarge);
    draw();
}

/// For memory the capacity of the device; for arithmetic intensity where the device turns from bound by memory to bound
/// by compute: the ridge of its highest roof and, where it was measured, the knee.
std::vector<SweepPanel::Limit> SweepPanel::limits() const
{
    const ThemeColours& colours = themeColours(palette());
    const SweepRequest& request = m_result.request;
    if (request.quantity == "memory" && m_result.capacityBytes > 0)
        return {{m_result.capacityBytes,
                 tr(" memory of the device: %1").arg(format::scaled(m_result.capacityBytes, u"B"_s)), colours.error}};
    const bool isMoving = request.x == SweepAxis::Bandwidth || request.series == SweepAxis::Bandwidth;
    if (request.quantity != "intensity" || isMoving || !m_session.analysis() || m_result.curves.empty())
        return {};
    std::vector<Limit> limits;
    const std::vector<Roof>& roofs = m_session.analysis()->roofs;
    const auto highest =
        std::max_element(roofs.begin(), roofs.end(), [](const Roof& a, const Roof& b) { return a.peak < b.peak; });
    if (highest != roofs.end())
        limits.push_back(
            {highest->ridge(),
             tr(" ridge of %1: %2").arg(toQString(highest->type), format::scaled(highest->ridge(), u"FLOP/B"_s)),
             colours.reference});
    const auto& machine = m_session.device().machine;
    if (const std::optional<double> knee = machine ? machine->knee() : std::nullopt)
        limits.push_back({*knee, tr(" measured knee: %1").arg(format::scaled(*knee, u"FLOP/B"_s)), colours.good});
    return limits;
}

void SweepPanel::draw()
{
    const QPalette look = palette();
    const ThemeColours& colours = themeColours(look);
    m_plot->clearPlottables();
    m_plot->clearItems();
    m_plot->setBackground(colours.plotBackground);
    std::vector<double> xs;
    std::vector<double> ys;
    for (std::size_t i = 0; i < m_result.curves.size(); ++i) {
        const SweepCurve& curve = m_result.curves[i];
        const QColor colour = colours.series[i % colours.series.size()];
        static const std::array<Qt::PenStyle, 4> styles {Qt::SolidLine, Qt::DashLine, Qt::DotLine, Qt::DashDotLine};
        static const std::array<QCPScatterStyle::ScatterShape, 4> shapes {
            QCPScatterStyle::ssCircle, QCPScatterStyle::ssSquare, QCPScatterStyle::ssTriangle,
            QCPScatterStyle::ssDiamond};
        QCPGraph* line = m_plot->addGraph();
        QCPGraph* filled = m_plot->addGraph();
        QCPGraph* hollow = m_plot->addGraph();
        line->setPen(QPen(colour, 1.6, styles[i % styles.size()]));
        line->setName(m_result.request.series == SweepAxis::None ? settingText(m_result.setting)
                                                                 : axisValueText(m_result.request.series, curve.value));
        for (QCPGraph* graph : {filled, hollow}) {
            graph->setLineStyle(QCPGraph::lsNone);
            graph->removeFromLegend();
            graph->setScatterStyle(QCPScatterStyle(shapes[i % shapes.size()], QPen(colour, 1.2),
                                                   graph == filled ? QBrush(colour) : QBrush(colours.plotBackground),
                                                   6));
        }
        for (const SweepPoint& point : curve.points) {
            line->addData(point.x, point.y);
            (point.fits ? filled : hollow)->addData(point.x, point.y);
            xs.push_back(point.x);
            ys.push_back(point.y);
        }
    }
    const std::vector<Limit> limits = this->limits();
    for (const Limit& limit : limits)
        ys.push_back(limit.value);
    const bool isShare = m_result.unit.empty();
    for (QCPAxis* axis : {m_plot->xAxis, m_plot->yAxis, m_plot->xAxis2, m_plot->yAxis2}) {
        axis->setBasePen(QPen(axis == m_plot->xAxis || axis == m_plot->yAxis ? colours.axis : colours.grid, 1));
        axis->setTickPen(QPen(colours.axis, 1));
        axis->setSubTickPen(QPen(colours.axis, 1));
        axis->setTickLabelColor(colours.mutedText);
        axis->setTickLabelFont(font());
        axis->setLabelColor(look.color(QPalette::Text));
        axis->setLabelFont(font());
        axis->grid()->setPen(QPen(colours.grid, 1));
        axis->grid()->setZeroLinePen(QPen(colours.grid, 1));
    }
    const bool positive = !ys.empty() && *std::min_element(ys.begin(), ys.end()) > 0;
    const bool isLogX = m_result.request.x != SweepAxis::WeightBits && m_result.request.x != SweepAxis::CacheBits;
    const bool isLogY = positive && !isShare;
    m_plot->xAxis->setScaleType(isLogX ? QCPAxis::stLogarithmic : QCPAxis::stLinear);
    m_plot->yAxis->setScaleType(isLogY ? QCPAxis::stLogarithmic : QCPAxis::stLinear);
    m_xTicker->setLogarithmic(isLogX);
    m_yTicker->setLogarithmic(isLogY);
    const QString unit = toQString(m_result.unit);
    const double most = ys.empty() ? 1 : *std::max_element(ys.begin(), ys.end());
    format::ColumnStyle yStyle = format::columnStyle(ys, unit);
    if (unit == "s"_L1 && most < 1)
        yStyle = {most < 1e-3 ? 1e-6 : 1e-3, 2, most < 1e-3 ? u"µs"_s : u"ms"_s};
    if (isShare)
        yStyle = {0.01, 0, u"%"_s};
    if (unit == "1/s"_L1) // the name says it
        yStyle.unit.clear();
    m_yTicker->setStyle(yStyle);
    const format::ColumnStyle xStyle = m_result.request.x == SweepAxis::Bandwidth
                                           ? format::ColumnStyle {1e9, 0, u"GB/s"_s}
                                           : format::ColumnStyle {1, 0, {}};
    m_xTicker->setStyle(xStyle);
    m_plot->xAxis->setLabel(format::titleWithUnit(axisText(m_result.request.x), xStyle.unit));
    m_yUnit = yStyle.unit;
    applyTitle();
    if (!xs.empty()) {
        const auto [left, right] = std::minmax_element(xs.begin(), xs.end());
        const auto [low, high] = std::minmax_element(ys.begin(), ys.end());
        const auto ranged = [](QCPAxis& axis, double from, double to, bool isLog) {
            const double room = isLog ? 1.15 : 0.06 * std::max(to - from, 1e-9);
            axis.setRange(isLog ? from / room : from - room, isLog ? to * room : to + room);
        };
        ranged(*m_plot->xAxis, *left, *right, isLogX);
        ranged(*m_plot->yAxis, isShare ? 0 : *low, isShare ? std::max(*high, 0.01) : *high, isLogY);
    }
    const QCPRange& range = m_plot->yAxis->range();
    const auto isNearTop = [&](double value) { // where a label above has no room
        const AxisRange shown {range.lower, range.upper, isLogY};
        return shown.fraction(value) > 0.8;
    };
    for (const Limit& limit : limits) {
        auto* line = new QCPItemStraightLine(m_plot); // owned by the plot
        line->point1->setCoords(1, limit.value);
        line->point2->setCoords(2, limit.value);
        line->setPen(QPen(limit.colour, 1.6, Qt::DashLine));
        auto* label = new QCPItemText(m_plot);
        label->position->setCoords(m_plot->xAxis->range().lower, limit.value);
        label->setPositionAlignment(Qt::AlignLeft | (isNearTop(limit.value) ? Qt::AlignTop : Qt::AlignBottom));
        label->setText(limit.text);
        label->setColor(limit.colour);
        label->setFont(font());
    }
    if (m_plot->plotLayout()->elementCount() == 1) { // beside the curves, not on them
        auto* side = new QCPLayoutGrid;              // owned by the plot's layout
        side->addElement(0, 0, m_plot->legend);
        side->addElement(1, 0, new QCPLayoutElement);
        side->setRowStretchFactor(0, 0.001);
        m_plot->plotLayout()->addElement(0, 1, side);
        m_plot->plotLayout()->setColumnStretchFactor(1, 0.001);
    }
    m_plot->legend->setVisible(true);
    m_plot->legend->setFont(font());
    m_plot->legend->setTextColor(look.color(QPalette::Text));
    QColor plate = colours.plotBackground;
    plate.setAlphaF(0.85F);
    m_plot->legend->setBrush(plate);
    m_plot->legend->setBorderPen(QPen(colours.border, 1));
    QStringList names;
    for (const SweepCurve& curve : m_result.curves)
        names << axisValueText(m_result.request.series, curve.value);
    for (const Limit& limit : limits)
        names << limit.text.trimmed();
    m_plot->setAccessibleDescription(
        tr("%1 over %2: %3")
            .arg(quantityText(m_result.request.quantity), axisText(m_result.request.x), names.join(u", "_s)));
    m_plot->replot(QCustomPlot::rpQueuedReplot);
}

void SweepPanel::applyTitle()
{
    m_plot->yAxis->setLabel(fittingTitle(quantityText(m_result.request.quantity), m_yUnit, QFontMetrics(font()),
                                         m_plot->axisRect()->height()));
}

bool SweepPanel::event(QEvent* event)
{
    const bool isDone = QWidget::event(event);
    if (event->type() == QEvent::Resize || event->type() == QEvent::LayoutRequest)
        setMinimumHeight(layout()->minimumHeightForWidth(width())); // controls and note wrap
    return isDone;
}

void SweepPanel::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange)
        draw();
}

QString SweepPanel::csv() const
{
    QList<QStringList> rows {{axisText(m_result.request.series), axisText(m_result.request.x),
                              u"%1 [%2]"_s.arg(toQString(m_result.request.quantity), toQString(m_result.unit)),
                              u"fits"_s}};
    for (const SweepCurve& curve : m_result.curves) {
        for (const SweepPoint& point : curve.points)
            rows << QStringList {QString::number(curve.value, 'g', 17), QString::number(point.x, 'g', 17),
                                 QString::number(point.y, 'g', 17), point.fits ? u"1"_s : u"0"_s};
    }
    return asCsv(rows);
}

} // namespace paretoscope::views
