// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/counted_marks.h"

#include "views/format/scaled.h"
#include "views/format/text.h"

#include <QCoreApplication>

#include <algorithm>
#include <numeric>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

struct Text
{
    Q_DECLARE_TR_FUNCTIONS(RooflineCounters)
};

constexpr qsizetype kLongestName = 60; ///< kernels of templates have names of hundreds of characters

QString shortName(const std::string& name)
{
    const QString text = toQString(name);
    return text.size() > kLongestName ? text.left(kLongestName - 1) + u'…' : text;
}

QString levelText(roofline::MemoryLevel level)
{
    switch (level) {
    case roofline::MemoryLevel::L2:
        return Text::tr("L2");
    case roofline::MemoryLevel::L1:
        return Text::tr("L1");
    case roofline::MemoryLevel::Main:
        break;
    }
    return Text::tr("main memory");
}

QStringList describe(const roofline::CountedRange& range, double share, const roofline::Counters& counters,
                     const roofline::HardwareSpec& device)
{
    QStringList lines {shortName(range.name),
                       Text::tr("Counted: %n kernel(s), %1, %2 of all", nullptr, range.kernels)
                           .arg(format::scaled(range.seconds, u"s"_s), format::percent(share)),
                       Text::tr("Performance %1").arg(format::scaled(range.flops() / range.seconds, u"FLOP/s"_s))};
    for (std::size_t i = 0; i < roofline::kMemoryLevels; ++i) {
        if (const std::optional<double>& bytes = range.bytes[i]; bytes && *bytes > 0)
            lines << Text::tr("Intensity %1, %2 of %3")
                         .arg(format::scaled(range.flops() / *bytes, u"FLOP/B"_s), format::scaled(*bytes, u"B"_s),
                              levelText(roofline::MemoryLevel(i)));
    }
    lines << Text::tr("Vector units %1, tensor units %2")
                 .arg(format::scaled(range.vectorFlops, u"FLOP"_s), format::scaled(range.tensorFlops, u"FLOP"_s));
    if (counters.isFromInstructions)
        lines << Text::tr("An instruction of the tensor units counts as %1")
                     .arg(format::scaled(roofline::kTensorFlopsPerInstruction, u"FLOP"_s));
    if (const std::optional<double> reached = roofline::shareOfRoof(range, device))
        lines << Text::tr("%1 of the lowest roof of %2").arg(format::percent(*reached), toQString(device.name));
    return lines;
}

} // namespace

std::vector<CountedMark> countedMarks(const ShownCounters& counters, const roofline::HardwareSpec& device)
{
    const std::vector<roofline::CountedRange>& ranges = counters.counters.ranges;
    const double all =
        std::accumulate(ranges.begin(), ranges.end(), 0.0,
                        [](double sum, const roofline::CountedRange& range) { return sum + range.seconds; });
    std::vector<CountedMark> marks;
    for (const roofline::CountedRange& range : ranges) {
        std::vector<QPointF> places;
        for (const std::optional<double>& bytes : range.bytes) {
            if (bytes && *bytes > 0 && range.flops() > 0)
                places.emplace_back(range.flops() / *bytes, range.flops() / range.seconds);
        }
        if (places.empty())
            continue;
        marks.push_back({.name = toQString(range.name),
                         .place = places.front(),
                         .inner = {places.begin() + 1, places.end()},
                         .seconds = range.seconds,
                         .lines = describe(range, range.seconds / all, counters.counters, device)});
    }
    std::stable_sort(marks.begin(), marks.end(),
                     [](const CountedMark& a, const CountedMark& b) { return a.seconds > b.seconds; });
    return marks;
}

MethodLook countedLook(const QPalette& palette)
{
    constexpr int kTriangleDown = 4;
    return {themeColours(palette).series[3], kTriangleDown};
}

} // namespace paretoscope::views
