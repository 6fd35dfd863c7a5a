// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/pareto/pareto_legend.h"

#include "views/pareto/legend_chip.h"
#include "views/pareto/marker_painter.h"
#include "views/widgets/flow_layout.h"
#include "views/widgets/plain_tip.h"

#include <QEvent>
#include <QGuiApplication>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

ParetoLegend::ParetoLegend(QWidget* parent)
    : QWidget(parent)
{
    setObjectName(u"paretoLegend"_s);
    auto* layout = new FlowLayout(this);
    layout->setContentsMargins(8, 0, 8, 0);
}

void ParetoLegend::setData(const ParetoDataPtr& plotted)
{
    m_data = plotted;
    QStringList wanted;
    for (std::size_t i = 0; i < plotted->methodCounts.size(); ++i)
        wanted << u"%1 (%2)"_s.arg(plotted->snapshot->methods[qsizetype(i)]).arg(plotted->methodCounts[i]);
    for (const PublishedSeries& series : plotted->publishedSeries)
        wanted << series.label();
    if (wanted == m_texts && !m_isStale)
        return;
    m_texts = wanted;
    m_isStale = false;
    rebuild();
}

void ParetoLegend::setHiddenMethods(const QStringList& methods)
{
    m_hidden = methods;
    m_isStale = true;
}

void ParetoLegend::rebuild()
{
    qDeleteAll(findChildren<LegendChip*>(Qt::FindDirectChildrenOnly));
    for (int method = 0; method < int(m_data->methodCounts.size()); ++method)
        addMethod(method, m_texts[method]);
    for (const PublishedSeries& series : m_data->publishedSeries)
        addPublished(series);
}

void ParetoLegend::addMethod(int index, const QString& text)
{
    const QString method = m_data->snapshot->methods[index];
    auto* chip = new LegendChip(this);
    chip->setObjectName(u"legend:%1"_s.arg(method));
    chip->setText(text);
    chip->setIcon(markerPixmap(lookOf(index, method == "baseline"_L1, palette()), devicePixelRatioF()));
    chip->setChecked(!m_hidden.contains(method));
    chip->setToolTip(plainTip(tr("Click hides or shows %1; with Ctrl it is shown alone").arg(method)));
    connect(chip, &QAbstractButton::clicked, this, [this, method] { takeClick(method); });
    layout()->addWidget(chip);
}

void ParetoLegend::addPublished(const PublishedSeries& series)
{
    auto* chip = new LegendChip(this);
    chip->setObjectName(u"legend:%1"_s.arg(series.id));
    chip->setText(series.label());
    chip->setIcon(publishedPixmap(palette(), devicePixelRatioF()));
    chip->setChecked(true);
    chip->setToolTip(plainTip(
        tr("%1\nMeasured under other protocols than the trials; click takes them off the plot").arg(series.label())));
    connect(
        chip, &QAbstractButton::clicked, this, [this, id = series.id] { Q_EMIT publishedRemoved(id); },
        Qt::QueuedConnection);
    layout()->addWidget(chip);
}

void ParetoLegend::takeClick(const QString& method)
{
    if (QGuiApplication::keyboardModifiers().testFlag(Qt::ControlModifier)) {
        QStringList others = m_data->snapshot->methods;
        others.removeAll(method);
        m_hidden = m_hidden == others ? QStringList() : others;
    } else if (!m_hidden.removeOne(method)) {
        m_hidden << method;
    }
    m_isStale = true; // checks may have changed on other chips too
    // Queued: the chip that was clicked goes away.
    QMetaObject::invokeMethod(this, &ParetoLegend::hiddenMethodsChanged, Qt::QueuedConnection);
}

void ParetoLegend::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange && m_data)
        rebuild(); // the markers have the old colours
}

} // namespace paretoscope::views
