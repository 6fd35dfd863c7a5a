// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/pareto/plot_export.h"

#include "views/format/text.h"
#include "views/pareto/pareto_plot.h"
#include "views/table/clipboard_text.h"
#include "views/table/text_file.h"

#include <QSvgGenerator>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

struct Text
{
    Q_DECLARE_TR_FUNCTIONS(PlotExport)
};

QByteArray svgOf(ParetoPlot& plot)
{
    QByteArray content;
    QBuffer buffer(&content);
    QSvgGenerator generator;
    generator.setOutputDevice(&buffer);
    generator.setSize(plot.size());
    generator.setViewBox(QRect(QPoint(), plot.size()));
    generator.setTitle(Text::tr("Pareto plot"));
    generator.setDescription(Text::tr("Drawn by Paretoscope"));
    QCPPainter painter;
    painter.begin(&generator);
    painter.setMode(QCPPainter::pmVectorized);
    plot.toPainter(&painter, plot.width(), plot.height());
    painter.end();
    return content;
}

QByteArray pngOf(ParetoPlot& plot)
{
    constexpr double kScale = 3; // about 300 dpi at the size seen on screen
    QByteArray content;
    QBuffer buffer(&content);
    plot.toPixmap(plot.width(), plot.height(), kScale).toImage().save(&buffer, "PNG");
    return content;
}

QString columnTitle(const MetricSummary& metric)
{
    const QString name = toQString(metric.name);
    return metric.unit.empty() ? name : u"%1 [%2]"_s.arg(name, toQString(metric.unit));
}

} // namespace

core::Result<PlotFormat> plotFormatOf(const QString& file)
{
    static const QHash<QString, PlotFormat> formats {{u"svg"_s, PlotFormat::Svg},
                                                     {u"png"_s, PlotFormat::Png},
                                                     {u"pdf"_s, PlotFormat::Pdf},
                                                     {u"csv"_s, PlotFormat::Csv}};
    const QString ending = QFileInfo(file).suffix().toLower();
    if (const auto found = formats.constFind(ending); found != formats.constEnd())
        return *found;
    return core::Error {core::ErrorCode::InvalidArgument,
                        Text::tr("%1 names no picture format").arg(file).toStdString(),
                        Text::tr("end the name in .svg, .png, .pdf or .csv").toStdString()};
}

core::Status exportPlot(ParetoPlot& plot, const QString& file, PlotFormat format)
{
    if (format == PlotFormat::Csv)
        return writeTextFile(file, plotCsv(*plot.data()));
    plot.setExporting(true);
    core::Status status = core::success();
    if (format == PlotFormat::Pdf) {
        // QCustomPlot writes PDF files itself; what it says about them is only yes or no.
        if (!plot.savePdf(file, plot.width(), plot.height(), QCP::epNoCosmetic, u"Paretoscope"_s,
                          Text::tr("Pareto plot")))
            status = core::Error {core::ErrorCode::Io, Text::tr("%1 could not be written").arg(file).toStdString(),
                                  Text::tr("choose a folder you may write to, with free space").toStdString()};
    } else {
        status = writeFile(file, format == PlotFormat::Svg ? svgOf(plot) : pngOf(plot));
    }
    plot.setExporting(false);
    return status;
}

QString plotCsv(const ParetoData& data)
{
    const auto number = [](double value) { return QString::number(value, 'g', 17); };
    QList<QStringList> rows {{u"pipeline"_s, columnTitle(data.x), columnTitle(data.y),
                              columnTitle(data.x) + u" standard error"_s, columnTitle(data.y) + u" standard error"_s,
                              u"method"_s, u"on front"_s, u"protocol x"_s, u"protocol y"_s, u"trial"_s, u"source"_s}};
    for (const ParetoPoint& point : data.points) {
        if (!point.accepted)
            continue;
        const core::TrialRecord& trial = data.snapshot->trials[std::size_t(point.row)];
        rows << QStringList {toQString(trial.label),
                             number(point.value.x()),
                             number(point.value.y()),
                             point.xError > 0 ? number(point.xError) : QString(),
                             point.yError > 0 ? number(point.yError) : QString(),
                             data.snapshot->methods[point.method],
                             point.onFront ? u"1"_s : u"0"_s,
                             toQString(data.xChoice.protocol),
                             toQString(data.yChoice.protocol),
                             toQString(trial.id.hex()),
                             QString()};
    }
    for (const PublishedSeries& series : data.publishedSeries) {
        for (const PublishedMark& mark : series.marks) {
            const QString source = toQString(data.snapshot->published[mark.y].source);
            rows << QStringList {describePublished(*data.snapshot, mark).first(),
                                 number(mark.value.x()),
                                 number(mark.value.y()),
                                 QString(),
                                 QString(),
                                 u"published"_s,
                                 u"0"_s,
                                 series.xName,
                                 series.yName,
                                 QString(),
                                 mark.isVerified ? source : u"UNVERIFIED: "_s + source};
        }
    }
    return asCsv(rows);
}

} // namespace paretoscope::views
