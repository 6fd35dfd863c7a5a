// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/picture_export.h"

#include "views/table/text_file.h"

#include <QPdfWriter>
#include <QSvgGenerator>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

constexpr double kScale = 3;

QByteArray svgOf(const Picture& picture)
{
    QByteArray content;
    QBuffer buffer(&content);
    QSvgGenerator generator;
    generator.setOutputDevice(&buffer);
    generator.setSize(picture.size);
    generator.setViewBox(QRect(QPoint(), picture.size));
    generator.setTitle(picture.title);
    QCPPainter painter;
    painter.begin(&generator);
    painter.setMode(QCPPainter::pmVectorized);
    picture.draw(painter);
    painter.end();
    return content;
}

QByteArray pdfOf(const Picture& picture)
{
    QByteArray content;
    QBuffer buffer(&content);
    buffer.open(QIODevice::WriteOnly);
    QPdfWriter writer(&buffer);
    writer.setTitle(picture.title);
    writer.setCreator(u"Paretoscope"_s);
    writer.setResolution(72);
    writer.setPageSize(QPageSize(QSizeF(picture.size), QPageSize::Point, {}, QPageSize::ExactMatch));
    writer.setPageMargins({});
    QCPPainter painter;
    painter.begin(&writer);
    painter.setMode(QCPPainter::pmVectorized);
    picture.draw(painter);
    painter.end();
    return content;
}

QByteArray pngOf(const Picture& picture)
{
    QByteArray content;
    QBuffer buffer(&content);
    pixmapOf(picture, kScale).toImage().save(&buffer, "PNG");
    return content;
}

} // namespace

QPixmap pixmapOf(const Picture& picture, double scale)
{
    QPixmap pixmap((QSizeF(picture.size) * scale).toSize());
    pixmap.setDevicePixelRatio(scale);
    pixmap.fill(Qt::white);
    QCPPainter painter(&pixmap);
    painter.setRenderHint(QPainter::Antialiasing);
    picture.draw(painter);
    painter.end();
    return pixmap;
}

core::Status writePicture(const Picture& picture, const QString& file, PlotFormat format)
{
    switch (format) {
    case PlotFormat::Svg:
        return writeFile(file, svgOf(picture));
    case PlotFormat::Png:
        return writeFile(file, pngOf(picture));
    case PlotFormat::Pdf:
        return writeFile(file, pdfOf(picture));
    case PlotFormat::Csv:
        break;
    }
    return core::Error {core::ErrorCode::InvalidArgument, "CSV is no picture", "end the name in .svg, .png or .pdf"};
}

} // namespace paretoscope::views
