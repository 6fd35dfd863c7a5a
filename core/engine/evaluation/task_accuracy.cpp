// SPDX-License-Identifier: Apache-2.0
#include "core/engine/evaluation/task_accuracy.h"

#include "core/corpus/corpus.h"
#include "core/engine/device/transfer.h"
#include "core/statistics/sample.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace paretoscope::engine {

namespace {

using Kind = core::TaskItems::Kind;

/// First of the largest; NaN never is. -1 when all are NaN.
int indexOfLargest(const std::vector<double>& values)
{
    int best = -1;
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (!std::isnan(values[i]) && (best < 0 || values[i] > values[std::size_t(best)]))
            best = static_cast<int>(i);
    }
    return best;
}

bool hasTie(const std::vector<double>& values, int largest)
{
    return largest >= 0 && std::count(values.begin(), values.end(), values[std::size_t(largest)]) > 1;
}

core::Json finiteOrNull(const std::vector<double>& values)
{
    core::Json list = core::Json::array();
    for (const double value : values)
        list.push_back(std::isfinite(value) ? core::Json(value) : core::Json());
    return list;
}

} // namespace

struct TaskAccuracy::Scores
{
    std::vector<std::vector<double>> logLikelihoods; ///< per item, per choice
    std::vector<int> chosen;
    std::vector<int> chosenNormalised;
    int ties = 0;
    int notANumber = 0; ///< items without any number
};

TaskAccuracy::TaskAccuracy(core::TaskProtocol protocol, core::TaskItems task)
    : m_protocol(std::move(protocol))
    , m_task(std::move(task))
    , m_isGreedy(m_task.items.size(), 1)
{}

core::Result<std::unique_ptr<Metric>> TaskAccuracy::make(core::TaskProtocol protocol, core::TaskItems task,
                                                         const core::Tokenizer& tokenizer, std::int64_t maxTokens)
{
    std::unique_ptr<TaskAccuracy> metric(new TaskAccuracy(std::move(protocol), std::move(task)));
    std::vector<std::vector<std::int32_t>> ids;
    for (const core::TaskItem& item : metric->m_task.items) {
        for (const core::TaskPair& pair : item.pairs) {
            auto encoded = core::encodePair(pair, tokenizer, metric->m_protocol.bos, maxTokens);
            if (!encoded.ok())
                return encoded.error().withContext(metric->m_protocol.file.string() + ": item " + item.id);
            core::EncodedPair& scored = encoded.value();
            ids.push_back(scored.input);
            ids.push_back(scored.targets);
            if (metric->m_task.kind == Kind::Cloze)
                metric->m_targets.push_back(scored.targets);
            metric->m_losses.addTargets(std::move(scored.input), std::move(scored.targets), scored.firstScored);
        }
    }
    metric->m_idsDigest = core::digestOfIds(ids);
    return std::unique_ptr<Metric>(std::move(metric));
}

void TaskAccuracy::consume(int sequence, int begin, const at::Tensor& logits)
{
    m_losses.consume(sequence, begin, logits);
    if (m_task.kind != Kind::Cloze)
        return;
    const auto index = static_cast<std::size_t>(sequence);
    const std::size_t offset = static_cast<std::size_t>(begin - sequences()[index].firstScored);
    const at::Tensor likeliest = toHost(logits.argmax(1));
    for (std::int64_t row = 0; row < likeliest.size(0); ++row) {
        if (likeliest.const_data_ptr<std::int64_t>()[row] != m_targets[index][offset + std::size_t(row)])
            m_isGreedy[index] = 0;
    }
}

TaskAccuracy::Scores TaskAccuracy::scores() const
{
    Scores scores;
    std::size_t sequence = 0;
    for (const core::TaskItem& item : m_task.items) {
        std::vector<double> sums;
        std::vector<double> perCharacter;
        for (const core::TaskPair& pair : item.pairs) {
            const auto losses = m_losses.losses(sequence++);
            sums.push_back(-std::accumulate(losses.begin(), losses.end(), 0.0));
            perCharacter.push_back(sums.back() / double(core::charactersOf(pair.continuation)));
        }
        scores.chosen.push_back(indexOfLargest(sums));
        scores.chosenNormalised.push_back(indexOfLargest(perCharacter));
        scores.ties += hasTie(sums, scores.chosen.back()) ? 1 : 0;
        scores.notANumber += scores.chosen.back() < 0 ? 1 : 0;
        scores.logLikelihoods.push_back(std::move(sums));
    }
    return scores;
}

core::MetricRecord TaskAccuracy::record(const char* name, const std::vector<int>& chosen) const
{
    const std::size_t count = m_task.items.size();
    std::vector<int> correct;
    for (std::size_t i = 0; i < count; ++i)
        correct.push_back(chosen[i] == m_task.items[i].gold ? 1 : 0);
    core::MetricRecord record;
    record.name = name;
    record.minimise = false;
    record.n = static_cast<std::int64_t>(count);
    record.value = std::accumulate(correct.begin(), correct.end(), 0.0) / double(count);
    record.standardError = core::standardErrorOfShare(*record.value, count);
    if (record.standardError && m_protocol.order == "shuffled")
        *record.standardError *= std::sqrt(1 - double(count) / double(m_task.inFile));
    record.protocol = m_protocol.id(m_task.fileDigest);
    record.details = {{"correct", correct}, {"chosen", chosen}, {"file_sha256", m_task.fileDigest.hex()}};
    return record;
}

core::MetricRecord TaskAccuracy::targetPerplexity(const Scores& scores) const
{
    std::vector<double> losses;
    for (const std::vector<double>& item : scores.logLikelihoods)
        losses.push_back(-item.front());
    const core::Estimate mean = core::meanEstimate(losses);
    core::MetricRecord record;
    record.name = "target_perplexity";
    record.n = static_cast<std::int64_t>(losses.size());
    record.protocol = m_protocol.id(m_task.fileDigest);
    record.details = {{"items_nll", finiteOrNull(losses)}, {"file_sha256", m_task.fileDigest.hex()}};
    const double perplexity = std::exp(mean.value);
    if (!std::isfinite(perplexity)) {
        record.details["flags"] = {"nonfinite"};
        return record;
    }
    record.value = perplexity;
    if (mean.standardError)
        record.standardError = perplexity * *mean.standardError;
    return record;
}

core::Result<std::vector<core::MetricRecord>> TaskAccuracy::finish()
{
    const Scores scores = this->scores();
    const bool isCloze = m_task.kind == Kind::Cloze;
    std::vector<int> chosen = scores.chosen;
    for (std::size_t i = 0; isCloze && i < chosen.size(); ++i)
        chosen[i] = m_isGreedy[i] != 0 && chosen[i] == 0 ? 0 : -1;

    std::vector<core::MetricRecord> records {record("acc", chosen)};
    core::Json& details = records.front().details;
    core::Json items = core::Json::array();
    for (std::size_t i = 0; i < m_task.items.size(); ++i) {
        core::Json item {{"id", m_task.items[i].id}, {"log_likelihoods", finiteOrNull(scores.logLikelihoods[i])}};
        if (isCloze) {
            item["is_greedy"] = chosen[i] == 0;
        } else {
            item["chosen"] = chosen[i];
            item["chosen_norm"] = scores.chosenNormalised[i];
            item["gold"] = m_task.items[i].gold;
        }
        items.push_back(std::move(item));
    }
    std::size_t tokens = 0;
    for (const MetricSequence& sequence : sequences())
        tokens += sequence.ids.size();
    details["items"] = std::move(items);
    details["ties"] = scores.ties;
    details["items_in_file"] = m_task.inFile;
    details["ids_sha256"] = m_idsDigest.hex();
    details["tokens_evaluated"] = tokens;
    if (!m_task.duplicateIds.empty())
        details["duplicate_ids"] = m_task.duplicateIds;
    if (scores.notANumber > 0)
        details["flags"] = {"nonfinite"};
    if (m_task.kind == Kind::Choice)
        records.push_back(record("acc_norm", scores.chosenNormalised));
    if (isCloze)
        records.push_back(targetPerplexity(scores));
    return records;
}

core::Result<std::unique_ptr<Metric>> makeTaskAccuracy(const core::Json& options, const MetricContext& context)
{
    PSC_ASSIGN(core::TaskProtocol protocol, core::TaskProtocol::fromJson(options));
    PSC_ASSIGN(core::TaskItems task, core::readTaskItems(protocol));
    PSC_ASSIGN(const core::Tokenizer* tokenizer, context.model.tokenizer());
    return TaskAccuracy::make(std::move(protocol), std::move(task), *tokenizer,
                              context.model.graph().architecture().maxPositions);
}

} // namespace paretoscope::engine
