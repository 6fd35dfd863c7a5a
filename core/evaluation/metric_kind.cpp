// SPDX-License-Identifier: Apache-2.0
#include "core/evaluation/metric_kind.h"

#include "core/base/near_miss.h"
#include "core/corpus/corpus.h"
#include "core/evaluation/document_protocol.h"
#include "core/evaluation/generation_protocol.h"
#include "core/evaluation/task_protocol.h"

#include <algorithm>
#include <array>

namespace paretoscope::core {

namespace {

/// `complete` and `protocolId` of a metric whose options are a Protocol.
template <typename Protocol>
Result<Json> complete(const Json& options)
{
    PSC_ASSIGN(const Protocol protocol, Protocol::fromJson(options));
    return protocol.toJson();
}

template <typename Protocol>
std::string idOf(const Json& options, const MetricData& data)
{
    return Protocol::fromJson(options).value().id(data.file);
}

std::string perplexityId(const Json& options, const MetricData& data)
{
    return WindowProtocol::fromJson(options).value().id("perplexity", data.file);
}

/// A metric that compares: the option `baseline` names a model, its content stands in the id.
Json withoutBaseline(Json options)
{
    if (options.is_object())
        options.erase("baseline");
    return options;
}

template <typename Protocol>
Result<Json> completeComparison(const Json& options)
{
    PSC_ASSIGN(const Protocol protocol, Protocol::fromJson(withoutBaseline(options)));
    Json json = protocol.toJson();
    const auto baseline = options.find("baseline");
    if (baseline == options.end())
        return json;
    if (!baseline->is_string() || baseline->get_ref<const std::string&>().empty())
        return Error {ErrorCode::InvalidArgument,
                      "baseline options: baseline must be a model, but is " + baseline->dump(),
                      "name a Hugging Face folder or a .gguf file"};
    json["baseline"] = *baseline;
    return json;
}

std::string comparedWith(std::string id, const MetricData& data)
{
    return id + "/baseline-" + data.baseline.hex().substr(0, 8);
}

std::string klDivergenceId(const Json& options, const MetricData& data)
{
    return comparedWith(WindowProtocol::fromJson(withoutBaseline(options)).value().id("kl_divergence", data.file),
                        data);
}

std::string greedyMatchId(const Json& options, const MetricData& data)
{
    return comparedWith(GenerationProtocol::fromJson(withoutBaseline(options)).value().id(data.file), data);
}

constexpr std::string_view kWindowNames = "corpus=FILE[,name=value]";

constexpr std::string_view kPerplexityRecords[] {"perplexity"};
constexpr std::string_view kBitsPerByteRecords[] {"bits_per_byte"};
constexpr std::string_view kKlDivergenceRecords[] {"kl_divergence", "top1_agreement"};
constexpr std::string_view kGreedyMatchRecords[] {"greedy_match"};
constexpr std::string_view kTaskRecords[] {"acc", "acc_norm", "target_perplexity"};

/// To add a metric: a line here, and one in core/engine/evaluation/metric_registry.cpp.
constexpr std::array kKinds {
    MetricKind {.name = "perplexity",
                .file = "corpus",
                .values = kWindowNames,
                .doc = "Perplexity on a text. Further names: length (512), windows (all), first (0), stride, "
                       "bos=none|first|each|auto, join=raw|rows, score=all|second-half.",
                .records = kPerplexityRecords,
                .complete = &complete<WindowProtocol>,
                .protocolId = &perplexityId},
    MetricKind {.name = "bits_per_byte",
                .file = "corpus",
                .values = kWindowNames,
                .doc = "Bits per byte of a text, every token predicted once. Further names: length (512), windows "
                       "(all), first (0), bos=first|none, join=raw|rows.",
                .records = kBitsPerByteRecords,
                .complete = &complete<DocumentProtocol>,
                .protocolId = &idOf<DocumentProtocol>},
    MetricKind {.name = "kl_divergence",
                .file = "corpus",
                .values = "corpus=FILE,baseline=MODEL[,name=value]",
                .doc = "Kullback-Leibler divergence from a baseline model and top-1 agreement with it; the other names "
                       "as for --perplexity.",
                .records = kKlDivergenceRecords,
                .compares = true,
                .complete = &completeComparison<WindowProtocol>,
                .protocolId = &klDivergenceId},
    MetricKind {.name = "task",
                .file = "file",
                .values = "FILE.jsonl[,limit=N][,order=file|shuffled]",
                .doc = "Accuracy on multiple choice items, one JSON object a line; also bos=auto|none|first.",
                .records = kTaskRecords,
                .complete = &complete<TaskProtocol>,
                .protocolId = &idOf<TaskProtocol>},
    MetricKind {.name = "greedy_match",
                .file = "corpus",
                .values = "corpus=FILE,baseline=MODEL[,name=value]",
                .doc = "How many greedy tokens agree with a baseline model's before the first that differs. Further "
                       "names: prompts (100), length (64) of a prompt, tokens (64), first (0), join=raw|rows.",
                .records = kGreedyMatchRecords,
                .compares = true,
                .complete = &completeComparison<GenerationProtocol>,
                .protocolId = &greedyMatchId},
};

} // namespace

std::span<const MetricKind> metricKinds()
{
    return kKinds;
}

Result<const MetricKind*> findMetricKind(std::string_view name)
{
    std::vector<std::string> names;
    for (const MetricKind& kind : kKinds) {
        if (kind.name == name)
            return &kind;
        names.emplace_back(kind.name);
    }
    return Error {ErrorCode::InvalidArgument, "unknown metric \"" + std::string(name) + "\"", suggestion(name, names)};
}

bool isMaximised(std::string_view record)
{
    static constexpr std::array<std::string_view, 4> kMaximised {"acc", "acc_norm", "top1_agreement", "greedy_match"};
    return std::find(kMaximised.begin(), kMaximised.end(), record) != kMaximised.end();
}

std::string withoutReader(const std::string& message)
{
    constexpr std::string_view kEnd = " options: ";
    const std::size_t end = message.find(kEnd);
    return end == std::string::npos ? message : message.substr(end + kEnd.size());
}

} // namespace paretoscope::core
