// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/format/format.h"

#include "views/pareto/qcustomplot.h"

namespace paretoscope::views {

/// "Performance (TFLOP/s)"; in less than `room` pixels the unit alone, without a unit the beginning of the title.
QString fittingTitle(const QString& title, const QString& unit, const QFontMetrics& metrics, int room);

/// Ticks at round values in the unit shown ("1.2" of MB), on linear axes and on logarithmic ones; over less than a
/// decade a logarithmic axis gets round steps too, as the powers of ten alone would leave it bare.
class MetricTicker : public QCPAxisTicker
{
public:
    void setStyle(const format::ColumnStyle& style) { m_style = style; }
    void setLogarithmic(bool logarithmic) { m_logarithmic = logarithmic; }

protected:
    double getTickStep(const QCPRange& range) override;
    int getSubTickCount(double tickStep) override;
    QString getTickLabel(double tick, const QLocale& locale, QChar formatChar, int precision) override;
    QVector<double> createTickVector(double tickStep, const QCPRange& range) override;
    QVector<double> createSubTickVector(int subTickCount, const QVector<double>& ticks) override;

private:
    format::ColumnStyle m_style;
    bool m_logarithmic = false;
    double m_step = 1;
    bool m_decades = false;
};

} // namespace paretoscope::views
