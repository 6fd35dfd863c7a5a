// SPDX-License-Identifier: Apache-2.0
#include "core/project/published_metric.h"

#include <algorithm>
#include <array>

namespace paretoscope::core {

namespace {

/// Averages over tasks and single tasks of multiple choice or classification are accuracies; gsm8k and humaneval judge
/// generated text and are not. Sizes of compressed texts (size_kib, bytes) are no sizes of models.
constexpr std::array kMetrics {
    PublishedMetric {"*_ppl", "perplexity"},
    PublishedMetric {"ppl", "perplexity"},
    PublishedMetric {"perplexity", "perplexity"},
    PublishedMetric {"bits_per_byte", "bits_per_byte", "bit"},
    PublishedMetric {"zeroshot_avg_acc", "acc", "%"},
    PublishedMetric {"zeroshot5_avg_acc", "acc", "%"},
    PublishedMetric {"zeroshot6_acc_pct", "acc", "%"},
    PublishedMetric {"acc_pct", "acc", "%"},
    PublishedMetric {"mmlu", "acc", "%"},
    PublishedMetric {"ceval", "acc", "%"},
    PublishedMetric {"imagenet_top1", "acc", "%"},
    PublishedMetric {"top1_pct", "acc", "%"},
    PublishedMetric {"acc", "acc"},
    PublishedMetric {"acc_norm", "acc_norm"},
    PublishedMetric {"model_size_GB", "stored_bytes", "GB"},
    // 44.6 are the 11,689,512 parameters of ResNet18 in float32: 46.76 million bytes
    PublishedMetric {"model_size_MB", "stored_bytes", "MiB", "Zhen-Dong/HAWQ"},
    PublishedMetric {"model_size_MB", "stored_bytes", "MB"},
    PublishedMetric {"stored_bytes", "stored_bytes", "B"},
    PublishedMetric {"bits_per_weight", "bits_per_parameter", "bit"},
    PublishedMetric {"bits_per_parameter", "bits_per_parameter", "bit"},
    PublishedMetric {"bits", "bits_per_parameter", "bit"}, // nominal: scales and zero points not counted
    PublishedMetric {"memory_GB", "predicted_memory", "GB"},
    PublishedMetric {"total_memory_gb", "predicted_memory", "GB"},
};

struct Unit
{
    std::string_view name;
    std::string_view base;
    double size;
};
constexpr std::array kUnits {
    Unit {"%", "", 0.01},      Unit {"kB", "B", 1e3},     Unit {"MB", "B", 1e6},     Unit {"GB", "B", 1e9},
    Unit {"TB", "B", 1e12},    Unit {"KiB", "B", 0x1p10}, Unit {"MiB", "B", 0x1p20}, Unit {"GiB", "B", 0x1p30},
    Unit {"TiB", "B", 0x1p40}, Unit {"ms", "s", 1e-3},    Unit {"us", "s", 1e-6},    Unit {"bits", "bit", 1},
};

Unit unitOf(std::string_view name)
{
    const auto found = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& unit) { return unit.name == name; });
    return found == kUnits.end() ? Unit {name, name, 1} : *found;
}

bool isNamed(const PublishedMetric& metric, std::string_view name)
{
    if (metric.name.starts_with('*'))
        return name.ends_with(metric.name.substr(1));
    return metric.name == name;
}

} // namespace

std::span<const PublishedMetric> publishedMetrics()
{
    return kMetrics;
}

std::vector<PublishedNumber> numbersOf(const PublishedPoint& point)
{
    std::vector<PublishedNumber> numbers {{point.metric, point.value, point.unit}};
    if (point.xValue)
        numbers.push_back({point.xMetric, *point.xValue});
    if (point.conditions.is_object()) {
        for (const auto& [name, value] : point.conditions.items()) {
            if (value.is_number())
                numbers.push_back({name, value.get<double>()});
        }
    }
    return numbers;
}

const PublishedMetric* publishedMetric(const PublishedNumber& number, std::string_view source)
{
    const auto found = std::find_if(kMetrics.begin(), kMetrics.end(), [&](const PublishedMetric& metric) {
        return isNamed(metric, number.plainName()) && source.find(metric.source) != std::string_view::npos;
    });
    return found == kMetrics.end() ? nullptr : &*found;
}

std::optional<StandingNumber> standingBeside(const PublishedNumber& number, std::string_view source,
                                             std::string_view metric, std::string_view unit)
{
    const PublishedMetric* known = publishedMetric(number, source);
    const bool isBeside = known ? known->beside == metric : number.name == metric;
    if (!isBeside)
        return std::nullopt;
    const std::string_view own = known && number.unit.empty() ? known->unit : std::string_view(number.unit);
    const Unit from = unitOf(own);
    const Unit to = unitOf(unit);
    if (from.base != to.base)
        return std::nullopt;
    return StandingNumber {number.value * (from.size / to.size), std::string(own)};
}

std::string_view baseUnit(std::string_view unit)
{
    return unitOf(unit).base;
}

} // namespace paretoscope::core
