// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/format/metric_text.h"

#include "views/format/text.h"

#include <QCoreApplication>

#include <array>

namespace paretoscope::views {

namespace {

struct Entry
{
    const char* name;
    const char* title;
    const char* doc;
};

constexpr std::array kKnown {
    Entry {"perplexity", QT_TRANSLATE_NOOP("Metric", "Perplexity"),
           QT_TRANSLATE_NOOP("Metric", "exp of the mean negative log-likelihood per token; smaller is better. Compares "
                                       "only under one protocol (corpus, context length, stride, tokenizer).")},
    Entry {"bits_per_byte", QT_TRANSLATE_NOOP("Metric", "Bits per byte"),
           QT_TRANSLATE_NOOP("Metric", "Negative log-likelihood in bits per byte of text; smaller is better. Compares "
                                       "models with different tokenizers.")},
    Entry {"kl_divergence", QT_TRANSLATE_NOOP("Metric", "KL divergence"),
           QT_TRANSLATE_NOOP("Metric", "Mean Kullback-Leibler divergence from the baseline's next-token distribution, "
                                       "in nats; 0 means the same predictions.")},
    Entry {
        "top1_agreement", QT_TRANSLATE_NOOP("Metric", "Top-1 agreement"),
        QT_TRANSLATE_NOOP("Metric", "Share of positions whose most likely token is the baseline's; larger is better.")},
    Entry {"greedy_match", QT_TRANSLATE_NOOP("Metric", "Greedy match"),
           QT_TRANSLATE_NOOP("Metric",
                             "Greedy tokens that agree with the baseline's before the first that differs, mean "
                             "over prompts; larger is better.")},
    Entry {"acc", QT_TRANSLATE_NOOP("Metric", "Accuracy"),
           QT_TRANSLATE_NOOP("Metric", "Share of items whose likeliest choice is right; larger is better. The protocol "
                                       "names the task.")},
    Entry {"acc_norm", QT_TRANSLATE_NOOP("Metric", "Accuracy by length"),
           QT_TRANSLATE_NOOP("Metric",
                             "Share of items whose likeliest choice per character is right (acc_norm); larger "
                             "is better. The protocol names the task.")},
    Entry {"target_perplexity", QT_TRANSLATE_NOOP("Metric", "Perplexity of the target"),
           QT_TRANSLATE_NOOP("Metric", "exp of the mean negative log-likelihood of the words to be found; smaller is "
                                       "better. The protocol names the task.")},
    Entry {"stored_bytes", QT_TRANSLATE_NOOP("Metric", "Stored size"),
           QT_TRANSLATE_NOOP("Metric",
                             "Everything a reader of the compressed model needs: codes, scales, zeros, indices, "
                             "adapters and the parts left alone. Tied tensors count once. MB is 10⁶ bytes.")},
    Entry {"bits_per_parameter", QT_TRANSLATE_NOOP("Metric", "Bits per parameter"),
           QT_TRANSLATE_NOOP("Metric", "8 × stored size ÷ parameters, so scales, zeros and unquantised parts count.")},
    Entry {"peak_memory_bytes", QT_TRANSLATE_NOOP("Metric", "Peak memory"),
           QT_TRANSLATE_NOOP("Metric", "Largest resident memory of the worker while it ran the trial.")},
    Entry {"prefill_seconds", QT_TRANSLATE_NOOP("Metric", "Prefill time"),
           QT_TRANSLATE_NOOP("Metric", "Measured time to read the prompt.")},
    Entry {"decode_seconds", QT_TRANSLATE_NOOP("Metric", "Decode time"),
           QT_TRANSLATE_NOOP("Metric", "Measured time per generated token.")},
    Entry {"predicted_ttft", QT_TRANSLATE_NOOP("Metric", "Predicted time to first token"),
           QT_TRANSLATE_NOOP("Metric", "TTFT: time of the prefill on the chosen device by the roofline, from the bytes "
                                       "that the trial's tensors take and the sparsity and ranks the device can use.")},
    Entry {"predicted_tpot", QT_TRANSLATE_NOOP("Metric", "Predicted time per token"),
           QT_TRANSLATE_NOOP("Metric", "TPOT: mean time of a decode step on the chosen device by the roofline.")},
    Entry {"predicted_tokens_per_second", QT_TRANSLATE_NOOP("Metric", "Predicted tokens per second"),
           QT_TRANSLATE_NOOP("Metric", "Generated tokens over the time of the whole answer, prefill included; larger is "
                                       "better.")},
    Entry {"predicted_joules_per_token", QT_TRANSLATE_NOOP("Metric", "Predicted energy per token"),
           QT_TRANSLATE_NOOP("Metric", "Energy of the whole answer over its tokens, by how busy the parts of the "
                                       "chosen device are.")},
    Entry {"predicted_memory", QT_TRANSLATE_NOOP("Metric", "Predicted memory"),
           QT_TRANSLATE_NOOP("Metric", "What the chosen device has to hold: weights as they are stored, key/value "
                                       "cache, activations, and 0.6 GB for driver and libraries.")},
};

} // namespace

MetricText metricText(std::string_view name)
{
    for (std::size_t i = 0; i < kKnown.size(); ++i) {
        if (name == kKnown[i].name)
            return {QCoreApplication::translate("Metric", kKnown[i].title),
                    QCoreApplication::translate("Metric", kKnown[i].doc), int(i)};
    }
    QString title = toQString(name);
    title.replace(QLatin1Char('_'), QLatin1Char(' '));
    if (!title.isEmpty())
        title[0] = title[0].toUpper();
    return {title, QCoreApplication::translate("Metric", "Metric “%1”, measured by a plugin.").arg(toQString(name)),
            1000};
}

} // namespace paretoscope::views
