// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/stacked_bars.h"

#include "views/format/scaled.h"
#include "views/roofline/operation_look.h"
#include "views/roofline/roofline_text.h"
#include "views/table/clipboard_text.h"
#include "views/widgets/plain_tip.h"

#include <QEvent>
#include <QHelpEvent>
#include <QPainter>
#include <QPicture>
#include <QToolTip>

#include <algorithm>
#include <cmath>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

constexpr int kMargin = 12;
constexpr int kBarHeight = 26;
constexpr int kSwatch = 10;

/// Black or white, whichever is read better on `fill`.
QColor inkOn(const QColor& fill)
{
    return contrastRatio(fill, Qt::white) >= contrastRatio(fill, Qt::black) ? Qt::white : Qt::black;
}

QString tipOf(const Bar& bar, const BarSegment& segment)
{
    return u"%1: %2 (%3)"_s.arg(segment.name, format::scaled(segment.value, bar.unit),
                                format::percent(segment.value / bar.total()));
}

} // namespace

double Bar::total() const
{
    double sum = 0;
    for (const BarSegment& segment : segments)
        sum += segment.value;
    return sum;
}

StackedBars::StackedBars(RooflineSession& session, QWidget* parent)
    : QWidget(parent)
    , m_session(session)
{
    setObjectName(u"rooflineBars"_s);
    setAccessibleName(tr("Time and memory by kind of operation"));
    setFocusPolicy(Qt::TabFocus);
    connect(&m_session, &RooflineSession::changed, this, &StackedBars::takeAnalysis);
    takeAnalysis();
}

void StackedBars::takeAnalysis()
{
    m_bars.clear();
    if (const RooflineAnalysisPtr& analysis = m_session.analysis()) {
        for (const TimeBar& time : analysis->times) {
            Bar bar {.title = tr("%1: time").arg(timeBarText(time.id)), .unit = u"s"_s, .segments = {}};
            for (std::size_t kind = 0; kind < time.seconds.size(); ++kind) {
                const auto each = roofline::OperationKind(kind);
                if (time.seconds[kind] > 0)
                    bar.segments.push_back({kindText(each), time.seconds[kind], colourOf(each, palette())});
            }
            m_bars.push_back(std::move(bar));
        }
        const roofline::MemoryNeed& memory = analysis->memory;
        const auto& series = themeColours(palette()).series;
        Bar bar {
            .title = tr("Memory of one device"), .unit = u"B"_s, .segments = {}, .capacity = analysis->capacityBytes};
        for (const auto& [name, value, colour] : {std::tuple(tr("Weights"), memory.weights, series[0]),
                                                  {tr("Cache"), memory.cache, series[1]},
                                                  {tr("Activations"), memory.activations, series[2]},
                                                  {tr("Overhead"), memory.overhead, series[4]}}) {
            if (value > 0)
                bar.segments.push_back({name, value, colour});
        }
        m_bars.push_back(std::move(bar));
    }
    QStringList spoken;
    for (const Bar& bar : m_bars) {
        QStringList parts;
        for (const BarSegment& segment : bar.segments)
            parts << tipOf(bar, segment);
        spoken << u"%1 %2: %3"_s.arg(bar.title, format::scaled(bar.total(), bar.unit), parts.join(u", "_s));
    }
    setAccessibleDescription(spoken.join(u". "_s));
    takeHeight();
    update();
}

void StackedBars::takeHeight()
{
    QPicture sheet;
    QPainter painter(&sheet);
    setMinimumHeight(drawBars(painter));
}

void StackedBars::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    takeHeight(); // legends wrap
}

int StackedBars::drawBars(QPainter& painter)
{
    m_tips.clear();
    int top = kMargin;
    for (const Bar& bar : m_bars)
        top = drawLegend(painter, bar, drawBar(painter, bar, top)) + kMargin;
    return top;
}

void StackedBars::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.fillRect(rect(), themeColours(palette()).plotBackground);
    drawBars(painter);
    if (hasFocus()) {
        painter.setBrush(Qt::NoBrush);
        painter.setPen(QPen(palette().color(QPalette::Highlight), 2));
        painter.drawRect(QRectF(rect()).adjusted(1, 1, -1, -1));
    }
}

int StackedBars::drawBar(QPainter& painter, const Bar& bar, int top)
{
    const ThemeColours& colours = themeColours(palette());
    const double total = bar.total();
    const int line = fontMetrics().height();
    painter.setPen(palette().color(QPalette::Text));
    QString title = u"%1  %2"_s.arg(bar.title, format::scaled(total, bar.unit));
    if (bar.capacity > 0)
        title += total > bar.capacity ? tr(", does not fit into %1").arg(format::scaled(bar.capacity, bar.unit))
                                      : tr(", fits into %1").arg(format::scaled(bar.capacity, bar.unit));
    painter.drawText(QRect(kMargin, top, width() - 2 * kMargin, line), Qt::AlignLeft | Qt::AlignVCenter, title);
    top += line + 3;
    const double full = std::max(total, bar.capacity);
    const double scale = full > 0 ? (width() - 2 * kMargin) / full : 0;
    double left = kMargin;
    for (const BarSegment& segment : bar.segments) {
        const QRectF box(left, top, segment.value * scale, kBarHeight);
        painter.fillRect(box, segment.colour);
        painter.setPen(QPen(colours.plotBackground, 1));
        painter.drawLine(box.topRight(), box.bottomRight());
        const QString text = format::percent(segment.value / total);
        if (fontMetrics().horizontalAdvance(text) + 8 < box.width()) {
            painter.setPen(inkOn(segment.colour));
            painter.drawText(box, Qt::AlignCenter, text);
        }
        m_tips.emplace_back(box, tipOf(bar, segment));
        left += box.width();
    }
    if (bar.capacity > 0) {
        const double at = kMargin + bar.capacity * scale;
        painter.setPen(QPen(total > bar.capacity ? colours.error : colours.axis, 2, Qt::DashLine));
        painter.drawLine(QPointF(at, top - 3), QPointF(at, top + kBarHeight + 3));
    }
    return top + kBarHeight + 5;
}

int StackedBars::drawLegend(QPainter& painter, const Bar& bar, int top)
{
    const int line = fontMetrics().height() + 2;
    int left = kMargin;
    for (const BarSegment& segment : bar.segments) {
        const QString text = u"%1 %2"_s.arg(segment.name, format::scaled(segment.value, bar.unit));
        const int wide = kSwatch + 5 + fontMetrics().horizontalAdvance(text) + 14;
        if (left > kMargin && left + wide > width() - kMargin) {
            left = kMargin;
            top += line;
        }
        painter.fillRect(QRect(left, top + (line - kSwatch) / 2, kSwatch, kSwatch), segment.colour);
        painter.setPen(themeColours(palette()).mutedText);
        painter.drawText(QRect(left + kSwatch + 5, top, wide, line), Qt::AlignLeft | Qt::AlignVCenter, text);
        left += wide;
    }
    return top + line;
}

bool StackedBars::event(QEvent* event)
{
    if (event->type() == QEvent::PaletteChange)
        takeAnalysis();
    if (event->type() != QEvent::ToolTip)
        return QWidget::event(event);
    const auto* help = static_cast<QHelpEvent*>(event);
    const auto found = std::find_if(m_tips.begin(), m_tips.end(),
                                    [&](const auto& tip) { return tip.first.contains(QPointF(help->pos())); });
    if (found == m_tips.end())
        QToolTip::hideText();
    else
        QToolTip::showText(help->globalPos(), plainTip(found->second), this);
    return true;
}

QString barsCsv(const std::vector<Bar>& bars)
{
    QList<QStringList> rows {{u"bar"_s, u"part"_s, u"value"_s, u"unit"_s}};
    for (const Bar& bar : bars) {
        for (const BarSegment& segment : bar.segments)
            rows << QStringList {bar.title, segment.name, QString::number(segment.value, 'g', 17), bar.unit};
    }
    return asCsv(rows);
}

} // namespace paretoscope::views
