// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/roofline_text.h"

#include "views/format/format.h"
#include "views/format/scaled.h"
#include "views/format/text.h"

#include <QCoreApplication>
#include <QHash>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

struct Text
{
    Q_DECLARE_TR_FUNCTIONS(Roofline)
};

} // namespace

QString boundText(roofline::Bound bound)
{
    switch (bound) {
    case roofline::Bound::Compute:
        return Text::tr("compute");
    case roofline::Bound::Memory:
        return Text::tr("memory");
    case roofline::Bound::Launch:
        return Text::tr("launch");
    case roofline::Bound::Communication:
        break;
    }
    return Text::tr("communication");
}

QString kindText(roofline::OperationKind kind)
{
    switch (kind) {
    case roofline::OperationKind::Projection:
        return Text::tr("Attention linears");
    case roofline::OperationKind::Attention:
        return Text::tr("Attention and cache");
    case roofline::OperationKind::FeedForward:
        return Text::tr("MLP and experts");
    case roofline::OperationKind::Elementwise:
        return Text::tr("Norms and sums");
    case roofline::OperationKind::Vocabulary:
        return Text::tr("Embedding and head");
    case roofline::OperationKind::Communication:
        break;
    }
    return Text::tr("Communication");
}

QString quantityText(std::string_view quantity)
{
    static const QHash<QString, QString> titles {
        {u"matrix_flops"_s, Text::tr("FLOPs of matrix products")},
        {u"vector_flops"_s, Text::tr("FLOPs of vector operations")},
        {u"flops"_s, Text::tr("FLOPs")},
        {u"bytes"_s, Text::tr("Bytes moved")},
        {u"intensity"_s, Text::tr("Arithmetic intensity")},
        {u"time"_s, Text::tr("Time")},
        {u"performance"_s, Text::tr("Performance")},
        {u"mfu"_s, Text::tr("MFU")},
        {u"mbu"_s, Text::tr("MBU")},
        {u"time_to_first_token"_s, Text::tr("Time to first token")},
        {u"time_per_output_token"_s, Text::tr("Time per token")},
        {u"total_time"_s, Text::tr("Total time")},
        {u"tokens_per_second"_s, Text::tr("Tokens per second")},
        {u"speculative_tokens"_s, Text::tr("Drafting: tokens per cycle")},
        {u"speculative_time_per_token"_s, Text::tr("Drafting: time per token")},
        {u"speculative_speedup"_s, Text::tr("Drafting: speed-up")},
        {u"images_per_second"_s, Text::tr("Images per second")},
        {u"joules_per_token"_s, Text::tr("Energy per token")},
        {u"memory"_s, Text::tr("Memory")},
        {u"memory_weights"_s, Text::tr("Memory: weights")},
        {u"memory_cache"_s, Text::tr("Memory: cache")},
        {u"memory_activations"_s, Text::tr("Memory: activations")},
        {u"memory_overhead"_s, Text::tr("Memory: overhead")},
        {u"compute_share"_s, Text::tr("Bound by compute")},
        {u"memory_share"_s, Text::tr("Bound by memory")},
        {u"launch_share"_s, Text::tr("Bound by launches")},
        {u"communication_share"_s, Text::tr("Bound by network")},
        {u"largest_batch"_s, Text::tr("Largest batch")},
        {u"longest_prompt"_s, Text::tr("Longest prompt")},
        {u"load_weight"_s, Text::tr("Weights read")},
        {u"load_act"_s, Text::tr("Activations read")},
        {u"store_act"_s, Text::tr("Activations written")},
        {u"load_kv_cache"_s, Text::tr("Cache read")},
        {u"store_kv_cache"_s, Text::tr("Cache written")},
    };
    return titles.value(toQString(quantity), toQString(quantity));
}

QString valueText(const roofline::Derivation& value)
{
    if (value.unit.empty()) {
        const bool isCount = value.quantity == "largest_batch" || value.quantity == "longest_prompt";
        return isCount ? format::integer(std::int64_t(value.value)) : format::percent(value.value);
    }
    if (value.unit == "×")
        return u"%1 ×"_s.arg(format::number(value.value, 3));
    if (value.unit == "1/s")
        return format::scaled(value.value, u"/s"_s);
    return format::scaled(value.value, toQString(value.unit));
}

QString modeText(RooflineMode mode)
{
    switch (mode) {
    case RooflineMode::Accurate:
        return Text::tr("Accurate");
    case RooflineMode::Lv2409:
        return Text::tr("As LLM-Viewer, 2024-09");
    case RooflineMode::Lv2407:
        return Text::tr("As LLM-Viewer, 2024-07");
    case RooflineMode::Calibrated:
        break;
    }
    return Text::tr("Calibrated");
}

QString stageText(RooflineStage stage)
{
    switch (stage) {
    case RooflineStage::Decode:
        return Text::tr("Decode");
    case RooflineStage::Prefill:
        return Text::tr("Prefill");
    case RooflineStage::Chat:
        break;
    }
    return Text::tr("Chat");
}

QString timeBarText(const std::string& id)
{
    if (id == "prefill")
        return Text::tr("Prefill");
    return id == "decode" ? Text::tr("One decode step") : Text::tr("One pass");
}

QString placeText(const AnalysedOperation& operation)
{
    if (operation.section == "entry")
        return Text::tr("entry");
    if (operation.section == "head")
        return Text::tr("head");
    return Text::tr("%n layer(s)", nullptr, int(operation.count));
}

QString shapeText(const AnalysedOperation& operation)
{
    if (operation.shape[0] <= 0)
        return {};
    return u"%1 × %2"_s.arg(format::number(operation.shape[0], 7), format::number(operation.shape[1], 7));
}

QString settingText(const RooflineSetting& setting)
{
    if (setting.mode == RooflineMode::Calibrated)
        return Text::tr("%1, our own engine, batch %2, prompt %3, answer %4")
            .arg(stageText(setting.stage))
            .arg(setting.batch)
            .arg(setting.prompt)
            .arg(setting.generated);
    const QString weights = setting.weightFormat.empty() || setting.isCompatible() ? format::number(setting.weightBits)
                                                                                   : toQString(setting.weightFormat);
    QStringList parts {Text::tr("%1, weights %2, activations %3, cache %4 bit")
                           .arg(stageText(setting.stage), weights, format::number(setting.activationBits),
                                format::number(setting.kvBits)),
                       Text::tr("batch %1").arg(setting.batch), Text::tr("prompt %1").arg(setting.prompt),
                       Text::tr("answer %1").arg(setting.generated)};
    if (setting.tensorParallel > 1)
        parts << Text::tr("%n device(s)", nullptr, setting.tensorParallel);
    if (setting.mode == RooflineMode::Accurate && setting.pipelineParallel > 1)
        parts << Text::tr("pipeline of %1, %2 micro-batches").arg(setting.pipelineParallel).arg(setting.microBatches);
    if (setting.mode == RooflineMode::Accurate && setting.expertParallel > 1)
        parts << Text::tr("experts on %1").arg(setting.expertParallel);
    if (!setting.flash)
        parts << Text::tr("eager attention");
    return parts.join(u", "_s);
}

QStringList describeOperation(const AnalysedOperation& operation)
{
    QStringList lines {u"%1 (%2)"_s.arg(toQString(operation.name), placeText(operation))};
    lines << Text::tr("%1 of the time, bound by %2").arg(format::percent(operation.share), boundText(operation.bound))
          << Text::tr("Time %1").arg(format::scaled(operation.seconds, u"s"_s))
          << Text::tr("Performance %1").arg(format::scaled(operation.performance(), u"FLOP/s"_s))
          << Text::tr("Intensity %1").arg(format::scaled(operation.intensity(), u"FLOP/B"_s))
          << u"%1, %2"_s.arg(format::scaled(operation.flops, u"FLOP"_s), format::scaled(operation.bytes(), u"B"_s))
          << Text::tr("MFU %1, MBU %2").arg(format::percent(operation.mfu()), format::percent(operation.mbu()));
    if (const QString shape = shapeText(operation); !shape.isEmpty())
        lines << Text::tr("Result %1").arg(shape);
    return lines;
}

bool isBetterWhenSmaller(std::string_view quantity)
{
    return quantity != "tokens_per_second" && quantity != "images_per_second" && quantity != "mfu" &&
           quantity != "mbu" && quantity != "performance" && quantity != "intensity" &&
           quantity != "speculative_tokens" && quantity != "speculative_speedup" && quantity != "largest_batch" &&
           quantity != "longest_prompt";
}

} // namespace paretoscope::views
